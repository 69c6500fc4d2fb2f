"""The recipe of an evaluation: tasks x one model (names of options after lm-evaluation-harness where they exist)."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from eval.control import Control
from eval.models.config import AnyModel, Leak
from eval.task import Task, task_of
from gem.config import Config


class Recipe(Config):
    """One run.

    name             of the run, in tables
    tasks            name -> options of the task, or a list of names
    model            what is tested
    control          the ECG taken away or exchanged: text_only, shuffled, noise, flat
    output           the run folder
    limit            samples of each task at most, the first ones; None: all
    batch_size       samples that are asked together
    seed             of controls and of the bootstrap
    bootstrap_iters  draws
    log_samples      keep questions and references in the log (scoring again then needs no data set)
    predict_only     ask, do not score
    leak             a training set whose patients must not be among the samples
    """

    name: str
    tasks: Mapping[str, Mapping[str, Any]]
    model: AnyModel
    control: Control = "none"
    output: str
    limit: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=8, ge=1)
    seed: int = 0
    bootstrap_iters: int = Field(default=10_000, ge=0)
    log_samples: bool = True
    predict_only: bool = False
    leak: Leak = Leak()

    @field_validator("tasks", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """A list of names is those tasks as they are."""
        if isinstance(value, list | tuple):
            return {name: {} for name in value}
        return {name: options or {} for name, options in value.items()} if isinstance(value, Mapping) else value

    def built(self) -> list[Task]:
        """The tasks, their options checked. Raises `ConfigError`."""
        return [task_of(name, options) for name, options in self.tasks.items()]

    def settings(self) -> dict[str, Any]:
        """What decides the answers: a run folder belongs to one of these."""
        whole = self.model_dump(mode="json")
        return {key: whole[key] for key in ("tasks", "model", "control", "seed")}
