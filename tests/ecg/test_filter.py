"""Steps that change a signal: what they keep, what they take away, what they write down."""

import numpy as np
import pytest

from gem.ecg.filter import fill_gaps, remove_baseline, remove_mains, resample
from gem.ecg.recording import Recording
from gem.errors import RecordingError

T = np.arange(5000) / 500.0


def made(*rows: np.ndarray, fs: float = 500.0) -> Recording:
    return Recording(np.stack(rows), fs, ("I", "II", "V1")[: len(rows)], "made")


def middle(x: np.ndarray) -> np.ndarray:
    return x[..., 1000:-1000]


def test_baseline_removal_takes_the_slow_and_leaves_the_fast() -> None:
    fast = np.sin(2 * np.pi * 8 * T)
    after = remove_baseline(made(fast + 2 * np.sin(2 * np.pi * 0.1 * T) + 3))
    assert np.abs(middle(after.signal[0]) - middle(fast)).max() < 0.02
    assert after.history == ("baseline removed: zero-phase high-pass 0.5 Hz",)


def test_mains_removal_takes_one_line_and_leaves_its_neighbours() -> None:
    kept = np.sin(2 * np.pi * 20 * T)
    after = remove_mains(made(kept + 0.5 * np.sin(2 * np.pi * 50 * T)), 50)
    assert np.abs(middle(after.signal[0]) - middle(kept)).max() < 0.01
    with pytest.raises(RecordingError, match="cannot be removed at 100 Hz"):
        remove_mains(made(kept, fs=100.0), 50)


@pytest.mark.parametrize("fs", [100.0, 250.0, 360.0, 400.0, 513.625, 1000.0])
def test_resampling_there_and_back_is_the_identity_for_what_both_rates_carry(fs: float) -> None:
    slow = np.sin(2 * np.pi * 3 * T) + 0.5 * np.cos(2 * np.pi * 17 * T)
    there = resample(made(slow), fs)
    back = resample(there, 500.0)
    n = min(back.samples, len(slow))
    assert there.duration_s == pytest.approx(10.0, abs=1 / fs)
    assert np.abs(middle(back.signal[0, :n]) - middle(slow[:n])).max() < 0.01
    assert there.history == (f"resampled 500 -> {fs:g} Hz",)


def test_a_gap_stays_a_gap_when_resampled_and_is_bridged_by_a_line() -> None:
    ramp = np.linspace(0, 1, 5000)
    holed = ramp.copy()
    holed[2000:2500] = np.nan
    after = resample(made(holed), 250.0)
    assert np.isnan(after.signal[0, 1002:1248]).all()
    assert not np.isnan(after.signal[0, :998]).any()
    np.testing.assert_allclose(fill_gaps(made(holed)).signal[0], ramp, atol=1e-5)


def test_a_lead_without_any_sample_becomes_zero() -> None:
    assert (fill_gaps(made(np.full(5000, np.nan), T)).signal[0] == 0).all()
