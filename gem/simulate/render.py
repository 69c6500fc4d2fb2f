"""Shapes put on the timeline: the clean signal, and the facts that `truth` reads."""

from dataclasses import dataclass

import numpy as np

from gem.simulate.atria import Unrest, fibrillation, flutter
from gem.simulate.beat import BeatShape, beat_shapes, p_shape
from gem.simulate.leads import DOWER, TILT
from gem.simulate.plan import Plan, planned
from gem.simulate.rhythm import Timeline, timeline
from gem.simulate.spec import SimulationSpec
from gem.simulate.wave import Wave

_SPIKE_S = (-0.0022, -0.0002, 0.0002, 0.0022)
"""Two milliseconds at half height: what is left of a 0.5 ms stimulus after a recorder's 150 to 250 Hz filter."""
_SPIKES = {"ventricular": (0.50, 0.95, -0.55), "atrial": (0.30, 0.70, -0.45)}
_LEAST_T_STRETCH, _MOST_T_STRETCH = 0.72, 1.12


@dataclass(frozen=True, eq=False)
class Moments:
    """B events that share one shape.

    index    [B] place in the timeline
    on_s     [B] onset
    gain     [B] and turn [B] rad: what breathing does to the amplitudes
    stretch  [B] of ST and T, which follow the cycle before
    """

    index: np.ndarray
    on_s: np.ndarray
    gain: np.ndarray
    turn: np.ndarray
    stretch: np.ndarray


@dataclass(frozen=True, eq=False)
class Heart:
    """One heart for one record: everything but noise and electrodes."""

    spec: SimulationSpec
    plan: Plan
    line: Timeline
    qt_s: float
    beats: dict[str, BeatShape]
    beat_moments: dict[str, Moments]
    p_waves: dict[str, Wave]
    p_moments: dict[str, Moments]
    unrest: Unrest | None


def heart(spec: SimulationSpec, variety: float, rng: np.random.Generator) -> Heart:
    """Draw what the spec leaves open, then fit all shapes.

    variety  replaces that of the spec
    """
    spec = spec.model_copy(update={"variety": variety})
    plan_rng, rhythm_rng, shape_rng, atria_rng, breath_rng = rng.spawn(5)
    plan = planned(spec, plan_rng)
    line = timeline(spec, plan, rhythm_rng)
    onsets = np.array([beat.on_s for beat in line.ventricles])
    seen = onsets[(onsets >= 0) & (onsets <= spec.duration_s - 0.1)]
    rr = float(np.median(np.diff(seen))) if len(seen) > 1 else plan.rr_s
    qt = plan.qt_s if plan.qt_s is not None else plan.qtc_s * rr ** (1 / 3)  # Fridericia 1920, Acta Med Scand 53:469
    beats = beat_shapes(spec, plan, qt, {beat.shape for beat in line.ventricles}, shape_rng)
    p_waves = {kind: p_shape(kind, spec, plan, atria_rng) for kind in sorted({p.shape for p in line.atria})}
    breath = _Breath(plan, breath_rng)
    cycles = np.diff(onsets, prepend=onsets[0] - rr)
    stretch = _stretch(line, beats, onsets, cycles, rr)
    return Heart(
        spec=spec,
        plan=plan,
        line=line,
        qt_s=qt,
        beats=beats,
        beat_moments={
            kind: breath.moments(np.array([k for k, b in enumerate(line.ventricles) if b.shape == kind]), onsets, stretch) for kind in beats
        },
        p_waves=p_waves,
        p_moments={
            kind: breath.moments(np.array([k for k, p in enumerate(line.atria) if p.shape == kind]), np.array([p.on_s for p in line.atria]))
            for kind in p_waves
        },
        unrest=_unrest(spec, plan, line, atria_rng),
    )


