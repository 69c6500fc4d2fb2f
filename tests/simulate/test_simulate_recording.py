"""The recording: the same everywhere, the same at every rate, and what the quality check says of it."""

import hashlib
import subprocess
import sys
import time

import numpy as np
import pytest

import gem
from gem.ecg.lead import STANDARD
from gem.simulate import PRESETS, SimulationSpec, simulate_recording

DISTURBED = ("noisy", "lead_off", "clipped", "swap_")


def test_the_same_spec_gives_the_same_bytes_in_another_process() -> None:
    words = "bigeminy noise.muscle=12 noise.motion=8 seed=77"
    code = (
        "import hashlib, json; from gem.simulate import simulate_recording as s; "
        f"m = s({words!r}); print(hashlib.sha256(m.recording.signal.tobytes() + json.dumps(m.truth.to_json()).encode()).hexdigest())"
    )
    one, two = (subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert one == two
    assert len(one.strip()) == hashlib.sha256().digest_size * 2


def test_another_seed_is_another_heart() -> None:
    one, two = simulate_recording("normal seed=1"), simulate_recording("normal seed=2")
    assert not np.array_equal(one.recording.signal, two.recording.signal)


def test_the_recording_is_a_complete_one() -> None:
    made = simulate_recording("rbbb").recording
    assert made.leads == STANDARD
    assert made.signal.shape == (12, 5000)
    assert made.signal.dtype == np.float32
    assert made.source == "simulated:rbbb"
    assert made.history == ("simulated: name=rbbb conduction=rbbb seed=27 age=62 sex=male",)
    assert (made.age, made.sex) == (62, "male")
    assert (
        simulate_recording("rbbb seed=4").recording.source
        == f"simulated:{SimulationSpec(conduction='rbbb', seed=4, age=62, sex='male').digest}"
    )


@pytest.mark.parametrize("name", ["normal", "lbbb", "paced_dual", "atrial_flutter_2_to_1", "stemi_inferior"])
def test_the_limb_identities_are_exact(name: str) -> None:
    x = simulate_recording(name).recording.signal.astype(float)
    np.testing.assert_allclose(x[2], x[1] - x[0], atol=1e-6)
    np.testing.assert_allclose(x[3:6].sum(axis=0), 0, atol=1e-6)


@pytest.mark.parametrize("name", ["normal", "premature_ventricular", "atrial_fibrillation", "paced_dual"])
def test_a_slower_rate_shows_the_same_trace_at_fewer_times(name: str) -> None:
    fine, usual, coarse = (simulate_recording(f"{name} fs={fs}") for fs in (1000, 500, 250))
    np.testing.assert_allclose(fine.clean[:, ::2], usual.clean, atol=1e-9)
    np.testing.assert_allclose(usual.clean[:, ::2], coarse.clean, atol=1e-9)
    for one, two in zip(fine.truth.beats, coarse.truth.beats, strict=True):
        assert one["qrs_on"] == two["qrs_on"]


@pytest.mark.parametrize("name", [name for name in PRESETS if not name.startswith(DISTURBED)])
def test_a_clean_preset_is_a_good_recording(name: str) -> None:
    made = simulate_recording(name)
    quality = gem.inspect(made.recording)
    assert quality.overall == "ok", quality.reasons
    found = np.array(quality.spikes_s)
    assert len(found) >= 0.9 * len(made.truth.spikes)
    assert all(np.abs(np.array(made.truth.spikes) - time_s).min() < 0.004 for time_s in found)


def test_the_quality_check_suspects_swapped_arms() -> None:
    quality = gem.inspect(simulate_recording("swap_arms").recording)
    assert quality.reversal is not None
    assert "left and right arm" in quality.reversal


@pytest.mark.parametrize(
    ("name", "word"), [("noisy_mains", "mains"), ("noisy_muscle", "muscle"), ("noisy_wander", "baseline"), ("lead_off", "V3")]
)
def test_the_quality_check_names_the_disturbance(name: str, word: str) -> None:
    assert any(word in reason for reason in gem.inspect(simulate_recording(name).recording).reasons)


@pytest.mark.parametrize("words", ["duration_s=2 rate=20", "fs=100", "fs=360 duration_s=30", "p_amplitude=0 t_amplitude=0", "clip_mv=0.1"])
def test_unusual_specs_still_make_a_recording_and_a_truth(words: str) -> None:
    made = simulate_recording(words)
    assert made.recording.signal.shape == (12, round(made.recording.fs * made.truth.spec.duration_s))
    assert made.truth.to_json()["schema"] == "gem.truth/1"


def test_ten_seconds_are_made_in_a_few_milliseconds() -> None:
    """The aim is 15 ms on a quiet core; processor time and a wide margin, since test machines are shared."""
    simulate_recording("normal")
    begin = time.process_time()
    for seed in range(20):
        simulate_recording(f"normal seed={seed}")
    assert (time.process_time() - begin) / 20 < 0.15
