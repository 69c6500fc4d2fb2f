"""Global edges, intervals, and QT corrected: oracles by construction."""

import numpy as np
import pytest

from gem.measure.delineation import FIDUCIALS, Delineation, ordered
from gem.measure.interval import corrected_qt, global_edges, global_intervals, median_of

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def delineation(beats: int = 5, rr: float = 0.8, **spread: tuple[float, float]) -> Delineation:
    """Beats every `rr` s; each named fiducial runs evenly over the leads from its first to its second offset (s)."""
    beat_s = 0.5 + rr * np.arange(beats)
    times = np.full((12, beats, len(FIDUCIALS)), np.nan)
    for name, (first, last) in spread.items():
        times[:, :, FIDUCIALS.index(name)] = np.linspace(first, last, 12)[:, None] + beat_s
    return Delineation(TWELVE, beat_s, times, "made")


def test_the_second_earliest_and_second_latest_lead_decide() -> None:
    edges = global_edges(delineation(qrs_on=(-0.05, -0.039), qrs_off=(0.04, 0.051)))
    np.testing.assert_allclose(edges["qrs_on"] - (0.5 + 0.8 * np.arange(5)), -0.049)
    np.testing.assert_allclose(edges["qrs_off"] - (0.5 + 0.8 * np.arange(5)), 0.050)


def test_one_outlying_lead_moves_nothing() -> None:
    d = delineation(qrs_on=(-0.05, -0.039), qrs_off=(0.04, 0.051), p_on=(-0.2, -0.189), p_off=(-0.1, -0.089), t_off=(0.3, 0.311))
    wild = d.times.copy()
    wild[0, :, :] -= 0.3
    before, after = global_edges(d), global_edges(Delineation(TWELVE, d.beat_s, wild, "made"))
    for name in ("p_on", "qrs_off", "t_off"):
        assert np.abs(before[name] - after[name]).max() <= 0.0011


def test_a_single_lead_is_its_own_edge() -> None:
    d = delineation(qrs_on=(-0.05, -0.05), qrs_off=(0.04, 0.04))
    edges = global_edges(Delineation(("II",), d.beat_s, d.times[:1], "made"))
    np.testing.assert_allclose(edges["qrs_off"] - edges["qrs_on"], 0.09)


def test_intervals_are_medians_over_normal_beats_only() -> None:
    d = delineation(qrs_on=(-0.05, -0.05), qrs_off=(0.05, 0.05), p_on=(-0.2, -0.2), p_off=(-0.1, -0.1), t_off=(0.35, 0.35))
    edges = global_edges(d)
    edges["qrs_off"][3] += 0.08
    normal = np.array([True, True, True, False, True])
    found = global_intervals(edges, d.beat_s, normal, None)
    assert found["heart_rate"].value == pytest.approx(75)
    expected = {"qrs_duration": 100, "pr_interval": 150, "p_duration": 100, "qt_interval": 400}
    assert {name: found[name].value for name in expected} == pytest.approx(expected)


def test_what_is_not_there_is_absent_with_the_reason() -> None:
    d = delineation(qrs_on=(-0.05, -0.05), qrs_off=(0.05, 0.05))
    found = global_intervals(global_edges(d), d.beat_s, np.ones(5, bool), "no P wave before any QRS")
    assert found["pr_interval"].absent == "no P wave before any QRS"
    assert found["qt_interval"].absent == "no end of the T wave found"
    assert found["qtc_bazett"].absent == "QT not measured"
    assert found["qrs_duration"].value == pytest.approx(100)


def test_the_four_corrections_agree_at_60_and_follow_their_formulas() -> None:
    assert set(corrected_qt(400.0, 1.0).values()) == {400.0}
    assert corrected_qt(360.0, 0.64) == pytest.approx(
        {"qtc_bazett": 450.0, "qtc_fridericia": 417.7, "qtc_framingham": 415.44, "qtc_hodges": 419.0625}, abs=0.05
    )


def test_median_of_nothing_is_nan() -> None:
    assert np.isnan(median_of(np.array([np.nan, np.inf])))


def test_waves_out_of_order_are_removed_and_the_rest_kept() -> None:
    good = [0.1, 0.15, 0.2, 0.25, 0.26, 0.3, 0.33, 0.36, 0.5, 0.6, 0.7]
    late_p = [0.1, 0.27, 0.28, *good[3:]]
    early_t = [*good[:8], 0.2, 0.34, 0.35]
    reversed_qrs = [*good[:3], 0.4, 0.41, 0.3, 0.33, 0.36, *good[8:]]
    out = ordered(np.array([good, late_p, early_t, reversed_qrs]))
    np.testing.assert_array_equal(out[0], good)
    assert np.isnan(out[1, :3]).all()
    assert (out[1, 3:] == good[3:]).all()
    assert np.isnan(out[2, 8:]).all()
    assert np.isnan(out[3, 3:8]).all()
