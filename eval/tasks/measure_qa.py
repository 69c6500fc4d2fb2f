"""Measurement questions, against marks our engine did not make: LUDB's cardiologists, and the simulator's truth."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from eval.load import simulated
from eval.ludb import AUTHOR, ludb, truth
from eval.metric import Metric, mean, ratio
from eval.parse import number_in
from eval.sample import Answer, Ecg, Sample, Score, Turn, scored, unparsed
from eval.task import Task
from gem.report.tolerance import tolerance_of

ASKED = {
    "heart_rate": ("bpm", "the heart rate, in bpm"),
    "pr_interval": ("ms", "the PR interval over all leads, in ms"),
    "qrs_duration": ("ms", "the QRS duration over all leads (earliest onset to latest end), in ms"),
    "qt_interval": ("ms", "the QT interval over all leads, in ms"),
}


def turns_of(values: dict[str, float]) -> tuple[Turn, ...]:
    """One question a value, each asked alone."""
    out = []
    for name, (unit, words) in ASKED.items():
        if name in values:
            asks = {"form": "value", "name": name}
            reference = f"{values[name]:.4g} {unit}"
            question = f"What is {words}? Answer with the number and its unit, and nothing else."
            out.append(Turn(question=question, reference=reference, alone=True, meta={"label": name, "asks": asks, "value": values[name]}))
    return tuple(out)


class _Measure(Task):
    keys: ClassVar[tuple[str, ...]] = ("strict.within",)

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        """Right: within the tolerance of gem.report.tolerance; the value is the share of the sample's questions."""
        parsed: dict[str, Any] = {f"{name}.{what}": 0.0 for name in ASKED for what in ("right", "asked", "read", "error")}
        for turn, answer in zip(sample.turns, answers, strict=True):
            name, true = turn.meta["label"], float(turn.meta["value"])
            said = number_in(answer.text or "", ASKED[name][0])
            parsed[f"{name}.asked"] = 1.0
            if said is not None:
                parsed[f"{name}.read"], parsed[f"{name}.error"] = 1.0, abs(said - true)
                parsed[f"{name}.right"] = float(abs(said - true) <= tolerance_of(name).width(true))
        asked, read, right = (sum(parsed[f"{name}.{what}"] for name in ASKED) for what in ("asked", "read", "right"))
        if not read:
            return {"strict.within": unparsed("no number in the unit asked for", parsed=parsed)}
        return {"strict.within": scored(right / asked, parsed)}

    def metrics(self) -> dict[str, Metric]:
        out = {"strict.within_tolerance": mean("strict.within")}
        for name in ASKED:
            out[f"strict.{name}_within"] = ratio("strict.within", f"{name}.right", f"{name}.asked")
            out[f"strict.{name}_mean_error"] = ratio("strict.within", f"{name}.error", f"{name}.read", percent=False)
        return out


class MeasureLudb(_Measure):
    """Rate and intervals of LUDB's records."""

    name = "measure_ludb"
    version = "1"
    about = "LUDB, rate and intervals as numbers against the cardiologists' marks"

    def samples(self, data: Path) -> Iterator[Sample]:
        for r in ludb(data):
            turns = turns_of(truth(r.number))
            if turns:
                yield Sample(id=str(r.number), turns=turns, ecgs=(r.ecg,), record=r.ecg, author=AUTHOR, meta=r.meta)


class MeasureSimulated(_Measure):
    """n recordings of the simulator, seeds from `seed` on."""

    name = "measure_simulated"
    version = "1"
    about = "simulated ECGs, rate and intervals as numbers against the truth"
    n: int = 200
    seed: int = 9_000_000

    def samples(self, data: Path) -> Iterator[Sample]:
        for k in range(self.n):
            made = simulated(self.seed + k)
            values = {name: float(one["value"]) for name, one in made.truth.values.items() if one.get("value") is not None}
            spec = made.truth.spec
            ecg = Ecg(path=f"simulated {self.seed + k}", age=spec.age, sex=spec.sex, simulated=self.seed + k)
            noise = sorted(spec.noise.asked())
            meta = {"source": "simulator", "age": spec.age, "sex": spec.sex, "noise": noise or ["none noted"]}
            turns = turns_of(values)
            if turns:
                yield Sample(id=str(self.seed + k), turns=turns, ecgs=(ecg,), record=ecg, author="the simulator", meta=meta)
