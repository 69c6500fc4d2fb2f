"""From scores to fiducials: which waves there are, where they begin and end in each lead, and what belongs to which beat.

The joint score decides whether there is a wave; the lead's own score, where it crosses one half (between samples), says where
it begins and ends there. Probabilities are those that a sample is covered, so one half is the median of where readers would
put the edge, and the stretch over which the joint score climbs from .16 to .84 is twice the standard deviation among them.
The edges over all leads are read a little further out (`_EDGE`): at one half they lay 2 to 6 ms inside the readers' on records
held out of training, since the reader's second-most-extreme of twelve marks is drawn outwards by the scatter among them.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np

from gem.ecg.recording import Recording
from gem.measure.delineation import FIDUCIALS, Delineation, ordered
from gem.measure.interval import nan_median
from gem.measure.scores import RATE_HZ, WAVES, Scores

ENGINE = "gem delineator 1"
_HALF = 0.5
_EDGE = {"p": 0.4, "qrs": 0.35, "t": 0.4}
"""Joint score at which a wave begins and ends; chosen on fold 0 of five, checked on the others (configs/LOG.md)."""
_FAINT, _FAINT_SHARE, _FAINT_SPREAD_S = 0.2, 0.7, 0.012
"""Faint P waves are believed from this score where this share of the beats has one and their distance from QRS varies no more."""
_SHORTEST_S = {"p": 0.03, "qrs": 0.03, "t": 0.05}
_BRIDGE_S = {"p": 0.02, "qrs": 0.04, "t": 0.04}
"""Gaps of a joint wave that are closed."""
_REFRACTORY_S = 0.2
_PR_S = 0.45
"""Longest time from the onset of P to the QRS that it may belong to."""
_QT_S = 0.75
_REACH_S = {"p": 0.06, "qrs": 0.08, "t": 0.12}
"""How far beyond the joint wave a lead's own edge may lie."""
_SEEN = {"p": 0.1, "qrs": 0.1, "t": 0.1}
"""Largest score of a lead from which the wave is taken to be there; below, it is absent in that lead."""
_LOW, _HIGH = 0.16, 0.84
_BLURRED_S = 0.15
"""Edges that climb more slowly are not followed further."""
_ENOUGH_LEADS = 4
_HEARD = 0.4
"""Share that the mean over the leads has in a lead's own score: where a lead shows little, its edges are those of the others."""
_NARROWEST, _WIDEST = 0.3, 5.0
"""How far the spread of the leads may be changed."""
_LEAST_QS_MV = 0.03


@dataclass(frozen=True)
class Segment:
    """One wave of the joint score: first and last crossing (s) and its mean score."""

    first: float
    last: float
    score: float

    @property
    def middle(self) -> float:
        return (self.first + self.last) / 2


def segments(score_T: np.ndarray, wave: str, level: float = _HALF) -> list[Segment]:
    """Stretches of a score above a level, short gaps closed, too short ones left out, each out to where it falls to `_EDGE`."""
    merged = _spans(score_T, wave, level)
    edge = min(level, _EDGE[wave])
    outer = _spans(score_T, wave, edge)
    begins, ends = [first for first, _ in outer], [last for _, last in outer]
    out = []
    for k, (first, last) in enumerate(merged):
        if (last - first) / RATE_HZ < _SHORTEST_S[wave]:
            continue
        # two waves that do not part before the outer level part midway
        left, right = begins[bisect_right(begins, first) - 1], ends[bisect_left(ends, last)]
        a = max(_cross(score_T, left, edge), (merged[k - 1][1] + first) / 2 if k else 0.0)
        b = min(_cross(score_T, right, edge), (last + merged[k + 1][0]) / 2 if k + 1 < len(merged) else len(score_T) - 1.0)
        out.append(Segment(a / RATE_HZ, b / RATE_HZ, float(score_T[first:last].mean())))
    return out


