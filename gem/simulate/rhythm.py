"""When the atria and the ventricles fire: times only, no shapes.

The timeline begins before the record and ends after it, so that waves are cut by its edges
as in life. Onsets are those of the global P wave and QRS.
"""

from dataclasses import dataclass, field

import numpy as np

from gem.simulate.plan import Plan
from gem.simulate.spec import SimulationSpec

_BEFORE_S, _AFTER_S = 3.0, 1.5
_FLUTTER_DELAY_S = 0.15
_SPIKE_LEAD_S = {"atrial": 0.006, "ventricular": 0.008}
"""A spike comes first; the muscle follows within some milliseconds."""


@dataclass(frozen=True)
class Atrial:
    """A P wave. shape: "sinus", "pac", "paced"."""

    on_s: float
    shape: str


@dataclass(frozen=True)
class Ventricular:
    """A beat. shape: "own", "escape", "pvc", "paced"; atrial: index of the P wave that it came from."""

    on_s: float
    kind: str
    shape: str
    atrial: int | None = None


@dataclass
class Timeline:
    """Events in order of time.

    atrial_rhythm  "p", "fibrillation", "flutter", or "none" (no atrial wave can be seen)
    absent_p       why no P wave leads to a QRS, or ""
    """

    atria: list[Atrial] = field(default_factory=list)
    ventricles: list[Ventricular] = field(default_factory=list)
    spikes: list[tuple[float, str]] = field(default_factory=list)
    atrial_rhythm: str = "p"
    absent_p: str = ""

    def beat(self, on_s: float, kind: str = "normal", shape: str = "own", atrial: int | None = None) -> None:
        self.ventricles.append(Ventricular(on_s, kind, shape, atrial))


def timeline(spec: SimulationSpec, plan: Plan, rng: np.random.Generator) -> Timeline:
    """The events of one record, from `_BEFORE_S` before it to `_AFTER_S` after it."""
    if spec.rhythm == "atrial_fibrillation":
        line = _fibrillation(spec, plan, rng)
    elif spec.rhythm == "atrial_flutter":
        line = _flutter(spec, plan, rng)
    elif spec.rhythm == "supraventricular_tachycardia":
        line = Timeline(atrial_rhythm="none", absent_p="P waves are hidden in the QRS")
        for on in _regular(spec, plan.rr_s, 0.004, rng):
            line.beat(on)
    elif spec.rhythm == "paced_ventricular":
        line = Timeline(atrial_rhythm="none", absent_p="no atrial activity")
        for on in _regular(spec, plan.rr_s, 0.0, rng):
            line.beat(on, "paced", "paced")
            line.spikes.append((on - _SPIKE_LEAD_S["ventricular"], "ventricular"))
    elif spec.rhythm in ("paced_atrial", "paced_dual"):
        line = _paced(spec, plan, rng)
    else:
        line = _sinus(spec, plan, rng)
    line.ventricles.sort(key=lambda beat: beat.on_s)
    return line


def _regular(spec: SimulationSpec, cycle_s: float, jitter: float, rng: np.random.Generator) -> list[float]:
    count = int((spec.duration_s + _BEFORE_S + _AFTER_S) / cycle_s) + 3
    steps = cycle_s * (1 + jitter * rng.standard_normal(count))
    times = -_BEFORE_S + cycle_s * rng.random() + np.cumsum(steps) - steps[0]
    return [float(t) for t in times]


def _sinus_cycles(spec: SimulationSpec, plan: Plan, rng: np.random.Generator) -> tuple[float, np.ndarray]:
    """Start and cycle lengths of the sinus node, which breathing slows and quickens."""
    count = int((spec.duration_s + _BEFORE_S + _AFTER_S) / (0.7 * plan.rr_s)) + 4
    start, phase = -_BEFORE_S - plan.rr_s * rng.random(), 2 * np.pi * rng.random()
    noise = rng.standard_normal(count)
    if spec.rhythm == "sinus_arrhythmia":
        # long and short cycles then differ by 190 ms or more, well over the 120 ms that define it
        depth, scatter = max(0.13, 0.095 / plan.rr_s), 0.01
    else:
        depth, scatter = 0.016 * min(1.0, plan.rr_s), 0.004
    cycles, at = [], start
    for k in range(count):
        cycle = plan.rr_s * (1 + depth * np.sin(2 * np.pi * at / plan.breath_s + phase) + scatter * noise[k])
        cycles.append(cycle)
        at += cycle
    return start, np.array(cycles)


def _sinus(spec: SimulationSpec, plan: Plan, rng: np.random.Generator) -> Timeline:
    start, cycles = _sinus_cycles(spec, plan, rng)
    early: list[int] = []
    if spec.ectopy == "pac":
        early = _places(start + np.cumsum(cycles), spec, rng)
        for k in early:
            cycles[k] *= rng.uniform(0.62, 0.72)
            cycles[k + 1] *= rng.uniform(1.02, 1.10)
    if spec.pause_s is not None:
        middle = spec.duration_s / 2 - spec.pause_s / 2
        cycles[int(np.searchsorted(start + np.cumsum(cycles), middle))] = spec.pause_s
    onsets = start + np.concatenate([[0.0], np.cumsum(cycles)])
    line = Timeline([Atrial(float(on), "pac" if k - 1 in early else "sinus") for k, on in enumerate(onsets)])
    if spec.av_block == "complete":
        line.absent_p = "P waves are not conducted"
        shape = "own" if spec.escape == "narrow" else "escape"
        for on in _regular(spec, plan.escape_rr_s, 0.008, rng):
            line.beat(on, "escape", shape)
        return line
    for k, delay in enumerate(_delays(spec, plan, len(onsets), rng)):
        if delay is not None:
            line.beat(float(onsets[k]) + delay, "pac" if k - 1 in early else "normal", "own", k)
    if spec.ectopy in ("pvc", "bigeminy", "trigeminy"):
        _put_pvcs(line, spec, plan, rng)
    return line


