"""Fiducials and amplitudes of every beat and P wave, read from the noise-free components.

All arrays are over the twelve standard leads as the trace shows them (electrode reversal and flat
leads included). NaN means absent.
"""

from dataclasses import dataclass

import numpy as np

from gem.simulate.beat import GRID_S, T_GRID_S, BeatShape
from gem.simulate.fiducial import (
    P_RULE,
    QRS_RULE,
    T_RULE,
    crossings,
    net_deflection,
    qrs_points,
    second_latest,
    signed_peak,
    vertex,
)
from gem.simulate.leads import TILT
from gem.simulate.render import Heart, Moments
from gem.simulate.wave import Wave

FIDUCIALS = ("p_on", "p_peak", "p_off", "qrs_on", "q_peak", "r_peak", "s_peak", "qrs_off", "t_on", "t_peak", "t_off")
AMPLITUDES = ("p_amplitude", "q_amplitude", "r_amplitude", "s_amplitude", "t_amplitude", "st_j", "st_j60")
ST_AFTER_J_S = 0.060
"""J and J + 60 ms (Wagner 2009, part VI, names J; 60 ms is the usual second point)."""


@dataclass(frozen=True, eq=False)
class Seen:
    """Waves of N events: on, peak, off [N, 12] s; value [N, 12] mV at the peak; net [N, 12] mV for the axis."""

    on: np.ndarray
    peak: np.ndarray
    off: np.ndarray
    value: np.ndarray
    net: np.ndarray

    def whole(self, end_s: float) -> np.ndarray:
        """[N] whether the wave is there and lies inside the record in every lead."""
        there = ~np.isnan(self.on).all(axis=1)
        inside = (np.nan_to_num(self.on, nan=0.0).min(axis=1) >= 0) & (np.nan_to_num(self.off, nan=0.0).max(axis=1) <= end_s)
        kept: np.ndarray = there & inside
        return kept

    def blanked(self, keep: np.ndarray) -> "Seen":
        """The same with NaN for the events that are not kept."""
        return Seen(*(np.where(keep[:, None], a, np.nan) for a in (self.on, self.peak, self.off, self.value, self.net)))

    def taken(self, rows: np.ndarray) -> "Seen":
        return Seen(self.on[rows], self.peak[rows], self.off[rows], self.value[rows], self.net[rows])


@dataclass(frozen=True, eq=False)
class Complexes:
    """QRS and T of B beats.

    qrs     value is unused; net is R minus the deeper of Q and S
    points  [3, B, 12] times of q, r, s
    heights [3, B, 12] mV of the ventricular signal there
    st      [2, B, 12] mV at J and 60 ms later
    time    [B] s of the largest QRS vector
    """

    qrs: Seen
    t: Seen
    points: np.ndarray
    heights: np.ndarray
    st: np.ndarray
    time: np.ndarray


@dataclass(frozen=True, eq=False)
class Mean:
    """The component of one wave in an undisturbed beat: t [N] s, x [12, N] mV."""

    t: np.ndarray
    x: np.ndarray


def complexes(heart: Heart, matrix: np.ndarray) -> Complexes:
    """QRS, ST and T of all beats of the timeline, in its order."""
    parts = [(heart.beat_moments[kind], _complexes(shape, heart.beat_moments[kind], matrix)) for kind, shape in heart.beats.items()]
    order = np.argsort(np.concatenate([when.index for when, _ in parts]))

    def merged(name: str) -> Seen:
        seen = [getattr(part, name) for _, part in parts]
        return Seen(*(np.concatenate([getattr(s, f) for s in seen])[order] for f in ("on", "peak", "off", "value", "net")))

    return Complexes(
        qrs=merged("qrs"),
        t=merged("t"),
        points=np.concatenate([p.points for _, p in parts], axis=1)[:, order],
        heights=np.concatenate([p.heights for _, p in parts], axis=1)[:, order],
        st=np.concatenate([p.st for _, p in parts], axis=1)[:, order],
        time=np.concatenate([p.time for _, p in parts])[order],
    )