def _spans(score_T: np.ndarray, wave: str, level: float) -> list[tuple[int, int]]:
    """First sample and the one after the last of each stretch at or above a level, short gaps closed."""
    above = np.concatenate([[False], score_T >= level, [False]])
    edges = np.flatnonzero(above[1:] != above[:-1])
    out: list[tuple[int, int]] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if out and first - out[-1][1] < _BRIDGE_S[wave] * RATE_HZ:
            out[-1] = (out[-1][0], last)
        else:
            out.append((first, last))
    return out


def _cross(score_T: np.ndarray, k: int, level: float) -> float:
    """Where the line from sample k - 1 to k crosses the level; the end itself at the ends."""
    if not 0 < k < len(score_T):
        return float(min(k, len(score_T) - 1))
    low, high = float(score_T[k - 1]), float(score_T[k])
    return k - 1 + (level - low) / (high - low) if high != low else float(k)


def decode(scores: Scores, clean: Recording) -> Delineation:
    """Fiducials of a cleaned recording from its scores."""
    qrs = _apart(segments(scores.joint[1], "qrs"))
    t_waves = segments(scores.joint[2], "t")
    t_of = [_after(beat, qrs[k + 1] if k + 1 < len(qrs) else None, t_waves) for k, beat in enumerate(qrs)]
    p_waves, p_of = _p_waves(scores.joint[0], qrs)
    used = {id(p) for p in p_of if p}
    loose = [(p.first, p.last) for p in p_waves if id(p) not in used and not _inside(p, qrs)]
    times = np.full((len(clean.leads), len(qrs), len(FIDUCIALS)), np.nan)
    sure = np.zeros((len(qrs), 3))
    blur = np.full((len(qrs), 6), np.nan)
    of_beats: tuple[list[Segment | None], ...] = (p_of, [*qrs], t_of)
    for index, (wave, found) in enumerate(zip(WAVES, of_beats, strict=True)):
        own = scores.lead[:, index]
        edges = _lead_edges((1 - _HEARD) * own + _HEARD * own.mean(axis=0), found, wave)
        first, last = FIDUCIALS.index(f"{wave}_on"), FIDUCIALS.index(f"{wave}_off")
        joint = np.array([[s.first, s.last] if s else [np.nan, np.nan] for s in found]).reshape(-1, 2)
        times[:, :, first] = spread_to(edges[..., 0], joint[:, 0], last=False)
        times[:, :, last] = spread_to(edges[..., 1], joint[:, 1], last=True)
        sure[:, index] = [s.score if s else 0.0 for s in found]
        for k, segment in enumerate(found):
            if segment:
                blur[k, 2 * index : 2 * index + 2] = _blur(scores.joint[index], segment)
    _peaks(times, clean)
    beat_s = np.array([beat.middle for beat in qrs])
    return Delineation(clean.leads, beat_s, ordered(times), ENGINE, np.array(loose).reshape(-1, 2), sure, blur)


def _blur(score_T: np.ndarray, segment: Segment) -> tuple[float, float]:
    """How far readers would differ on first and last edge, s: half the time from `_LOW` outside to `_HIGH` inside."""
    reach = round(_BLURRED_S * RATE_HZ)
    out = []
    for edge, inward in ((segment.first, 1), (segment.last, -1)):
        k = round(edge * RATE_HZ)
        outside = score_T[k : k - reach if k >= reach else None : -1] if inward > 0 else score_T[k : k + reach]
        inside = score_T[k : k + reach] if inward > 0 else score_T[k : k - reach if k >= reach else None : -1]
        low, high = outside < _LOW, inside > _HIGH
        steps = (int(np.argmax(low)) if low.any() else reach) + (int(np.argmax(high)) if high.any() else reach)
        out.append(steps / 2 / RATE_HZ)
    return out[0], out[1]


def _p_waves(score_T: np.ndarray, qrs: list[Segment]) -> tuple[list[Segment], list[Segment | None]]:
    """All P waves, and the one of each beat. Where few are sure, faint ones are believed if they stand at one distance before QRS."""
    for level in (_HALF, _FAINT):
        found = segments(score_T, "p", level)
        of_beats = [_before(beat, qrs[k - 1] if k else None, found) for k, beat in enumerate(qrs)]
        distance = np.array([beat.first - p.middle for beat, p in zip(qrs, of_beats, strict=True) if p])
        if level == _HALF:
            sure = found, of_beats
            if len(distance) >= 0.5 * len(qrs):
                return sure
    steady = len(distance) >= _FAINT_SHARE * len(qrs) and float(np.median(np.abs(distance - np.median(distance)))) <= _FAINT_SPREAD_S
    return (found, of_beats) if steady else sure


