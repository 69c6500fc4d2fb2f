"""Delineation against the cardiologists' marks of LUDB: both engines side by side, with 95 % intervals.

    python -m eval.delineation [--records 1,2,...] [--runs RUN ...] [--save DIR] [--jobs N] [--json]

With --runs, each training run reads the records that it held out (`validation` of its recipe), and all of them are pooled:
the folds of a cross-validation give every record a reading by a network that never saw it. Without it, the shipped network
reads the records named; it has seen all that are in the shared data.

Waves: a mark counts as found when the engine's peak lies within 150 ms. Intervals are those of a record, in two readings:
"lead" is the median over beats of each lead, then over the leads; "global" is per beat second-earliest onset to second-latest
offset over the leads, then the median over beats. Intervals by bootstrap over records. --save writes the fiducials as
`gem measure --json --beats` does, one file a record and engine.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from eval.corpus import pooled
from gem.ecg.io import read
from gem.ecg.io.wfdb import read_marks
from gem.ecg.lead import STANDARD
from gem.ecg.quality import inspect
from gem.errors import GemError
from gem.files import data_folder
from gem.measure.decode import decode
from gem.measure.delineate import delineate_neurokit
from gem.measure.delineation import FIDUCIALS, Delineation
from gem.measure.interval import median_of
from gem.measure.measurement import fiducials_json
from gem.measure.prepare import prepare
from gem.measure.scores import score

ENGINES = ("gem", "neurokit")
WAVES = {"P": "p", "QRS": "N", "T": "t"}
_COLUMNS = {"P": ("p_on", "p_peak", "p_off"), "QRS": ("qrs_on", "r_peak", "qrs_off"), "T": ("t_on", "t_peak", "t_off")}
INTERVALS = ("P", "PR", "QRS", "QT")
AIM_SD = {"P": 9.0, "PR": 6.0, "QRS": 5.0, "QT": 9.0}
_FOUND_S, _P_REACH_S, _T_REACH_S = 0.15, 0.4, 0.7
_BEFORE_S, _AFTER_S = 0.25, 0.4
"""How far outside the marked stretch a wave may lie and still be compared."""
_FEWEST_LEADS = 4

Waves = dict[str, np.ndarray]
"""P, QRS, T -> [n, 3] onset, peak, offset, s; NaN where not marked."""


@dataclass(frozen=True)
class Compared:
    """One record by one engine: waves (found, missed, invented) per kind, edge errors (s), intervals as (reference, engine) in ms."""

    record: int
    waves: dict[str, tuple[int, int, int]]
    edges: dict[str, list[float]]
    lead: dict[str, tuple[float, float]]
    over_all: dict[str, tuple[float, float]]


def reference(header: Path, lead: str, fs: float) -> Waves:
    """The marks of one lead."""
    marks = read_marks(header, lead.lower())
    out: Waves = {}
    for wave, letter in WAVES.items():
        rows = []
        for k, (symbol, at) in enumerate(marks):
            if symbol == letter:
                on = marks[k - 1][1] / fs if k and marks[k - 1][0] == "(" else np.nan
                off = marks[k + 1][1] / fs if k + 1 < len(marks) and marks[k + 1][0] == ")" else np.nan
                rows.append((on, at / fs, off))
        out[wave] = np.array(rows, dtype=float).reshape(-1, 3)
    return out


def estimated(found: Delineation, lead: str, stretch: tuple[float, float]) -> Waves:
    """The engine's waves of one lead in and near the marked stretch."""
    if lead not in found.leads:
        return {wave: np.empty((0, 3)) for wave in WAVES}
    times = found.times[found.leads.index(lead)]
    out = {}
    for wave, names in _COLUMNS.items():
        rows = times[:, [FIDUCIALS.index(name) for name in names]]
        near = ~((rows[:, 0] < stretch[0] - _BEFORE_S) | (rows[:, 2] > stretch[1] + _AFTER_S))
        out[wave] = rows[near & np.isfinite(rows).any(axis=1)]
    return out


def matched(ref: np.ndarray, est: np.ndarray, stretch: tuple[float, float]) -> tuple[tuple[int, int, int], np.ndarray]:
    """(found, missed, invented) and [found, 2] errors of onset and offset, s."""
    centre = np.where(np.isfinite(est[:, 1]), est[:, 1], (est[:, 0] + est[:, 2]) / 2)
    used: set[int] = set()
    errors = []
    for on, peak, off in ref:
        apart = np.abs(centre - peak)
        k = int(np.nanargmin(apart)) if np.isfinite(apart).any() else -1
        if k < 0 or apart[k] > _FOUND_S or k in used:
            continue
        used.add(k)
        errors.append((est[k, 0] - on, est[k, 2] - off))
    invented = sum(k not in used and stretch[0] <= c <= stretch[1] for k, c in enumerate(centre))
    return (len(used), len(ref) - len(used), invented), np.array(errors, dtype=float).reshape(-1, 2)


