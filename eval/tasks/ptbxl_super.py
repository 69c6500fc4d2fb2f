"""PTB-XL's five superclasses: codes as text, and each code by likelihood, for a real AUROC."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from eval.metric import Metric
from eval.ptbxl import records
from eval.sample import Answer, Sample, Score
from eval.superclass import compat_labels, each, label_metrics, soft_labels, soft_metrics, strict_labels, which
from eval.task import Task


class PtbxlSuper(Task):
    """folds; fs (Hz): only recordings of this rate; page: a layout that is shown beside the signal."""

    name = "ptbxl_super"
    version = "1"
    about = "PTB-XL, five superclasses: text (macro F1) and option likelihoods (AUROC)"
    keys: ClassVar[tuple[str, ...]] = ("strict.labels", "strict.soft", "compat.labels")
    folds: tuple[int, ...] = (9,)
    fs: int | None = None
    page: str | None = None

    def samples(self, data: Path) -> Iterator[Sample]:
        for r in records(data, self.folds, labelled=True, fs=self.fs):
            yield r.sample((which(r.labels), *each(r.labels)), self.page, r.labels)

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        text, labels = answers[0].text or "", sample.meta["labels"]
        return {
            "strict.labels": strict_labels(text, labels),
            "strict.soft": soft_labels(answers[1:], labels),
            "compat.labels": compat_labels(text, labels),
        }

    def metrics(self) -> dict[str, Metric]:
        strict = label_metrics("strict", "strict.labels") | soft_metrics("strict.soft")
        return strict | label_metrics("compat", "compat.labels", auc=True)