def _apart(beats: list[Segment]) -> list[Segment]:
    """Beats nearer than the refractory time are one; the surer stays."""
    kept: list[Segment] = []
    for beat in beats:
        if kept and beat.middle - kept[-1].middle < _REFRACTORY_S:
            if beat.score * (beat.last - beat.first) > kept[-1].score * (kept[-1].last - kept[-1].first):
                kept[-1] = beat
        else:
            kept.append(beat)
    return kept


def _after(beat: Segment, following: Segment | None, t_waves: list[Segment]) -> Segment | None:
    """The T wave of a beat: the largest between it and the next."""
    end = following.first if following else np.inf
    near = [t for t in t_waves if beat.last - 0.04 <= t.middle <= min(end, beat.first + _QT_S)]
    return max(near, key=lambda t: t.score * (t.last - t.first), default=None)


def _before(beat: Segment, previous: Segment | None, p_waves: list[Segment]) -> Segment | None:
    """The P wave of a beat: the last that begins before it, behind the beat before."""
    begin = previous.last if previous else -np.inf
    near = [p for p in p_waves if begin <= p.middle < beat.first + 0.01 and beat.first - p.first <= _PR_S]
    return near[-1] if near else None


def _inside(p: Segment, beats: list[Segment]) -> bool:
    return any(beat.first <= p.middle <= beat.last for beat in beats)


def _lead_edges(score_LT: np.ndarray, found: list[Segment | None], wave: str) -> np.ndarray:
    """[L, B, 2] first and last crossing of each lead's own score at the waves found, s; NaN where the lead does not show it."""
    leads, samples = score_LT.shape
    out = np.full((leads, len(found), 2), np.nan)
    there = [k for k, segment in enumerate(found) if segment is not None]
    if not there:
        return out
    edges = np.array([(s.first, s.last) for s in found if s is not None]) * RATE_HZ
    first, last = np.round(edges).astype(int).T
    reach = round(_REACH_S[wave] * RATE_HZ)
    at = np.arange(int((last - first).max()) + 2 * reach + 1)
    sample = first[:, None] - reach + at
    inside = (sample >= 0) & (sample < samples) & (sample <= last[:, None] + reach)
    window = np.where(inside, score_LT[:, np.clip(sample, 0, samples - 1)], 0.0)  # [L, B, W]
    core = inside & (at >= reach) & (sample <= last[:, None])
    seed = np.argmax(np.where(core, window, -1.0), axis=2)[..., None]
    top = np.take_along_axis(window, seed, axis=2)
    # a wave that the lead shows weakly is cut at half of what it reaches there
    level = np.minimum(_HALF, 0.5 * top)
    below = window < level
    left = np.where(below & (at < seed), at, -1).max(axis=2)
    right = np.where(below & (at > seed), at, len(at)).min(axis=2)
    for side, (outer, inner) in enumerate(((left, left + 1), (right, right - 1))):
        crossing = _between(window, outer, inner, level[..., 0]) + first - reach
        out[:, there, side] = np.where(top[..., 0] >= _SEEN[wave], np.clip(crossing, 0, samples - 1) / RATE_HZ, np.nan)
    return out


def _between(window: np.ndarray, outside: np.ndarray, inside: np.ndarray, level: np.ndarray) -> np.ndarray:
    """[L, B] crossing of `level` between two neighbouring places of each window; the window's end where there is none."""
    end = window.shape[2] - 1
    out, into = np.clip(outside, 0, end), np.clip(inside, 0, end)
    y0, y1 = (np.take_along_axis(window, k[..., None], axis=2)[..., 0] for k in (out, into))
    share = np.where(y1 > y0, (level - y0) / np.where(y1 > y0, y1 - y0, 1), 0.0)
    at: np.ndarray = out + (into - out) * np.clip(share, 0, 1)
    return at


