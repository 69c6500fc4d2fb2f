"""The loop of the stages that learn from records with codes: transformers' Trainer on draws in their own order."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import nn
from torch.utils.data import Dataset
from transformers import TrainerCallback, TrainingArguments

from gem.errors import ConfigError
from train.align.config import OnRecords
from train.progress import Progress
from train.run_folder import last_checkpoint
from train.settings import World, train_on, usual
from train.stop import StopWhenAsked
from train.trainer import GemTrainer

Look = Callable[[Any], dict[str, float]]


def fit(
    recipe: OnRecords, learner: nn.Module, draws: Dataset[Any], collate: Any, architecture: str, look: Look, *callbacks: TrainerCallback
) -> bool:
    """Train to the end, or go on from the last whole checkpoint of the run folder; False where the run was asked to stop before.

    draws  `epochs` times the records, in order
    look   takes the learner; metrics of the validation split

    Raises `ConfigError` when there are less records than a batch.
    """
    world = World.here()
    steps = recipe.epochs * (len(draws) // recipe.epochs // recipe.batch)  # type: ignore[arg-type]
    if not steps:
        raise ConfigError(f"{recipe.records}: less training records than a batch of {recipe.batch}")
    facts = {"architecture": architecture, "processes": world.size, "batch": recipe.batch}
    at = last_checkpoint(recipe.output, facts, clean=world.main)
    trainer = _Trainer(
        model=learner,
        args=_arguments(recipe, world, steps),
        train_dataset=draws,
        data_collator=collate,
        facts=facts,
        validate=lambda held: look(held.model),
        callbacks=[Progress(recipe.batch), StopWhenAsked(), *callbacks],
    )
    return train_on(trainer, recipe.output, at, world.main)


class _Trainer(GemTrainer):
    """With the parts of the loss in the log."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self._parts: dict[str, list[float]] = {}

    def _work_of(self, model: nn.Module) -> None:
        """Convolutions are not counted."""

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        out = model(**inputs)
        for name, value in out.items():
            if name != "loss":
                self._parts.setdefault(name, []).append(float(value))
        return (out["loss"], out) if return_outputs else out["loss"]

    def log(self, logs: dict[str, float], *args: Any, **how: Any) -> None:
        if "loss" in logs:
            logs = logs | {name: round(float(np.mean(values)), 4) for name, values in self._parts.items()}
            self._parts = {}
        super().log(logs, *args, **how)


def _arguments(recipe: OnRecords, world: World, steps: int) -> TrainingArguments:
    per_device, left = divmod(recipe.batch, world.size)
    if left or not per_device:
        raise ConfigError(f"batch {recipe.batch} does not divide among {world.size} processes; change batch")
    look_every = recipe.every * (steps // recipe.epochs)
    return TrainingArguments(
        **usual(recipe, world, steps, per_device, recipe.workers, look_every), dataloader_drop_last=True, label_names=[], report_to=[]
    )
