"""Quality on simulated recordings whose fault is known."""

import numpy as np
import pytest

from gem.ecg.quality import Quality, inspect
from gem.ecg.recording import Recording
from gem.simulate import read_spec, simulate_recording


def made(words: str = "normal") -> Recording:
    return simulate_recording(read_spec(words)).recording


def spoilt(lead: str, change, words: str = "normal") -> Quality:  # type: ignore[no-untyped-def]
    recording = made(words)
    signal = recording.signal.copy()
    k = recording.leads.index(lead)
    signal[k] = change(signal[k])
    return inspect(recording.after(signal, "spoilt"))


@pytest.mark.parametrize("words", ["normal", "atrial_fibrillation", "lbbb", "bigeminy", "stemi_inferior", "low_voltage", "tachycardia"])
def test_a_clean_recording_is_ok(words: str) -> None:
    quality = inspect(made(words))
    assert (quality.overall, quality.reasons) == ("ok", ())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x: x * 0, "flat (0 uV peak to peak): lead off"),
        (lambda x: x - 17, "offset of -17.0 mV: electrode off"),
        (lambda x: x * 100, "not an ECG signal"),
        (lambda x: np.where(np.arange(len(x)) > 3000, np.nan, x), "40% of the samples are missing"),
    ],
)
def test_a_bad_lead_is_not_measured_and_the_rest_is(change, says: str) -> None:  # type: ignore[no-untyped-def]
    quality = spoilt("V3", change)
    assert quality.overall == "limited"
    assert not quality.per_lead["V3"].ok
    assert says in quality.per_lead["V3"].reasons[0]
    assert len(quality.usable_leads) == 11
    assert any("lead V3 not usable" in reason for reason in quality.reasons)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x: np.clip(x, -0.35, 0.35), "clipped"),
        (lambda x: np.where((np.arange(len(x)) > 1000) & (np.arange(len(x)) < 1400), np.nan, x), "missing for 0.8 s from 2.0 s"),
        (lambda x: np.where((np.arange(len(x)) > 1000) & (np.arange(len(x)) < 1800), x[1000], x), "flat for 1.6 s from 2.0 s"),
    ],
)
def test_a_weak_lead_is_measured_and_says_so(change, says: str) -> None:  # type: ignore[no-untyped-def]
    quality = spoilt("V2", change)
    assert any(says in reason for reason in quality.per_lead["V2"].reasons), quality.per_lead["V2"]


@pytest.mark.parametrize(
    ("noise", "says"), [("mains_50=6", "mains"), ("mains_60=6", "mains"), ("muscle=4", "muscle"), ("wander=-8", "wander")]
)
def test_noise_is_named_by_its_kind(noise: str, says: str) -> None:
    quality = inspect(made(f"normal noise.{noise}"))
    assert any(says in reason for reason in quality.reasons), quality
    if says == "mains":
        assert quality.mains_hz == float(noise[6:8])


def test_what_cannot_be_an_ecg_is_unusable_with_the_reason() -> None:
    recording = made()
    rng = np.random.default_rng(0)
    cases = {
        "no repeating heart beat": recording.after(rng.normal(0, 0.08, recording.signal.shape), "noise"),
        "all leads are flat": recording.after(recording.signal * 0, "flat"),
        "is the unit uV": recording.after(recording.signal * 1000, "uV"),
        "is the unit V": recording.after(recording.signal / 1000, "V"),
        "at least 2.5 s": recording.after(recording.signal[:, :500], "cut"),
    }
    for says, bad in cases.items():
        quality = inspect(bad)
        assert quality.overall == "unusable"
        assert says in quality.reasons[0]


def test_ventricular_fibrillation_is_not_read_as_a_rhythm() -> None:
    recording = made()
    t = np.arange(recording.samples) / recording.fs
    rng = np.random.default_rng(5)
    phase = 2 * np.pi * np.cumsum(5 + 1.2 * rng.normal(size=t.size).cumsum() / 60) / recording.fs
    wave = np.sin(phase) * (0.4 + 0.3 * np.sin(2 * np.pi * 0.37 * t))
    gains = rng.uniform(-1, 1, (12, 1))
    assert inspect(recording.after(gains * wave + 0.05 * rng.normal(size=(12, t.size)), "VF")).overall == "unusable"


def test_fewer_leads_and_low_rates_limit() -> None:
    quality = inspect(made().only(("I", "II", "III")))
    assert quality.overall == "limited"
    assert "9 of the 12 standard leads are not recorded" in quality.reasons[0]


def test_limb_leads_that_do_not_add_up_are_found() -> None:
    quality = spoilt("II", lambda x: np.roll(x, 40))
    assert any("limb leads disagree" in reason for reason in quality.reasons)


@pytest.mark.parametrize(
    ("preset", "says"), [("swap_arms", "left and right arm"), ("swap_ra_ll", "right arm and left leg"), ("swap_ra_rl", "right leg")]
)
def test_electrode_swaps_that_can_be_told_are_suspected(preset: str, says: str) -> None:
    quality = inspect(made(preset))
    assert quality.reversal is not None
    assert says in quality.reversal


def test_pacing_spikes_are_found_where_they_are_and_nowhere_else() -> None:
    for preset in ("paced_ventricular", "paced_dual"):
        simulated = simulate_recording(preset)
        found = np.array(inspect(simulated.recording).spikes_s)
        truth = np.array([t for t in simulated.truth.spikes if 0.05 < t < 9.95])
        assert len(found) >= 0.8 * len(truth)
        assert all(np.abs(truth - t).min() < 0.006 for t in found)
    for preset in ("normal", "noisy_muscle", "lbbb", "pre_excitation", "tachycardia"):
        assert inspect(made(preset)).spikes_s == ()


def test_what_measuring_finds_limits_an_ok_recording_and_leaves_the_rest() -> None:
    quality = inspect(simulate_recording("normal").recording)
    assert quality.overall == "ok"
    assert quality.with_reasons([]) is quality
    limited = quality.with_reasons(["T waves are uncertain"])
    assert (limited.overall, limited.reasons) == ("limited", ("T waves are uncertain",))
