"""A task: which samples there are, what an answer is worth, and how the answers of many samples become figures.

One file a task in eval/tasks/. A task is a frozen `Config`: its fields are its options in a recipe (`tasks: {ptbxl_super: {folds: [9]}}`),
`name` and `version` are of the class; the version goes up whenever a score may come out differently.

    class Mine(Task):
        name = "mine"
        version = "1"
        keys = ("strict.accuracy", "compat.accuracy")       # SCORING.METRIC, every one in every score()
        folds: tuple[int, ...] = (9,)

        def samples(self, data): yield Sample(...)
        def score(self, sample, answers): return {"strict.accuracy": scored(1.0), "compat.accuracy": unscored("why")}

Figures are by default the mean of each key over samples; a corpus metric (macro F1, AUROC) is a `Metric` in `metrics()`.
Both scorings come from one run: `strict.*` (ours) and `compat.*` (as published, faults included).
"""

import importlib
import pkgutil
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

import eval.tasks
from eval.metric import Metric, mean
from eval.sample import Answer, Sample, Score
from gem.config import Config
from gem.errors import ConfigError

SCORINGS = ("strict", "compat")


class Task(Config):
    """Base of every task; see above."""

    name: ClassVar[str] = ""
    version: ClassVar[str] = ""
    about: ClassVar[str] = ""
    """One line for the table of tasks."""
    keys: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def samples(self, data: Path) -> Iterable[Sample]:
        """Every sample, always in the same order.

        data  the data folder; a task reads further folders from its own options

        Raises `ConfigError` (see `eval.sample.needed`) when a file of the set is missing. A recording that is named but absent is no
        reason to stop: its sample is yielded, fails when it is read, and is a row with its reason.
        """

    @abstractmethod
    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        """A score for every key of `keys`.

        answers  one a turn; none of them has an `error` (the harness makes such samples unscored itself)

        Raises `GemError` when the sample cannot be scored: all keys are then unscored for that reason.
        """

    def metrics(self) -> dict[str, Metric]:
        """Name -> metric over all samples; by default the mean of every key."""
        return {key: mean(key) for key in self.keys}

    def strata(self) -> tuple[str, ...]:
        """Keys of `Sample.meta` by which tables are split; those that no sample has are left out."""
        return ("statements", "sex", "age", "device", "noise", "layout")


@cache
def tasks() -> Mapping[str, type[Task]]:
    """Every task by name: the classes in the modules of eval/tasks/ that have a name."""
    found: dict[str, type[Task]] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(eval.tasks.__path__)):
        for thing in vars(importlib.import_module(f"eval.tasks.{module}")).values():
            if isinstance(thing, type) and issubclass(thing, Task) and thing.name and thing.__module__ == f"eval.tasks.{module}":
                if thing.name in found:
                    raise ConfigError(f"eval/tasks/{module}.py: a second task of the name {thing.name}")
                found[thing.name] = thing
    return found


def task_of(name: str, options: Mapping[str, Any] | None = None) -> Task:
    """The task of a name with its options. Raises `ConfigError` that says which there are, or which options are wrong."""
    if name not in tasks():
        raise ConfigError(f"{name}: no such task; there are {', '.join(sorted(tasks()))}")
    try:
        return tasks()[name].model_validate(dict(options or {}))
    except ValidationError as fault:
        lines = [f"  tasks.{name}.{'.'.join(map(str, e['loc']))}: {e['msg']} (got {e['input']!r:.60})" for e in fault.errors()]
        raise ConfigError(f"the options of task {name} are not right:\n" + "\n".join(lines)) from fault
