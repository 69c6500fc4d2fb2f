"""The same recording on paper in several layouts and damages: does the answer stay, and how bad is the worst?"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from eval.metric import Metric
from eval.ptbxl import CARDIOLOGISTS, records
from eval.sample import Answer, Picture, Sample, Score
from eval.superclass import strict_labels, which
from eval.task import Task
from eval.variants import variant_metrics
from gem.image.paper import Paper
from gem.image.photo.preset import random_damage
from gem.image.scene import Scene


class LayoutRobustness(Task):
    """layouts and damages (`gem draw --help`): each layout is drawn clean, each damage on the first layout; folds; fs (Hz)."""

    name = "layout_robustness"
    version = "1"
    about = "PTB-XL pages, five superclasses: 3x4, 6x2, 12x1 and damages of the same recording"
    keys: ClassVar[tuple[str, ...]] = ("strict.labels",)
    folds: tuple[int, ...] = (9,)
    fs: int | None = 500
    layouts: tuple[str, ...] = ("3x4+1", "6x2", "12x1")
    damages: tuple[str, ...] = ("scan", "photo")

    def ways(self) -> tuple[str, ...]:
        return (*self.layouts, *(f"{self.layouts[0]} {kind}" for kind in self.damages))

    def samples(self, data: Path) -> Iterator[Sample]:
        for number, r in enumerate(records(data, self.folds, labelled=True, fs=self.fs)):
            for way in self.ways():
                layout, _, kind = way.partition(" ")
                damage = random_damage(np.random.default_rng([number, len(kind)]), kind, Paper()) if kind else None
                page = Picture(ecg=r.ecg, scene=Scene(layout=layout, damage=damage))
                meta = r.meta | {"layout": way, "record": r.id}
                turns = (which(r.labels),)
                author = CARDIOLOGISTS
                yield Sample(
                    id=f"{r.id}/{way}", turns=turns, pictures=(page,), record=r.ecg, reference=list(r.labels), author=author, meta=meta
                )

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        return {"strict.labels": in_its_way(strict_labels(answers[0].text or "", sample.meta["labels"]), sample, "layout")}

    def metrics(self) -> dict[str, Metric]:
        return variant_metrics("strict.labels", self.ways())


def in_its_way(score: Score, sample: Sample, key: str) -> Score:
    """The score with its record and way, by which it is grouped."""
    return score.model_copy(update={"parsed": score.parsed | {"record": sample.meta["record"], "way": sample.meta[key]}})
