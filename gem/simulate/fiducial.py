"""Where a wave begins, peaks and ends: the definition that makes the truth a truth.

It is applied to the noise-free component of one wave alone (P, QRS or T), so neighbours do not
disturb it. A reader of an ECG can not see microvolts; the floors below are what a careful eye or
a good program resolves on a clean trace; they and the margins of the readers are the only free choices in this file.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Rule:
    """A wave lasts from `early_s` before the first to `late_s` after the last moment above max(`floor_mv`, `share` of its own peak).

    Below a peak of `least_mv` the wave is absent in that lead. The margins are the habit of LUDB's cardiologists: so far outside
    the crossing (of the averaged beat of a lead) lie their marks in the median (configs/LOG.md, 2026-11-21).
    """

    floor_mv: float
    share: float
    least_mv: float
    early_s: float = 0.0
    late_s: float = 0.0


P_RULE = Rule(0.010, 0.05, 0.02, 0.012, 0.008)
"""10 uV: a tenth of a small square, about the noise that a recorder may have (Kligfield 2007, part I: 30 uV peak to peak). LUDB's
marks give 11 and 2 ms of the margins, the rest as for QRS."""
T_RULE = Rule(0.010, 0.05, 0.03, 0.0, 0.006)
"""As P; a T wave leaves its baseline slowly, so less than 0.03 mV is called flat."""
QRS_RULE = Rule(0.015, 0.02, 0.05, 0.017, 0.008)
"""Steeper, so a smaller share of a larger wave; half a small square is the least that is called a QRS. LUDB's marks give 10 ms of the
margin at the onset; the other 7, and the 8 at the end, stand for the slow first and last forces that a sum of few smooth bumps
lacks: without them networks that saw real ECGs only read every simulated QRS that much wider (configs/LOG.md)."""
DEFLECTION_MV = 0.03
"""A Q, R or S smaller than this is not named; the least deflection of CSE and IEC 60601-2-25 is 0.02 mV."""


def crossings(t: np.ndarray, x: np.ndarray, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Onset and offset, s, of components x [..., N] mV sampled at the even times t [N] s; NaN where absent.

    x must be zero at both ends of t. Times are interpolated between samples.
    """
    size = np.abs(x)
    peak = size.max(axis=-1)
    limit = np.maximum(rule.floor_mv, rule.share * peak)
    above = size > limit[..., None]
    count = len(t)
    step = t[1] - t[0]
    first = np.maximum(np.argmax(above, axis=-1), 1)
    last = np.minimum(count - 1 - np.argmax(above[..., ::-1], axis=-1), count - 2)

    def between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Share of the step from `low` (below the limit) to `high` (above it) at which the limit is met."""
        below = np.take_along_axis(size, low[..., None], axis=-1)[..., 0]
        over = np.take_along_axis(size, high[..., None], axis=-1)[..., 0]
        gap = np.where(over > below, over - below, 1.0)
        share: np.ndarray = (limit - below) / gap
        return share

    present = peak >= rule.least_mv
    on = np.where(present, t[0] + step * (first - 1 + between(first - 1, first)) - rule.early_s, np.nan)
    off = np.where(present, t[0] + step * (last + 1 - between(last + 1, last)) + rule.late_s, np.nan)
    return on, off


def vertex(t: np.ndarray, x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Time of the extremum near sample `at` [...] of x [..., N]: the top of a parabola through three samples."""
    mid = np.clip(at, 1, len(t) - 2)
    a, b, c = (np.take_along_axis(x, (mid + k)[..., None], axis=-1)[..., 0] for k in (-1, 0, 1))
    bend = a - 2 * b + c
    shift = np.where(np.abs(bend) > 1e-12, 0.5 * (a - c) / np.where(np.abs(bend) > 1e-12, bend, 1.0), 0.0)
    time: np.ndarray = t[0] + (t[1] - t[0]) * (mid + np.clip(shift, -0.5, 0.5))
    return time


def second_earliest(on: np.ndarray) -> np.ndarray:
    """Over the last axis (leads): the second-earliest onset, so that one odd lead can not move it; NaN when there is none."""
    ordered = np.sort(on, axis=-1)  # NaN last
    chosen: np.ndarray = np.where(np.isnan(ordered[..., 1]), ordered[..., 0], ordered[..., 1])
    return chosen


def second_latest(off: np.ndarray) -> np.ndarray:
    """Over the last axis (leads): the second-latest offset; NaN when there is none."""
    return -second_earliest(-off)


def least_deflection(x: np.ndarray) -> np.ndarray:
    """What a Q, R or S of QRS components x [..., N] must reach, mV: nothing outside the QRS's own edges gets a name."""
    least: np.ndarray = np.maximum(DEFLECTION_MV, QRS_RULE.share * np.abs(x).max(axis=-1))
    return least


def qrs_points(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples of q, r and s in QRS components x [..., N]; -1 where there is none.

    r  the largest positive deflection, or the deepest point when nothing rises above the least deflection (QS)
    q  the deepest point before r, when nothing positive comes before it
    s  the deepest point after r, or before it when an r came first (as in rSR')
    """
    least = least_deflection(x)
    place = np.arange(x.shape[-1])
    top = np.argmax(x, axis=-1)
    positive = np.max(x, axis=-1) >= least
    r = np.where(positive, top, np.argmin(x, axis=-1))
    before = np.where(place < r[..., None], x, 0.0)
    after = np.where(place > r[..., None], x, 0.0)
    low_before, low_after = np.argmin(before, axis=-1), np.argmin(after, axis=-1)
    depth_before, depth_after = before.min(axis=-1), after.min(axis=-1)
    risen = np.where(place < low_before[..., None], x, 0.0).max(axis=-1) >= least
    has_before = positive & (depth_before <= -least)
    has_after = positive & (depth_after <= -least)
    q = np.where(has_before & ~risen, low_before, -1)
    between = has_before & risen & (depth_before < np.where(has_after, depth_after, 0.0))
    s = np.where(between, low_before, np.where(has_after, low_after, -1))
    return q, r, s


def net_deflection(x: np.ndarray) -> np.ndarray:
    """R minus the deeper of Q and S (a negative QS alone) of QRS components x [..., N], mV."""
    net: np.ndarray = np.maximum(x.max(axis=-1), 0.0) + np.minimum(x.min(axis=-1), 0.0)
    return net


def signed_peak(x: np.ndarray) -> np.ndarray:
    """The largest deflection with its sign, of x [..., N] mV."""
    high, low = x.max(axis=-1), x.min(axis=-1)
    peak: np.ndarray = np.where(high >= -low, high, low)
    return peak
