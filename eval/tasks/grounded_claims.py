"""Every claim of a free report against the trace: precision, recall, contradiction rate, per quantity. No judge, no reference text.

    precision           supported of supported and contradicted
    recall              findings present and quantities measured that a supported claim tells
    contradiction_rate  contradicted of all claims

The ruler is that of our own writer: a model of ours can share its mistakes, so read this beside measure_ludb and ludb_chains.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from eval.grounding import KINDS, QUANTITIES, grounded
from eval.load import measured
from eval.metric import Array, Metric, mean, ratio
from eval.ptbxl import records
from eval.sample import Answer, Sample, Score, Turn, scored, unparsed
from eval.statements import as_text
from eval.task import Task

QUESTION = "Interpret this ECG: rhythm, intervals and axis, what the leads show, and the diagnosis with its evidence."


class GroundedClaims(Task):
    """folds; fs (Hz): only recordings of this rate; page: a layout that is shown beside the signal."""

    name = "grounded_claims"
    version = "1"
    about = "PTB-XL, free report: every claim against the trace with gem.report.verify"
    keys: ClassVar[tuple[str, ...]] = ("strict.claims",)
    folds: tuple[int, ...] = (9,)
    fs: int | None = None
    page: str | None = None

    def samples(self, data: Path) -> Iterator[Sample]:
        for r in records(data, self.folds, fs=self.fs):
            turn = Turn(question=QUESTION, reference=as_text(r.scp), meta={"asks": {"form": "report"}})
            yield r.sample((turn,), self.page, author="the trace (gem.report.verify)")

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        """Raises `NotReadable` where the quality of the recording forbids an interpretation: there is nothing to verify against."""
        assert sample.record is not None  # noqa: S101 (samples() sets it)
        made = grounded(answers[0].text or "", *measured(sample.record))
        decided = made.counts["supported"] + made.counts["contradicted"]
        parsed = made.counts | {"decided": decided, "silent": int(made.counts["claims"] == 0), "one": 1, "verdicts": made.verdicts}
        if made.counts["claims"] == 0:
            return {"strict.claims": unparsed("no claim that can be checked", parsed=parsed)}
        return {"strict.claims": scored(made.counts["supported"] / decided if decided else 0.0, parsed)}

    def metrics(self) -> dict[str, Metric]:
        key = "strict.claims"
        out = {
            "strict.precision": ratio(key, "supported", "decided"),
            "strict.recall": ratio(key, "told", "facts"),
            "strict.contradiction_rate": ratio(key, "contradicted", "claims"),
            "strict.not_measured_rate": ratio(key, "not_measured", "claims"),
            "strict.not_checkable_rate": ratio(key, "not_checkable", "claims"),
            "strict.claims_per_report": ratio(key, "claims", "one", percent=False),
            "strict.no_claim": ratio(key, "silent", "one"),
            "strict.mean_report_precision": mean(key),
        }
        return out | {f"strict.precision_{name}": _decided(key, name) for name in (*QUANTITIES, *KINDS)}


def _decided(key: str, name: str) -> Metric:
    def function(scores: Sequence[Score], weights: Array) -> Array:
        some = [
            Score.model_construct(
                parsed={"up": s.parsed[f"{name}.supported"], "all": s.parsed[f"{name}.supported"] + s.parsed[f"{name}.contradicted"]}
            )
            for s in scores
        ]
        return ratio(key, "up", "all").function(some, weights)

    return Metric(key, function)