def clean_leads(heart: Heart, fs: float, samples: int) -> np.ndarray:
    """[8, samples] mV: the independent leads without noise, electrodes where they belong."""
    out = np.zeros((8, samples))
    for kind, shape in heart.beats.items():
        when = heart.beat_moments[kind]
        _add(out, shape.qrs, when, when.on_s, fs)
        _add(out, shape.st, when, when.on_s + shape.qrs_s, fs, when.stretch)
        _add(out, shape.t, when, when.on_s + shape.qrs_s, fs, when.stretch)
    for kind, wave in heart.p_waves.items():
        _add(out, wave, heart.p_moments[kind], heart.p_moments[kind].on_s, fs)
    if heart.unrest is not None:
        out += heart.unrest.at(np.arange(samples) / fs)
    for chamber, dipole in _SPIKES.items():
        times = np.array([time for time, of in heart.line.spikes if of == chamber])
        if len(times):
            still = Moments(np.arange(len(times)), times, np.ones(len(times)), np.zeros(len(times)), np.ones(len(times)))
            _add(out, Wave(np.array([_SPIKE_S]), (DOWER @ np.array(dipole))[:, None]), still, times, fs)
    return out


def _add(out: np.ndarray, wave: Wave, when: Moments, origin: np.ndarray, fs: float, stretch: np.ndarray | None = None) -> None:
    """Add a wave at every moment; the bumps are evaluated at the samples themselves, so no rate is favoured."""
    if not len(origin):
        return
    scale = np.ones(len(origin)) if stretch is None else stretch
    first = np.ceil((origin + wave.begin * scale) * fs).astype(int)
    count = int(np.ceil((wave.end - wave.begin) * float(scale.max()) * fs)) + 1
    t = ((first[:, None] + np.arange(count)) / fs - origin[:, None]) / scale[:, None]
    tilted = TILT @ wave.weights
    weights = when.gain[:, None, None] * (wave.weights + when.turn[:, None, None] * tilted)
    pieces = weights @ wave.bumps(t)
    samples = out.shape[1]
    for piece, begin in zip(pieces, first.tolist(), strict=True):
        low, high = max(begin, 0), min(begin + count, samples)
        if low < high:
            out[:, low:high] += piece[:, low - begin : high - begin]


class _Breath:
    """Slow change of size and direction, one cycle a breath, and a little from beat to beat."""

    def __init__(self, plan: Plan, rng: np.random.Generator) -> None:
        self._plan = plan
        self._phase = 2 * np.pi * rng.random()
        self._rng = rng

    def moments(self, index: np.ndarray, onsets: np.ndarray, stretch: np.ndarray | None = None) -> Moments:
        index = index.astype(int)
        on = onsets[index] if len(index) else np.zeros(0)
        angle = 2 * np.pi * on / self._plan.breath_s + self._phase
        scatter = self._rng.standard_normal(len(on))
        return Moments(
            index=index,
            on_s=on,
            gain=1 + self._plan.breath_gain * (np.sin(angle) + 0.25 * scatter),
            turn=self._plan.breath_turn * np.sin(angle - 0.7),
            stretch=np.ones(len(on)) if stretch is None else stretch[index],
        )


def _stretch(line: Timeline, beats: dict[str, BeatShape], onsets: np.ndarray, cycles: np.ndarray, rr: float) -> np.ndarray:
    """[B] of ST and T. QT follows a sudden change of cycle by a small part only; T ends before the next QRS."""
    if not len(onsets):
        return np.ones(0)
    stretch = 1 + 0.12 * (np.sqrt(cycles / rr) - 1)
    normal = np.array([beat.kind == "normal" for beat in line.ventricles])
    stretch /= np.median(stretch[normal]) if normal.any() else np.median(stretch)
    following = np.diff(onsets, append=onsets[-1] + rr)
    room = np.array([(0.96 * gap - beats[b.shape].qrs_s) / beats[b.shape].jt_s for gap, b in zip(following, line.ventricles, strict=True)])
    clipped: np.ndarray = np.clip(np.minimum(stretch, room), _LEAST_T_STRETCH, _MOST_T_STRETCH)
    return clipped


def _unrest(spec: SimulationSpec, plan: Plan, line: Timeline, rng: np.random.Generator) -> Unrest | None:
    if line.atrial_rhythm == "fibrillation":
        return fibrillation(spec.variety, rng)
    if line.atrial_rhythm == "flutter":
        return flutter(plan.flutter_s, spec.variety, rng)
    return None
