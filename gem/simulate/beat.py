"""The finished shapes of one heart: QRS, ST and T of each kind of beat, P of each kind of atrial event.

Shapes are fitted to the plan by the truth's own definition (`fiducial`): QRS begins at 0 and is as
long as planned, T ends at QT, P is as long as planned, the mean axis points where it should.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gem.simulate import qrs as shapes
from gem.simulate.atria import p_wave
from gem.simulate.fiducial import P_RULE, QRS_RULE, T_RULE, Rule, crossings, net_deflection, second_earliest, second_latest, signed_peak
from gem.simulate.leads import INDEPENDENT, TWELVE, turn_frontal
from gem.simulate.plan import Plan
from gem.simulate.repolarisation import repolarisation
from gem.simulate.spec import SimulationSpec
from gem.simulate.wave import Vectors, Wave, vectors

GRID_S = 0.001
T_GRID_S = 0.002
_STEPS = 3
"""Fitting repeats this often; the error shrinks about tenfold each time, from some per cent."""


@dataclass(frozen=True, eq=False)
class BeatShape:
    """Waves of one kind of beat in eight leads, mV.

    qrs    times from the global QRS onset, s
    st, t  times from J (the global QRS offset), s
    qrs_s  global QRS duration
    jt_s   from J to the global end of T
    """

    qrs: Wave
    st: Wave
    t: Wave
    qrs_s: float
    jt_s: float


def beat_shapes(spec: SimulationSpec, plan: Plan, qt_s: float, kinds: set[str], rng: np.random.Generator) -> dict[str, BeatShape]:
    """A shape for every kind in `kinds` ("own", "pvc", "paced", "escape")."""
    seeds = rng.integers(0, 2**63, 5)
    normal = _fitted(vectors(shapes.NORMAL).wave(), min(plan.qrs_s, 0.092), QRS_RULE)
    size = (plan.amplitude * plan.body)[:, None]
    normal = replace(normal, weights=size * normal.weights)
    out = {}
    for k, kind in enumerate(("own", "pvc", "paced", "escape")):
        if kind not in kinds:
            continue
        draw = np.random.default_rng(seeds[k])
        dipoles, length = _qrs(kind, spec, plan, draw)
        wave = dipoles.wave(_turn_for(dipoles, plan.axis_deg) if kind == "own" else 0.0)
        wave = replace(wave, weights=size * wave.weights)
        if kind == "own" and spec.amplitude is None:
            wave = _within_voltage(wave, bool({"lvh", "lvh_strain"} & set(spec.structure)), spec.conduction in ("lbbb", "pre_excitation"))
        wave = _fitted(wave, length, QRS_RULE)
        # a wide beat also recovers later, by about half of what it is wider
        end = qt_s + 0.6 * (length - plan.qrs_s)
        jt = max(end - length, 0.12)
        # ST and T are drawn alike for all kinds: they belong to the heart, not to the beat
        st, t = repolarisation(kind, wave, normal, spec, plan, jt, np.random.default_rng(seeds[4]))
        if kind == "own" and spec.t_axis_deg is not None:
            t = _t_turned(t, spec.t_axis_deg)
        out[kind] = BeatShape(wave, st, _fitted(t, jt, T_RULE, from_zero=True), length, jt)
    return out


def _qrs(kind: str, spec: SimulationSpec, plan: Plan, draw: np.random.Generator) -> tuple[Vectors, float]:
    if kind == "own":
        return shapes.own_qrs(spec, plan.axis_deg, draw), plan.qrs_s
    if kind == "pvc":
        rows = shapes.PVC_RIGHT if draw.random() < 0.5 else shapes.PVC_LEFT
        return shapes.ectopic_qrs(rows, draw, spec.variety), plan.pvc_qrs_s
    if kind == "paced":
        return shapes.ectopic_qrs(shapes.PACED, draw, spec.variety), plan.qrs_s
    return shapes.escape_qrs(draw, spec.variety), plan.escape_qrs_s


def p_shape(kind: str, spec: SimulationSpec, plan: Plan, rng: np.random.Generator) -> Wave:
    """A P wave, times from its global onset."""
    wave = p_wave(kind, spec, rng)
    return _fitted(replace(wave, weights=plan.body[:, None] * wave.weights), plan.p_s, P_RULE)


def _edges(wave: Wave, rule: Rule, step_s: float = GRID_S) -> tuple[float, float]:
    """Global onset and offset of a wave in the twelve standard leads; its own ends where it is absent everywhere."""
    t = wave.grid(step_s)
    on, off = crossings(t, TWELVE @ wave.at(t), rule)
    first, last = float(second_earliest(on)), float(second_latest(off))
    return (first, last) if first < last else (wave.begin, wave.end)


def _fitted(wave: Wave, length_s: float, rule: Rule, from_zero: bool = False) -> Wave:
    """The wave stretched until it lasts `length_s` and begins at 0; `from_zero` keeps the origin and only sets the end."""
    wave = wave.stretched(length_s / (wave.end if from_zero else wave.end - wave.begin))
    for _ in range(_STEPS):
        first, last = _edges(wave, rule)
        wave = wave.stretched(length_s / (last if from_zero else last - first))
    return wave if from_zero else wave.moved(-_edges(wave, rule)[0])


def _turn_for(dipoles: Vectors, axis_deg: float | None) -> float:
    """By how many degrees the shape must be turned so that its net QRS axis is `axis_deg`."""
    if axis_deg is None:
        return 0.0
    plain = dipoles.wave()
    bumps = plain.bumps(np.linspace(plain.begin, plain.end, 101))
    turning = np.where(dipoles.turns, 1.0, 0.0)
    limb = plain.weights[:2]
    fixed, moving = (limb * (1 - turning)) @ bumps, (limb * turning) @ bumps
    return _search(fixed, moving, axis_deg, net_deflection)


def _within_voltage(wave: Wave, thick: bool, unjudged: bool) -> Wave:
    """Made larger or smaller, if it must be, so that the voltages of LVH hold when they should and only then.

    S V1 + R V5 or V6 from 3.5 mV (Sokolow and Lyon 1949), R aVL + S V3 over 2.0 mV in women, 2.8 mV in
    men (Casale 1987), both as in Hancock 2009, part V. A drawn amplitude keeps away from them by a tenth.
    """
    leads = wave.at(np.linspace(wave.begin, wave.end, 101))
    i, ii, v1, v3, v5, v6 = (leads[INDEPENDENT.index(name)] for name in ("I", "II", "V1", "V3", "V5", "V6"))
    sokolow = float(max(v5.max(), v6.max()) - v1.min()) / 3.5
    cornell = float((i - ii / 2).max() - v3.min()) / 2.0
    if thick:
        return replace(wave, weights=wave.weights * max(1.0, 1.1 / sokolow))
    return wave if unjudged else replace(wave, weights=wave.weights * min(1.0, 0.9 / max(sokolow, cornell)))


def _t_turned(t: Wave, axis_deg: float) -> Wave:
    limb = t.weights[:2]
    bumps = t.bumps(np.linspace(t.begin, t.end, 101))
    turn = _search(np.zeros((2, 101)), limb @ bumps, axis_deg, signed_peak)
    weights = t.weights.copy()
    weights[:2] = turn_frontal(limb, turn)
    return replace(t, weights=weights)


def _search(fixed: np.ndarray, moving: np.ndarray, axis_deg: float, net: Callable[[np.ndarray], np.ndarray]) -> float:
    """The turn of `moving` [2, N] (leads I, II) that makes the axis of fixed + moving equal to `axis_deg`."""
    quarter = turn_frontal(moving, 90.0)
    best = 0.0
    for span, step in ((180.0, 4.0), (4.0, 0.1)):
        turns = best + np.arange(-span, span + step / 2, step)
        angle = np.radians(turns)[:, None, None]
        both = fixed + np.cos(angle) * moving + np.sin(angle) * quarter
        error = np.abs((frontal_axis(net(both[:, 0]), net(both[:, 1] - both[:, 0] / 2)) - axis_deg + 180) % 360 - 180)
        # among turns that serve as well, the smallest
        best = float(turns[np.argmin(error + 1e-3 * np.abs(turns))])
    return best


def frontal_axis(net_i: np.ndarray, net_avf: np.ndarray) -> np.ndarray:
    """Degrees in (-180, 180], 0 toward the left arm, +90 toward the feet.

    aVF shows sqrt(3)/2 of the vertical component and is scaled back (Kligfield 2007, part I: Goldberger's leads).
    """
    angle: np.ndarray = np.degrees(np.arctan2(2 / np.sqrt(3) * net_avf, net_i))
    return angle