def spread_to(edges_LB: np.ndarray, joint_B: np.ndarray, last: bool) -> np.ndarray:
    """Edges of the leads spread about their median so that the second most extreme one is the joint edge.

    A network gives the mean of what readers mark, so its edges vary less over the leads than readers' do, while the
    global edge is by definition an extreme over the leads. Only the outer half moves; the median stays. With fewer
    than four leads nothing moves.
    """
    if len(edges_LB) < _ENOUGH_LEADS or not edges_LB.shape[1]:
        return edges_LB
    rows = -edges_LB if last else edges_LB
    goal = -joint_B if last else joint_B
    middle = nan_median(rows)
    second = np.sort(rows, axis=0)[1]
    known = (np.isfinite(rows).sum(axis=0) >= _ENOUGH_LEADS) & np.isfinite(goal)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.clip((middle - goal) / (middle - second), _NARROWEST, _WIDEST)
        moved = np.where(known & (middle - second >= 1e-3) & (rows < middle), middle + factor * (rows - middle), rows)
    return -moved if last else moved


def _peaks(times: np.ndarray, clean: Recording) -> None:
    """Fill the peaks of P, Q, R, S, T from the signal between the edges of each lead."""
    if not times.shape[1]:
        return
    at = {name: k for k, name in enumerate(FIDUCIALS)}
    for letter in ("p", "t"):
        first, wave, inside = _cut(times[..., at[f"{letter}_on"]], times[..., at[f"{letter}_off"]], clean)
        place = np.argmax(np.where(inside, np.abs(wave - _line(wave, inside)), -1.0), axis=2)
        times[..., at[f"{letter}_peak"]] = np.where(inside.any(axis=2), (first + place) / clean.fs, np.nan)
    first, wave, inside = _cut(times[..., at["qrs_on"]], times[..., at["qrs_off"]], clean)
    wave = wave - (_line(wave, inside)[..., :1] + _line(wave, inside)[..., -1:]) / 2
    top, bottom = np.argmax(np.where(inside, wave, -np.inf), axis=2), np.argmin(np.where(inside, wave, np.inf), axis=2)
    high, low = (np.take_along_axis(wave, k[..., None], axis=2)[..., 0] for k in (top, bottom))
    upward = high >= -low / 4
    main = np.where(upward, top, bottom)
    there = inside.any(axis=2)
    times[..., at["r_peak"]] = np.where(there, (first + main) / clean.fs, np.nan)
    place = np.arange(wave.shape[2])
    for name, side in (("q_peak", place < main[..., None]), ("s_peak", place > main[..., None])):
        beside = np.where(inside & side, wave, np.inf)
        deepest = np.argmin(beside, axis=2)
        deep = np.take_along_axis(beside, deepest[..., None], axis=2)[..., 0] < -_LEAST_QS_MV
        times[..., at[name]] = np.where(there & upward & deep, (first + deepest) / clean.fs, np.nan)


def _cut(first_LB: np.ndarray, last_LB: np.ndarray, clean: Recording) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First sample [L, B], signal [L, B, W] from it on, and which of it lies between the two times."""
    known = np.isfinite(first_LB) & np.isfinite(last_LB) & (last_LB > first_LB)
    first = np.clip(np.round(np.where(known, first_LB, 0) * clean.fs).astype(int), 0, clean.samples - 1)
    last = np.clip(np.round(np.where(known, last_LB, 0) * clean.fs).astype(int), 0, clean.samples - 1)
    at = np.arange(int((last - first).max(initial=0)) + 1)
    sample = np.minimum(first[..., None] + at, last[..., None])
    wave = clean.signal[np.arange(len(clean.leads))[:, None, None], sample]
    return first, wave, known[..., None] & (first[..., None] + at <= last[..., None])


def _line(wave: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The straight line from the first to the last value of each window (its tail repeats the last)."""
    length = np.maximum(inside.sum(axis=2, keepdims=True) - 1, 1)
    share = np.minimum(np.arange(wave.shape[2]) / length, 1.0)
    line: np.ndarray = wave[..., :1] + (wave[..., -1:] - wave[..., :1]) * share
    return line
