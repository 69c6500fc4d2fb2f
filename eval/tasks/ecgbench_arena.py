"""ECGBench, ECG Arena: two open questions about a real picture (50); its own score is a judge's (rubric pulse_arena)."""

from collections.abc import Iterable
from typing import ClassVar

from eval.official import rows
from eval.official.free import FreeText
from eval.official.rows import Row
from eval.official.sets import kept
from eval.sample import Turn


class Arena(FreeText):
    """The second question is asked with the model's own first answer before it, as published."""

    name = "ecgbench_arena"
    version = "1"
    about = "ECG Arena, two open questions about a real picture (50); its published score is a judge's"
    download: ClassVar[str] = "the config arena of PULSE-ECG/ECGBench (Hugging Face; parquet is read too, see eval/README.md)"
    file: str = "ECGBench/arena.json"
    rubrics = ("pulse_arena",)

    def turns(self, row: Row) -> Iterable[Turn]:
        for question, answer in rows.turns(row.raw):
            yield Turn(question=question, reference=kept(answer))