def _delays(spec: SimulationSpec, plan: Plan, count: int, rng: np.random.Generator) -> list[float | None]:
    """Time from P to QRS of each sinus beat, None where the AV node drops it."""
    first = int(rng.integers(0, 12))
    if spec.av_block == "2_to_1":
        return [plan.pr_s if (k + first) % 2 else None for k in range(count)]
    if spec.av_block not in ("mobitz_1", "mobitz_2"):
        return [plan.pr_s] * count
    ratio = spec.block_ratio or int(rng.integers(3, 5) + (spec.av_block == "mobitz_1"))
    # Wenckebach: PR grows by less and less, so RR shortens before the drop
    growth = np.cumsum([0.0, 0.085, 0.045, 0.03, 0.02]) if spec.av_block == "mobitz_1" else np.zeros(5)
    places = [(k + first) % ratio for k in range(count)]
    return [None if place == ratio - 1 else plan.pr_s + float(growth[place]) for place in places]


def _places(times: np.ndarray, spec: SimulationSpec, rng: np.random.Generator) -> list[int]:
    """Where premature beats go: inside the record, at least three beats apart."""
    inside = np.flatnonzero((times > 1.2) & (times < spec.duration_s - 1.6))
    chosen: list[int] = []
    for k in rng.permutation(inside):
        if len(chosen) < spec.ectopic_beats and all(abs(int(k) - other) >= 3 for other in chosen):
            chosen.append(int(k))
    return sorted(chosen)


def _put_pvcs(line: Timeline, spec: SimulationSpec, plan: Plan, rng: np.random.Generator) -> None:
    """Premature ventricular beats. The sinus node does not notice: its P falls into them and is not conducted."""
    times = np.array([beat.on_s for beat in line.ventricles])
    step = {"bigeminy": 2, "trigeminy": 3}.get(spec.ectopy)
    places = list(range(2, len(times) - 1, step)) if step else _places(times, spec, rng)
    coupling = rng.uniform(0.54, 0.62)
    for k in places:
        cycle = times[k] - times[k - 1]
        # not before the last T wave has ended, not so late that it is no longer premature
        repolarised = plan.qtc_s * cycle ** (1 / 3) + 0.05
        after = min(max(coupling * cycle, repolarised), 0.84 * cycle)
        line.ventricles[k] = Ventricular(float(times[k - 1] + after), "pvc", "pvc")


def _fibrillation(spec: SimulationSpec, plan: Plan, rng: np.random.Generator) -> Timeline:
    line = Timeline(atrial_rhythm="fibrillation", absent_p="the atria fibrillate")
    count = int((spec.duration_s + _BEFORE_S + _AFTER_S) / (0.6 * plan.rr_s)) + 4
    cycles = np.exp(0.22 * np.clip(rng.standard_normal(count), -2.2, 2.2))
    # the AV node's refractory time; also keeps T and the next QRS apart
    cycles = np.maximum(plan.rr_s * cycles / np.median(cycles), min(0.33, 0.85 * plan.rr_s))
    times = -_BEFORE_S + np.cumsum(cycles)
    for _ in range(2):
        # few cycles are inside the record; their median shall be the one asked for
        seen = np.diff(times[(times >= 0) & (times <= spec.duration_s)])
        if len(seen) > 2:
            times = -_BEFORE_S + (times + _BEFORE_S) * plan.rr_s / float(np.median(seen))
    early = _places(times, spec, rng) if spec.ectopy == "pvc" else []
    for k in early:
        times[k] = times[k - 1] + max(0.62 * plan.rr_s, min(0.42, 0.85 * plan.rr_s))
        times[k + 1 :] += times[k] + 1.25 * plan.rr_s - times[k + 1]
    for k, on in enumerate(times):
        line.beat(float(on), "pvc" if k in early else "normal", "pvc" if k in early else "own")
    return line


def _flutter(spec: SimulationSpec, plan: Plan, rng: np.random.Generator) -> Timeline:
    """Every n-th flutter wave is conducted; wave m begins at m times the cycle (see `atria.flutter`)."""
    line = Timeline(atrial_rhythm="flutter", absent_p="the atria flutter")
    last = int((spec.duration_s + _AFTER_S) / plan.flutter_s)
    wave = -int(_BEFORE_S / plan.flutter_s) + int(rng.integers(0, 4))
    steps = rng.permutation(np.tile([2, 4, 3, 4, 2, 3, 4], last // 2 + 8)) if spec.block_ratio is None else None
    for k in range(last + 40):
        if wave > last:
            break
        line.beat(wave * plan.flutter_s + _FLUTTER_DELAY_S)
        wave += spec.block_ratio if spec.block_ratio is not None else int(steps[k]) if steps is not None else 2
    return line


def _paced(spec: SimulationSpec, plan: Plan, rng: np.random.Generator) -> Timeline:
    line = Timeline()
    for k, on in enumerate(_regular(spec, plan.rr_s, 0.0, rng)):
        line.atria.append(Atrial(on, "paced"))
        line.spikes.append((on - _SPIKE_LEAD_S["atrial"], "atrial"))
        if spec.rhythm == "paced_dual":
            line.beat(on + plan.pr_s, "paced", "paced", k)
            line.spikes.append((on + plan.pr_s - _SPIKE_LEAD_S["ventricular"], "ventricular"))
        else:
            line.beat(on + plan.pr_s, "normal", "own", k)
    return line