def lead_intervals(waves: Waves) -> dict[str, float]:
    """Medians over the beats of one lead, ms."""
    p, qrs, t = (waves[name][:, [0, 2]] for name in ("P", "QRS", "T"))
    pr, qt = [], []
    for on in qrs[np.isfinite(qrs[:, 0]), 0]:
        before = p[(p[:, 0] < on) & (p[:, 0] > on - _P_REACH_S), 0]
        after = t[(t[:, 1] > on) & (t[:, 1] < on + _T_REACH_S), 1]
        pr += [on - before.max()] if len(before) else []
        qt += [after.min() - on] if len(after) else []
    spans = {"P": p[:, 1] - p[:, 0], "PR": np.array(pr), "QRS": qrs[:, 1] - qrs[:, 0], "QT": np.array(qt)}
    return {name: 1e3 * median_of(span) for name, span in spans.items()}


def global_intervals(leads: list[Waves]) -> dict[str, float]:
    """Second-earliest onset to second-latest offset of each beat, median over beats, ms."""
    p, qrs, t = (np.concatenate([waves[name][:, [0, 2]] for waves in leads]) for name in ("P", "QRS", "T"))
    onsets = np.sort(qrs[np.isfinite(qrs[:, 0]), 0])
    groups: list[list[float]] = []
    for on in onsets.tolist():
        if groups and on - groups[-1][0] <= _FOUND_S:
            groups[-1].append(on)
        else:
            groups.append([on])
    p, t_off = p[np.isfinite(p).all(axis=1)], t[np.isfinite(t[:, 1]), 1]
    spans: dict[str, list[float]] = {name: [] for name in INTERVALS}
    for group in groups:
        if len(group) < _FEWEST_LEADS:
            continue
        beat = float(np.median(group))
        of_beat = qrs[np.abs(qrs[:, 0] - beat) < _FOUND_S]
        waves = p[(p[:, 0] < beat) & (p[:, 0] > beat - _P_REACH_S)]
        ends = t_off[(t_off > beat) & (t_off < beat + _T_REACH_S)]
        if len(waves) >= _FEWEST_LEADS:
            waves = waves[np.abs(waves[:, 0] - np.median(waves[:, 0])) < 0.1]
        if len(ends) >= _FEWEST_LEADS:
            ends = ends[np.abs(ends - np.median(ends)) < 0.12]
        on, off = _second(of_beat[:, 0], False), _second(of_beat[:, 1], True)
        p_on, p_off, end = _second(waves[:, 0], False), _second(waves[:, 1], True), _second(ends, True)
        for name, span in zip(INTERVALS, (p_off - p_on, on - p_on, off - on, end - on), strict=True):
            spans[name].append(span)
    return {name: 1e3 * median_of(np.array(span)) for name, span in spans.items()}


def _second(times: np.ndarray, late: bool) -> float:
    ordered = np.sort(times[np.isfinite(times)])
    return float("nan") if len(ordered) < 2 else float(ordered[-2] if late else ordered[1])


def compare(record: int, found: Delineation, header: Path, fs: float) -> Compared:
    """One record's figures."""
    refs, ests = [], []
    waves = {name: np.zeros(3, int) for name in WAVES}
    edges: dict[str, list[float]] = {f"{name} {edge}": [] for name in WAVES for edge in ("onset", "offset")}
    for lead in STANDARD:
        ref = reference(header, lead, fs)
        peaks = np.concatenate([rows[:, 1] for rows in ref.values()])
        stretch = (float(peaks.min()), float(peaks.max()))
        est = estimated(found, lead, stretch)
        everywhere = estimated(found, lead, (-np.inf, np.inf))
        for name in WAVES:
            counts, errors = matched(ref[name], everywhere[name], stretch)
            waves[name] += counts
            edges[f"{name} onset"] += errors[:, 0].tolist()
            edges[f"{name} offset"] += errors[:, 1].tolist()
        refs.append(ref)
        ests.append(est)
    per_lead = [(lead_intervals(ref), lead_intervals(est)) for ref, est in zip(refs, ests, strict=True)]
    lead_pairs = {
        name: (median_of(np.array([ref[name] for ref, _ in per_lead])), median_of(np.array([est[name] for _, est in per_lead])))
        for name in INTERVALS
    }
    whole_ref, whole_est = global_intervals(refs), global_intervals(ests)
    counted = {name: (int(a), int(b), int(c)) for name, (a, b, c) in waves.items()}
    return Compared(record, counted, edges, lead_pairs, {name: (whole_ref[name], whole_est[name]) for name in INTERVALS})


