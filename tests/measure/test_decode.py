"""Fiducials from scores whose edges are known by construction."""

import numpy as np
import pytest

from gem.ecg.recording import Recording
from gem.measure.decode import decode, segments, spread_to
from gem.measure.scores import RATE_HZ, Scores

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF")
BEATS = [(k * 0.9 + 0.6) for k in range(9)]
P, QRS, T = (-0.18, -0.08), (-0.04, 0.05), (0.2, 0.4)
QRS_AT = (2.0, 2.1)
SECONDS = 9


def covered(spans: list[tuple[float, float]], softness_s: float = 0.02, top: float = 1.0) -> np.ndarray:
    """A score that crosses half of `top` at every edge, climbing over `softness_s`."""
    t = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    out = np.zeros(len(t))
    for a, b in spans:
        out = np.maximum(out, np.clip(np.minimum(t - a, b - t) / softness_s + 0.5, 0, 1))
    return top * out


def scores(p: list[bool] | None = None, shift: list[float] | None = None, p_top: float = 1.0, softness_s: float = 0.02) -> Scores:
    """P before the beats that `p` says; in lead k all edges `shift[k]` later."""
    p = p or [True] * len(BEATS)
    rows = []
    for late in [0.0, *(shift or [0.0] * len(LEADS))]:
        waves = [[(beat + a + late, beat + b + late) for beat, there in zip(BEATS, there_s, strict=True) if there] for (a, b), there_s in
                 ((P, p), (QRS, [True] * 9), (T, [True] * 9))]  # fmt: skip
        rows.append(np.stack([covered(waves[0], softness_s, p_top), covered(waves[1], softness_s), covered(waves[2], softness_s)]))
    return Scores(np.stack(rows[1:]), rows[0])


def signal() -> Recording:
    """R waves at the beats, inverted in aVR; T waves of 0.3 mV."""
    t = np.arange(SECONDS * 500) / 500
    one = sum(np.exp(-(((t - b) / 0.015) ** 2)) + 0.3 * np.exp(-(((t - b - 0.3) / 0.04) ** 2)) for b in BEATS)
    rows = np.stack([one * (-1 if lead == "aVR" else 1) for lead in LEADS])
    return Recording(rows.astype(np.float32), 500.0, LEADS, "made")


def test_edges_come_out_where_they_were_put_between_the_samples() -> None:
    found = decode(scores(), signal())
    assert found.beat_s == pytest.approx([b + 0.005 for b in BEATS], abs=1e-3)
    for name, edge in (("p_on", P[0]), ("p_off", P[1]), ("qrs_on", QRS[0]), ("qrs_off", QRS[1]), ("t_on", T[0]), ("t_off", T[1])):
        assert found.at(name) == pytest.approx(np.tile(np.array(BEATS) + edge, (len(LEADS), 1)), abs=1.5e-3), name


def test_peaks_are_read_from_the_signal_also_where_it_points_down() -> None:
    found = decode(scores(), signal())
    for name, at in (("r_peak", 0.0), ("t_peak", 0.3)):
        assert found.at(name) == pytest.approx(np.tile(np.array(BEATS) + at, (len(LEADS), 1)), abs=4e-3), name


def test_a_beat_without_p_has_none_and_gets_none() -> None:
    there = [True, True, False, True, True, True, False, True, True]
    found = decode(scores(there), signal())
    assert np.isfinite(found.at("p_on")).all(axis=0).tolist() == there
    assert (found.sure[:, 0] > 0.5).tolist() == there


def test_a_p_wave_that_no_qrs_follows_is_kept_apart() -> None:
    made = scores()
    alone = np.maximum(made.joint[0], covered([(BEATS[3] + 0.48, BEATS[3] + 0.58)]))
    found = decode(Scores(made.lead, np.stack([alone, *made.joint[1:]])), signal())
    assert found.loose_p == pytest.approx(np.array([[BEATS[3] + 0.48, BEATS[3] + 0.58]]), abs=4e-3)


def test_faint_p_waves_are_believed_at_one_distance_and_not_scattered() -> None:
    faint = decode(scores(p_top=0.35), signal())
    assert np.isfinite(faint.at("p_on")).all()
    made = scores(p_top=0.35)
    rng = np.random.default_rng(0)
    scattered = covered([(b - 0.2 + s, b - 0.1 + s) for b, s in zip(BEATS, rng.uniform(-0.15, 0.05, 9), strict=True)], top=0.35)
    assert np.isnan(decode(Scores(made.lead, np.stack([scattered, *made.joint[1:]])), signal()).at("p_on")).all()


def test_a_wave_in_one_lead_only_is_no_wave() -> None:
    made = scores([False] * 9)
    lead = made.lead.copy()
    lead[2, 0] = covered([(b + P[0], b + P[1]) for b in BEATS])
    assert np.isnan(decode(Scores(lead, made.joint), signal()).at("p_on")).all()


def test_the_blur_is_the_standard_deviation_that_the_score_says() -> None:
    """A ramp over w is the cover of edges spread evenly over w: .16 to .84 is .68 w, half of it .34 w."""
    for softness_s in (0.02, 0.06):
        found = decode(scores(softness_s=softness_s), signal())
        assert np.median(found.blur_s, axis=0) == pytest.approx(np.full(6, 0.34 * softness_s), abs=4e-3)


def test_the_second_most_extreme_lead_is_brought_to_the_joint_edge_and_the_median_stays() -> None:
    edges = np.array([[0.100], [0.102], [0.104], [0.106], [0.108], [0.110], [0.112]])
    moved = spread_to(edges, np.array([0.099]), last=False)
    assert np.sort(moved[:, 0])[1] == pytest.approx(0.099)
    assert np.median(moved) == pytest.approx(np.median(edges))
    assert moved[3:] == pytest.approx(edges[3:])
    late = spread_to(-edges, np.array([-0.099]), last=True)
    assert late == pytest.approx(-moved)
    few = edges[:3]
    assert spread_to(few, np.array([0.05]), last=False) is few


def test_short_gaps_close_and_short_stretches_go() -> None:
    score = covered([(1.0, 1.04), (1.06, 1.1), (2.0, 2.012)], softness_s=0.004)
    (only,) = segments(score, "qrs")
    assert (only.first, only.last) == pytest.approx((1.0, 1.1), abs=2e-3)


def test_no_beats_no_fiducials() -> None:
    nothing = np.zeros((len(LEADS), 3, SECONDS * 250))
    found = decode(Scores(nothing, nothing[0]), signal())
    assert found.times.shape == (6, 0, 11)
    assert found.blur_s.shape == (0, 6)


def test_a_wave_that_hardly_reaches_one_half_is_called_uncertain() -> None:
    made = scores()
    assert decode(made, signal()).unsure() == []
    faint = Scores(made.lead, np.stack([made.joint[0], 0.65 * made.joint[1], made.joint[2]]))
    assert [text.split(" are ")[0] for text in decode(faint, signal()).unsure()] == ["QRS complexes"]


def test_a_wave_reaches_a_little_further_than_one_half_and_never_into_the_next() -> None:
    sharp, soft = (segments(covered([QRS_AT], softness_s=s), "qrs")[0] for s in (0.004, 0.06))
    assert 4e-3 < sharp.first - soft.first < 0.02
    assert 4e-3 < soft.last - sharp.last < 0.02
    close = np.maximum(covered([(1.0, 1.1)]), covered([(1.16, 1.3)]))
    first, second = segments(np.maximum(close, 0.45), "qrs")
    assert first.last == pytest.approx(second.first)