def p_waves(heart: Heart, matrix: np.ndarray) -> Seen:
    """All P waves of the timeline, in its order."""
    count = len(heart.line.atria)
    out = Seen(*(np.full((count, 12), np.nan) for _ in range(5)))
    for kind, wave in heart.p_waves.items():
        when = heart.p_moments[kind]
        t = wave.grid(GRID_S)
        x = _per_event(wave.at(t), when, matrix)
        on, off = crossings(t, x, P_RULE)
        at = np.argmax(np.abs(x), axis=-1)
        origin = when.on_s[:, None]
        value = np.where(np.isnan(on), np.nan, _taken(x, at))
        peak = np.where(np.isnan(on), np.nan, vertex(t, x, at))
        for target, source in zip(
            (out.on, out.peak, out.off, out.value, out.net), (origin + on, origin + peak, origin + off, value, signed_peak(x)), strict=True
        ):
            target[when.index] = source
    return out


def mean_qrs(heart: Heart, kind: str, matrix: np.ndarray) -> Mean:
    return _mean(heart.beats[kind].qrs, matrix)


def mean_p(heart: Heart, kind: str, matrix: np.ndarray) -> Mean:
    return _mean(heart.p_waves[kind], matrix)


def mean_st(heart: Heart, kind: str, matrix: np.ndarray) -> Mean:
    """Times from J."""
    return _mean(heart.beats[kind].st, matrix)


def _mean(wave: Wave, matrix: np.ndarray) -> Mean:
    t = wave.grid(GRID_S)
    return Mean(t, matrix @ wave.at(t))


def _per_event(x8: np.ndarray, when: Moments, matrix: np.ndarray) -> np.ndarray:
    """[B, 12, N] a wave [8, N] as each event shows it."""
    turned = matrix @ (TILT @ x8)
    values: np.ndarray = when.gain[:, None, None] * (matrix @ x8 + when.turn[:, None, None] * turned)
    return values


def _taken(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    value: np.ndarray = np.take_along_axis(x, at[..., None], axis=-1)[..., 0]
    return value


def _complexes(shape: BeatShape, when: Moments, matrix: np.ndarray) -> Complexes:
    end = max(shape.qrs.end, shape.qrs_s + ST_AFTER_J_S) + 0.010
    t = shape.qrs.begin - GRID_S + GRID_S * np.arange(int((end - shape.qrs.begin) / GRID_S) + 3)
    x = _per_event(shape.qrs.at(t), when, matrix)
    later = t - shape.qrs_s
    total = x + _per_event(shape.st.at(later) + shape.t.at(later), when, matrix)
    on, off = crossings(t, x, QRS_RULE)
    there = ~np.isnan(on)
    origin = when.on_s[:, None]
    qrs_points_at = qrs_points(x)
    times, heights = [], []
    for at in qrs_points_at:
        named = there & (at >= 0)
        times.append(np.where(named, origin + vertex(t, x, at), np.nan))
        heights.append(np.where(named, _taken(total, np.maximum(at, 0)), np.nan))
    power = np.sum(x**2, axis=1)
    st = np.stack([_read(total, t, second_latest(off) + after) for after in (0.0, ST_AFTER_J_S)])
    return Complexes(
        qrs=Seen(origin + on, times[1], origin + off, heights[1], net_deflection(x)),
        t=_t_waves(shape, when, matrix),
        points=np.stack(times),
        heights=np.stack(heights),
        st=st,
        time=when.on_s + vertex(t, power, np.argmax(power, axis=-1)),
    )


def _read(x: np.ndarray, t: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values [B, 12] of x [B, 12, N] at one time a beat [B], linear between samples."""
    place = np.clip((np.nan_to_num(at) - t[0]) / (t[1] - t[0]), 0, len(t) - 2)
    low = place.astype(int)
    share = (place - low)[:, None]
    rows = np.arange(len(x))
    value: np.ndarray = np.where(np.isnan(at)[:, None], np.nan, (1 - share) * x[rows, :, low] + share * x[rows, :, low + 1])
    return value


def _t_waves(shape: BeatShape, when: Moments, matrix: np.ndarray) -> Seen:
    t = shape.t.grid(T_GRID_S)
    x = _per_event(shape.t.at(t), when, matrix)
    total = x + _per_event(shape.st.at(t), when, matrix)
    on, off = crossings(t, x, T_RULE)
    at = np.argmax(np.abs(x), axis=-1)
    there = ~np.isnan(on)
    origin, stretch = (when.on_s + shape.qrs_s)[:, None], when.stretch[:, None]
    return Seen(
        on=origin + stretch * on,
        peak=np.where(there, origin + stretch * vertex(t, x, at), np.nan),
        off=origin + stretch * off,
        value=np.where(there, _taken(total, at), np.nan),
        net=_taken(total, at),
    )
