"""Global edges of the waves, global intervals, and QT corrected by four named formulas.

Global onset and offset: per beat the second-earliest onset and the second-latest offset over the usable
leads, so that one outlying lead cannot move them; then the median over normal beats (measurement.md).
CSE's own definition is the earliest and the latest over all leads.
"""

from dataclasses import replace

import numpy as np

from gem.measure.delineation import Delineation
from gem.measure.measurement import Measurement, doubting, measured

_ENOUGH_LEADS = 4
_P_NEAR_S, _T_NEAR_S = 0.1, 0.12
"""A P onset or T offset farther from the median of the leads belongs to another wave."""

_EDGES = ("p_on", "p_off", "qrs_on", "qrs_off", "t_on", "t_off")
_UNSURE_MS = {"p_duration": 20.0, "pr_interval": 20.0, "qrs_duration": 20.0, "qt_interval": 25.0}
"""From this standard deviation of its edges an interval carries a doubt."""

Edges = dict[str, np.ndarray]


def global_edges(delineation: Delineation) -> Edges:
    """[B] times of p_on, p_off, qrs_on, qrs_off, t_on, t_off over all leads, s; NaN = absent.

    With fewer than four leads that show a wave there is no second-earliest worth the name: the
    median over these leads is taken.
    """
    p_near = _near_median(delineation.at("p_on"), _P_NEAR_S)
    t_near = _near_median(delineation.at("t_off"), _T_NEAR_S)
    return {
        "p_on": _edge(np.where(p_near, delineation.at("p_on"), np.nan), last=False),
        "p_off": _edge(np.where(p_near, delineation.at("p_off"), np.nan), last=True),
        "qrs_on": _edge(delineation.at("qrs_on"), last=False),
        "qrs_off": _edge(delineation.at("qrs_off"), last=True),
        "t_on": _edge(np.where(t_near, delineation.at("t_on"), np.nan), last=False),
        "t_off": _edge(np.where(t_near, delineation.at("t_off"), np.nan), last=True),
    }


def _near_median(times_LB: np.ndarray, reach_s: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        near: np.ndarray = np.abs(times_LB - nan_median(times_LB)) <= reach_s
    return near


def nan_median(x_LB: np.ndarray) -> np.ndarray:
    """Median over the first axis, NaN left out; NaN where there is nothing else. (np.nanmedian is 20 times slower here.)"""
    if not len(x_LB):
        return np.full(x_LB.shape[1:], np.nan)
    ordered = np.sort(x_LB, axis=0)
    count = np.sum(np.isfinite(ordered), axis=0)
    low = np.take_along_axis(ordered, (np.maximum(count - 1, 0) // 2)[None], axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, len(x_LB) - 1)[None], axis=0)[0]
    out: np.ndarray = np.where(count > 0, (low + high) / 2, np.nan)
    return out


def _edge(times_LB: np.ndarray, last: bool) -> np.ndarray:
    """[B] second-earliest (or second-latest) time over the leads."""
    ordered = np.sort(-times_LB if last else times_LB, axis=0)  # NaN go last
    count = np.sum(np.isfinite(times_LB), axis=0)
    second = ordered[min(1, len(ordered) - 1)]
    out: np.ndarray = np.where(count >= _ENOUGH_LEADS, -second if last else second, nan_median(times_LB))
    return out


def median_of(values: np.ndarray) -> float:
    """Median of what is finite, NaN when nothing is."""
    finite = np.sort(values[np.isfinite(values)])
    return float((finite[(len(finite) - 1) // 2] + finite[len(finite) // 2]) / 2) if len(finite) else float("nan")


def global_intervals(
    edges: Edges, beat_s: np.ndarray, normal: np.ndarray, no_p: str | None, blur_s: np.ndarray | None = None
) -> dict[str, Measurement]:
    """Heart rate, P, PR, QRS, QT and QTc over all leads.

    edges   from `global_edges`
    beat_s  [B] s
    normal  [B] the beats that carry the medians
    no_p    why there is no P wave to measure, or None
    blur_s  [B, 6] as in `Delineation`
    """
    rr_s = median_of(np.diff(beat_s))
    rate = 60.0 / rr_s
    method = "second-earliest onset to second-latest offset over the leads, median over normal beats"
    spans = {
        "p_duration": ("p_on", "p_off", no_p or "no P wave with both edges found"),
        "pr_interval": ("p_on", "qrs_on", no_p or "no P wave with its onset found before a QRS complex"),
        "qrs_duration": ("qrs_on", "qrs_off", "no QRS complex with both edges found"),
        "qt_interval": ("qrs_on", "t_off", "no end of the T wave found"),
    }
    out = {"heart_rate": measured("heart_rate", "bpm", rate, "fewer than two beats", "60 / median RR")}
    out["rr_interval"] = measured("rr_interval", "ms", rr_s * 1e3, "fewer than two beats", "median")
    for name, (first, last, why_not) in spans.items():
        span = (edges[last] - edges[first])[normal] * 1e3
        if no_p and first == "p_on":
            span = np.full(1, np.nan)
        out[name] = measured(name, "ms", median_of(span), why_not, method)
        if blur_s is not None and out[name].value is not None:
            both = blur_s[normal][:, [_EDGES.index(first), _EDGES.index(last)]]
            out[name] = _with_sd(out[name], 1e3 * median_of(np.hypot(both[:, 0], both[:, 1])))
    qt = out["qt_interval"]
    for name, corrected in corrected_qt(qt.value if qt.value is not None else float("nan"), rr_s).items():
        of_qt = measured(name, "ms", corrected, "QT not measured", name.removeprefix("qtc_").capitalize())
        out[name] = replace(of_qt, sd=qt.sd, doubt=qt.doubt)
    return out


def _with_sd(m: Measurement, sd_ms: float) -> Measurement:
    """The measurement with its standard deviation, and a doubt where that is large."""
    if np.isnan(sd_ms):
        return m
    m = replace(m, sd=sd_ms)
    return doubting(m, f"edges known to {sd_ms:.0f} ms only") if sd_ms > _UNSURE_MS[m.name] else m


def corrected_qt(qt_ms: float, rr_s: float) -> dict[str, float]:
    """QTc in ms by the four usual formulas, from QT in ms and RR in s.

    Bazett 1920: QT / RR^(1/2). Fridericia 1920: QT / RR^(1/3). Framingham (Sagie 1992):
    QT + 154 (1 - RR). Hodges 1983: QT + 1.75 (rate - 60). Bazett overcorrects at fast rates.
    """
    return {
        "qtc_bazett": qt_ms / np.sqrt(rr_s),
        "qtc_fridericia": qt_ms / np.cbrt(rr_s),
        "qtc_framingham": qt_ms + 154.0 * (1.0 - rr_s),
        "qtc_hodges": qt_ms + 1.75 * (60.0 / rr_s - 60.0),
    }
