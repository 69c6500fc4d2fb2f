"""Noise of every kind, measured on what was recorded."""

import numpy as np
import pytest

from gem.simulate import Simulated, simulate_recording


def added(made: Simulated) -> np.ndarray:
    return made.recording.signal.astype(float) - made.clean


@pytest.mark.parametrize("kind", ["wander", "mains_50", "mains_60", "muscle", "motion", "white"])
@pytest.mark.parametrize("snr", [0, 12, 24])
def test_the_ratio_over_twelve_leads_is_the_one_asked_for(kind: str, snr: float) -> None:
    made = simulate_recording(f"normal noise.{kind}={snr}")
    power = np.mean(np.var(made.clean, axis=1)) / np.mean(np.var(added(made), axis=1))
    assert 10 * np.log10(power) == pytest.approx(snr, abs=0.5)


def test_the_limb_leads_agree_under_noise() -> None:
    x = simulate_recording("normal noise.muscle=5 noise.motion=5 noise.wander=0").recording.signal.astype(float)
    np.testing.assert_allclose(x[2], x[1] - x[0], atol=2e-6)
    np.testing.assert_allclose(x[3], -(x[0] + x[1]) / 2, atol=2e-6)
    np.testing.assert_allclose(x[4], x[0] - x[1] / 2, atol=2e-6)
    np.testing.assert_allclose(x[5], x[1] - x[0] / 2, atol=2e-6)


def share(made: Simulated, low: float, high: float) -> float:
    """Share of the noise power between two frequencies."""
    hertz = np.fft.rfftfreq(made.clean.shape[1], 1 / made.recording.fs)
    power = (np.abs(np.fft.rfft(added(made), axis=1)) ** 2).sum(axis=0)
    return float(power[(hertz >= low) & (hertz <= high)].sum() / power[1:].sum())


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("mains_50", 49.5, 50.5), ("mains_60", 59.5, 60.5), ("muscle", 19, 151), ("wander", 0.0, 0.8), ("motion", 0.0, 12)],
)
def test_each_noise_lies_in_its_band(kind: str, low: float, high: float) -> None:
    assert share(simulate_recording(f"normal noise.{kind}=5"), low, high) > 0.9


def test_noise_leaves_the_heart_as_it_was() -> None:
    quiet, loud = simulate_recording("normal"), simulate_recording("normal noise.muscle=3 noise.white=10")
    np.testing.assert_array_equal(quiet.clean, loud.clean)
    assert quiet.truth.beats == loud.truth.beats


def test_one_kind_of_noise_does_not_change_another() -> None:
    one, both = simulate_recording("normal noise.muscle=10"), simulate_recording("normal noise.muscle=10 noise.wander=0")
    wander = simulate_recording("normal noise.wander=0")
    np.testing.assert_allclose(added(one) + added(wander), added(both), atol=4e-3)


def test_a_clipped_recording_stays_within_its_limit() -> None:
    assert np.abs(simulate_recording("clipped").recording.signal).max() == pytest.approx(0.8)
