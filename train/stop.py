"""Ending a run early, whole: a file that appears asks for it (`configs/slurm/train.sh` makes it when the job must go)."""

import os
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from transformers import TrainerCallback

VARIABLE = "GEM_STOP_FILE"
EVERY = 5
"""Steps between two looks; all processes look at the same step and agree."""


class StopWhenAsked(TrainerCallback):
    """Saves a checkpoint and ends the training soon after the file of `$GEM_STOP_FILE` is there."""

    def __init__(self) -> None:
        named = os.environ.get(VARIABLE)
        self._path = Path(named) if named else None

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._path is None or state.global_step % EVERY or not _any_process(self._path.exists(), args.device):
            return
        control.should_save = control.should_training_stop = True


def _any_process(here: bool, device: Any) -> bool:
    """Whether it holds for one process at least: a file may be seen by one sooner than by another."""
    if not distributed.is_initialized() or distributed.get_world_size() == 1:
        return here
    flag = torch.tensor([int(here)], device=device)
    distributed.all_reduce(flag, distributed.ReduceOp.MAX)
    return bool(flag.item())
