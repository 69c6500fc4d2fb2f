"""Report generation on PTB-XL: the diagnoses that a free report asserts against the cardiologists' coded statements. No judge."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from eval.metric import Array, Metric, mean, ratio
from eval.ptbxl import records
from eval.sample import Answer, Sample, Score, Turn, scored, unparsed
from eval.statements import against, as_text
from eval.task import Task

QUESTION = "Write the report of this ECG: rhythm, rate, intervals and axis, what the leads show, and the diagnoses."


class PtbxlReport(Task):
    """folds; fs (Hz): only recordings of this rate; page: a layout that is shown beside the signal."""

    name = "ptbxl_report"
    version = "1"
    about = "PTB-XL, free report: asserted diagnoses against the cardiologists' SCP statements"
    keys: ClassVar[tuple[str, ...]] = ("strict.statements",)
    folds: tuple[int, ...] = (9,)
    fs: int | None = None
    page: str | None = None

    def samples(self, data: Path) -> Iterator[Sample]:
        for r in records(data, self.folds, scp=True, fs=self.fs):
            turn = Turn(question=QUESTION, reference=as_text(r.scp), meta={"asks": {"form": "report"}})
            yield r.sample((turn,), self.page, r.scp)

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        text = answers[0].text or ""
        counts = against(text, sample.reference)
        both = counts["claims"] + counts["codes"]
        value = (counts["right"] + counts["caught"]) / both if both else 1.0
        if not counts["claims"] and "normal" not in text.lower():
            return {"strict.statements": unparsed("no diagnosis is asserted", parsed=counts)}
        return {"strict.statements": scored(value, counts)}

    def metrics(self) -> dict[str, Metric]:
        key = "strict.statements"
        return {
            "strict.precision": ratio(key, "right", "claims"),
            "strict.recall": ratio(key, "caught", "codes"),
            "strict.f1": Metric(key, _f1),
            "strict.mean_agreement": mean(key),
        }


def _f1(scores: Sequence[Score], weights: Array) -> Array:
    """Of precision over claims and recall over statements."""
    precision, recall = (ratio("", *names).function(scores, weights) for names in (("right", "claims"), ("caught", "codes")))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(2 * precision * recall / (precision + recall))
