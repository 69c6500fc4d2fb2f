"""The same recording as signal only, as picture only, and as both: what a model loses with one of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from eval.metric import Metric
from eval.ptbxl import CARDIOLOGISTS, records
from eval.sample import Answer, Picture, Sample, Score
from eval.superclass import strict_labels, which
from eval.task import Task
from eval.tasks.layout_robustness import in_its_way
from eval.variants import variant_metrics
from gem.image.scene import Scene

WAYS = ("both", "signal", "picture")


class MissingModality(Task):
    """layout of the page; folds; fs (Hz)."""

    name = "missing_modality"
    version = "1"
    about = "PTB-XL, five superclasses: signal only, picture only, both"
    keys: ClassVar[tuple[str, ...]] = ("strict.labels",)
    folds: tuple[int, ...] = (9,)
    fs: int | None = 500
    layout: str = "3x4+1"

    def samples(self, data: Path) -> Iterator[Sample]:
        for r in records(data, self.folds, labelled=True, fs=self.fs):
            page = Picture(ecg=r.ecg, scene=Scene(layout=self.layout))
            for way in WAYS:
                ecgs = () if way == "picture" else (r.ecg,)
                pictures = () if way == "signal" else (page,)
                yield Sample(
                    id=f"{r.id}/{way}",
                    turns=(which(r.labels),),
                    ecgs=ecgs,
                    pictures=pictures,
                    record=r.ecg,
                    reference=list(r.labels),
                    author=CARDIOLOGISTS,
                    meta=r.meta | {"modality": way, "record": r.id},
                )

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        return {"strict.labels": in_its_way(strict_labels(answers[0].text or "", sample.meta["labels"]), sample, "modality")}

    def metrics(self) -> dict[str, Metric]:
        return variant_metrics("strict.labels", WAYS)

    def strata(self) -> tuple[str, ...]:
        return (*super().strata(), "modality")
