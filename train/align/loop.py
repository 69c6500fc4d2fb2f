"""The loop of the stages that learn from records with codes: transformers' Trainer on draws in their own order."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset
from transformers import PrinterCallback, TrainerCallback, TrainingArguments

from gem.errors import ConfigError
from train.align.config import OnRecords
from train.progress import Progress
from train.run_folder import last_checkpoint
from train.trainer import GemTrainer, JsonLog
from train.tuning import World

Look = Callable[[Any], dict[str, float]]


def fit(
    recipe: OnRecords, learner: nn.Module, draws: Dataset[Any], collate: Any, architecture: str, look: Look, *callbacks: TrainerCallback
) -> None:
    """Train to the end, or go on from the last whole checkpoint of the run folder.

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
        callbacks=[Progress(recipe.batch), *callbacks],
    )
    trainer.remove_callback(PrinterCallback)  # stdout is for data
    if world.main:
        trainer.add_callback(JsonLog(recipe.output / "log.jsonl", 0 if at is None else int(at.name.rpartition("-")[2])))
    trainer.train(resume_from_checkpoint=None if at is None else str(at))


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
    optim = recipe.optim
    per_device, left = divmod(recipe.batch, world.size)
    if left or not per_device:
        raise ConfigError(f"batch {recipe.batch} does not divide among {world.size} processes")
    cpu = recipe.device == "cpu" or not torch.cuda.is_available()
    every = recipe.every * (steps // recipe.epochs)
    return TrainingArguments(
        output_dir=str(recipe.output),
        run_name=recipe.name,
        seed=recipe.seed,
        max_steps=steps,
        per_device_train_batch_size=per_device,
        learning_rate=optim.lr,
        lr_scheduler_type=optim.schedule,
        warmup_steps=round(optim.warmup * steps),
        weight_decay=optim.weight_decay,
        adam_beta1=optim.betas[0],
        adam_beta2=optim.betas[1],
        max_grad_norm=optim.clip,
        optim="adamw_torch",
        use_cpu=cpu,
        ddp_backend="gloo" if cpu and world.size > 1 else None,
        dataloader_num_workers=recipe.workers,
        dataloader_persistent_workers=recipe.workers > 0,
        dataloader_pin_memory=not cpu,
        dataloader_drop_last=True,
        remove_unused_columns=False,
        label_names=[],
        logging_steps=recipe.log_every,
        logging_nan_inf_filter=False,
        eval_strategy="steps" if every else "no",
        eval_steps=every or None,
        save_steps=recipe.save_every,
        save_total_limit=recipe.keep,
        report_to=[],
        disable_tqdm=True,
        log_level="error",
    )