def read_one(task: tuple[int, Path | None], save: Path | None = None) -> dict[str, Compared]:
    """One record by both engines. task: its number, and the network that reads it (None: the shipped one)."""
    number, weights = task
    header = data_folder() / "ludb" / "data" / f"{number}.hea"
    recording = read(header)
    quality = inspect(recording)
    clean = prepare(recording, quality)
    found = {"gem": decode(score(clean, weights), clean), "neurokit": delineate_neurokit(clean, quality.spikes_s)}
    for engine, delineation in found.items():
        if save:
            (save / engine).mkdir(parents=True, exist_ok=True)
            (save / engine / f"{number}.json").write_text(json.dumps({"delineation": fiducials_json(delineation)}), encoding="utf-8")
    return {engine: compare(number, delineation, header, recording.fs) for engine, delineation in found.items()}


def figures(compared: list[Compared]) -> dict[str, dict[str, float]]:
    """Every figure of one engine: sensitivity and PPV per wave, mean and SD of edges and of record-level intervals (ms)."""
    out: dict[str, dict[str, float]] = {}
    for name in WAVES:
        hit, missed, invented = np.sum([c.waves[name] for c in compared], axis=0)
        out[name] = {"sensitivity": hit / max(hit + missed, 1), "ppv": hit / max(hit + invented, 1), "n": float(hit + missed)}
    for name in compared[0].edges:
        e = 1e3 * np.concatenate([c.edges[name] for c in compared])
        e = e[np.isfinite(e)]
        out[name] = {"mean": float(e.mean()), "sd": float(e.std()), "n": float(len(e))}
    for reading in ("lead", "over_all"):
        for name in INTERVALS:
            pairs = np.array([getattr(c, reading)[name] for c in compared])
            d = (pairs[:, 1] - pairs[:, 0])[np.isfinite(pairs).all(axis=1)]
            low, high = spread(d)
            lost = int((np.isfinite(pairs[:, 0]) & ~np.isfinite(pairs[:, 1])).sum())
            label = f"{'lead' if reading == 'lead' else 'global'} {name}"
            out[label] = {"mean": float(d.mean()), "sd": float(d.std()), "low": low, "high": high, "n": float(len(d)), "lost": lost}
            out[label]["median"] = float(np.median(d))
            out[label]["robust_sd"] = 1.4826 * float(np.median(np.abs(d - np.median(d))))
    return out


def spread(d: np.ndarray, draws: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the standard deviation."""
    rng = np.random.default_rng(0)
    sds = d[rng.integers(0, len(d), (draws, len(d)))].std(axis=1)
    return float(np.percentile(sds, 2.5)), float(np.percentile(sds, 97.5))


def table(by_engine: dict[str, dict[str, dict[str, float]]], records: int) -> str:
    """The figures of both engines side by side."""
    lines = [f"LUDB, {records} records", f"{'':<12}" + "".join(f"{engine:^46}" for engine in by_engine)]
    for name in next(iter(by_engine.values())):
        cells = []
        for rows in by_engine.values():
            row = rows[name]
            if "ppv" in row:
                cells.append(f"Se {row['sensitivity']:.4f}  PPV {row['ppv']:.4f}  n {row['n']:.0f}")
            elif "low" in row:
                text = f"{row['mean']:6.1f} / {row['sd']:4.1f} ({row['low']:.1f}-{row['high']:.1f}) n {row['n']:.0f}"
                cells.append(f"{text} robust {row['median']:.1f}/{row['robust_sd']:.1f}")
            else:
                cells.append(f"{row['mean']:6.1f} / {row['sd']:4.1f}  n {row['n']:.0f}")
        aim = AIM_SD.get(name.split()[-1]) if name.startswith(("lead", "global")) else None
        lines.append(f"{name:<12}" + "".join(f"{cell:<46}" for cell in cells) + (f"  aim 3 / {aim:g}" if aim else ""))
    return "\n".join(lines) + "\n(intervals and edges: mean / SD of engine less reader, ms; SD with its 95 % interval)\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", help="comma-separated; default: all of the shared data")
    parser.add_argument("--runs", nargs="+", type=Path, metavar="RUN", help="folders of training runs, each on what it held out")
    parser.add_argument("--save", type=Path, metavar="DIR")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    try:
        compared = pooled(partial(read_one, save=args.save), tasks_of(args.runs, args.records), args.jobs)
    except (GemError, OSError, ValueError) as fault:
        sys.stderr.write(f"eval.delineation: {fault}\n")
        return 2
    by_engine = {engine: figures([both[engine] for both in compared]) for engine in ENGINES}
    sys.stdout.write(json.dumps({"records": len(compared), **by_engine}) + "\n" if args.json else table(by_engine, len(compared)))
    return 0


def tasks_of(runs: list[Path] | None, records: str | None) -> list[tuple[int, Path | None]]:
    """Which records, and which network reads each."""
    if runs:
        held = [(run, json.loads((run / "recipe.json").read_text(encoding="utf-8"))["validation"]) for run in runs]
        return [(number, run / "delineator.onnx") for run, numbers in held for number in numbers]
    if records:
        return [(int(number), None) for number in records.split(",")]
    return [(int(path.stem), None) for path in sorted((data_folder() / "ludb" / "data").glob("*.hea"), key=lambda path: int(path.stem))]


if __name__ == "__main__":
    sys.exit(main())
