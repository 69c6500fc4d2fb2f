"""Delineation on LUDB: waves and their edges as JSON, against the cardiologists' marks (the figures of eval.delineation)."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from eval.delineation import INTERVALS, WAVES, Compared, compare
from eval.load import recording_of
from eval.ludb import AUTHOR, ludb
from eval.metric import Array, Metric
from eval.sample import Answer, Sample, Score, Turn, scored, unparsed
from eval.task import Task
from gem.ecg.lead import STANDARD
from gem.files import data_folder
from gem.measure.delineation import FIDUCIALS, Delineation

QUESTION = (
    'Delineate this ECG. Answer with one JSON object {"delineation": {LEAD: [BEAT, ...]}}: for each of the 12 leads a list of beats, each '
    f"an object with the keys {', '.join(FIDUCIALS)}, times in seconds from the start, null where a wave is absent."
)


class LudbDelineation(Task):
    """P, QRS and T: found within 150 ms of the mark; edges and record-level intervals in ms."""

    name = "ludb_delineation"
    version = "1"
    about = "LUDB, fiducials as JSON against the cardiologists' marks"
    keys: ClassVar[tuple[str, ...]] = ("strict.waves",)

    def samples(self, data: Path) -> Iterator[Sample]:
        for r in ludb(data):
            turn = Turn(question=QUESTION, meta={"asks": {"form": "delineation"}})
            yield Sample(id=str(r.number), turns=(turn,), ecgs=(r.ecg,), record=r.ecg, author=AUTHOR, meta=r.meta)

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        number = int(sample.id)
        header = data_folder() / "ludb" / "data" / f"{number}.hea"
        found = read_delineation(answers[0].text or "")
        made = compare(number, found or _nothing(), header, recording_of(sample.ecgs[0]).fs)
        parsed = _counted(made)
        hit, missed, invented = np.sum([made.waves[name] for name in WAVES], axis=0)
        if found is None:
            return {"strict.waves": unparsed("no JSON of the form asked for", parsed=parsed)}
        return {"strict.waves": scored(2 * hit / max(1, 2 * hit + missed + invented), parsed)}

    def metrics(self) -> dict[str, Metric]:
        out: dict[str, Metric] = {}
        for name in WAVES:
            out[f"strict.{name}_f1"] = Metric("strict.waves", _f1(name))
            for edge in ("onset", "offset"):
                out[f"strict.{name}_{edge}_sd_ms"] = Metric("strict.waves", _sd(f"{name} {edge}"), percent=False)
        for name in INTERVALS:
            out[f"strict.global_{name}_sd_ms"] = Metric("strict.waves", _sd(f"global {name}"), percent=False)
        return out


def read_delineation(text: str) -> Delineation | None:
    """The object asked for, from its first brace to its last; None when it is none."""
    try:
        whole = json.loads(text[text.index("{") : text.rindex("}") + 1])
        by_lead = {lead: beats for lead, beats in whole["delineation"].items() if lead in STANDARD}
        many = max((len(beats) for beats in by_lead.values()), default=0)
        times = np.full((len(by_lead), many, len(FIDUCIALS)), np.nan)
        for k, beats in enumerate(by_lead.values()):
            for b, beat in enumerate(beats):
                times[k, b] = [np.nan if beat.get(name) is None else float(beat[name]) for name in FIDUCIALS]
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    return Delineation(tuple(by_lead), np.zeros(many), times, "answer") if by_lead and many else None


def _nothing() -> Delineation:
    return Delineation((), np.zeros(0), np.empty((0, 0, len(FIDUCIALS))), "answer")


def _counted(made: Compared) -> dict[str, Any]:
    """Counts of waves, and n, sum and sum of squares (ms) of every error."""
    out: dict[str, Any] = {name: [int(x) for x in made.waves[name]] for name in WAVES}
    errors = {name: 1e3 * np.array(values) for name, values in made.edges.items()}
    for name in INTERVALS:
        pair = made.over_all[name]
        errors[f"global {name}"] = np.array([pair[1] - pair[0]])
    for name, values in errors.items():
        kept = values[np.isfinite(values)]
        out[name] = [len(kept), float(kept.sum()), float((kept**2).sum())]
    return out


def _f1(name: str) -> Any:
    def function(scores: Sequence[Score], weights: Array) -> Array:
        hit, missed, invented = (weights @ np.array([s.parsed[name][k] for s in scores], dtype=float) for k in range(3))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(2 * hit / (2 * hit + missed + invented))

    return function


def _sd(name: str) -> Any:
    def function(scores: Sequence[Score], weights: Array) -> Array:
        n, total, squares = (weights.astype(np.float64) @ np.array([s.parsed[name][k] for s in scores], dtype=float) for k in range(3))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.sqrt(np.maximum(squares / n - (total / n) ** 2, 0)))

    return function
