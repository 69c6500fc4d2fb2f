"""The Trainer's settings that every stage has in common, and one way to train: to the end, or until the run is asked to stop."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import PrinterCallback

from train.launch import check_launch
from train.trainer import JsonLog

_PATIENCE_S = 6 * 3600
"""How long processes wait for the first one, which prepares the data for all."""


@dataclass(frozen=True)
class World:
    """How many processes train, and which this one is, as the launcher says."""

    size: int
    rank: int

    @classmethod
    def here(cls) -> "World":
        return cls(int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0")))

    @property
    def main(self) -> bool:
        return self.rank == 0


class Recipe(Protocol):
    """What the recipes of all stages on the Trainer say."""

    name: str
    output: Path
    seed: int
    optim: Any
    save_every: int
    keep: int
    log_every: int
    device: Any


def usual(
    recipe: Recipe, world: World, steps: int, per_device: int, workers: int, look_every: int, deepspeed: bool = False
) -> dict[str, Any]:
    """Arguments of `TrainingArguments`, to be added to.

    per_device  rows at once on one device
    workers     processes that make rows
    look_every  steps between looks at the validation split; 0: none

    Raises `ConfigError` as `check_launch`.
    """
    cpu, optim = recipe.device == "cpu" or not torch.cuda.is_available(), recipe.optim
    check_launch(deepspeed, cpu)
    return {
        "output_dir": str(recipe.output),
        "run_name": recipe.name,
        "seed": recipe.seed,
        "max_steps": steps,
        "per_device_train_batch_size": per_device,
        "learning_rate": optim.lr,
        "lr_scheduler_type": optim.schedule,
        "warmup_steps": round(optim.warmup * steps),
        "weight_decay": optim.weight_decay,
        "adam_beta1": optim.betas[0],
        "adam_beta2": optim.betas[1],
        "max_grad_norm": optim.clip,
        "optim": "adamw_torch",
        "use_cpu": cpu,
        "ddp_backend": "gloo" if cpu and world.size > 1 else None,
        "ddp_timeout": _PATIENCE_S,
        "dataloader_num_workers": workers,
        "dataloader_persistent_workers": workers > 0,
        "dataloader_pin_memory": not cpu,
        "remove_unused_columns": False,
        "logging_steps": recipe.log_every,
        "logging_nan_inf_filter": False,
        "eval_strategy": "steps" if look_every else "no",
        "eval_steps": look_every or None,
        "save_steps": recipe.save_every,
        "save_total_limit": recipe.keep,
        "disable_tqdm": True,
        "log_level": "error",
    }


def train_on(trainer: Any, output: Path, at: Path | None, main: bool) -> bool:
    """Train from the checkpoint `at`, or from the beginning; False where the run stopped because it was asked to (`train.stop`).

    main  this process writes log.jsonl
    """
    trainer.remove_callback(PrinterCallback)  # stdout is for data
    if main:
        trainer.add_callback(JsonLog(output / "log.jsonl", 0 if at is None else int(at.name.rpartition("-")[2])))
    trainer.train(resume_from_checkpoint=None if at is None else str(at))
    done, steps = trainer.state.global_step, trainer.args.max_steps
    if done < steps:
        sys.stderr.write(f"train: stopped as asked after step {done} of {steps}; the same command goes on\n")
    return bool(done >= steps)
