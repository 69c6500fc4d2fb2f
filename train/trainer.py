"""transformers' Trainer with our order of rows, whole checkpoints, a stop at the first loss that is no number, and our validation."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, SequentialSampler
from transformers import Trainer, TrainerCallback

from gem.errors import ModelError
from gem.files import write_whole
from train.progress import Work, matmul_peak
from train.run_folder import mark_whole

Validate = Callable[[Any], dict[str, float]]


class GemTrainer(Trainer):
    """The Trainer of every stage.

    facts     what a checkpoint says of itself (`run_folder.last_checkpoint`)
    validate  takes this trainer and returns metrics by name; None: no validation
    rates     learning rates of parameters whose names hold a word
    """

    def __init__(
        self, *, facts: dict[str, Any], validate: Validate | None = None, rates: dict[str, float] | None = None, **how: Any
    ) -> None:
        self._facts, self._validate, self._rates = facts, validate, rates or {}
        self._bad: Tensor | None = None
        self._done: Tensor | float = 0.0
        self._peak, self._since = 0.0, (0.0, 0)
        super().__init__(eval_dataset=[], **how)  # it asks for one, `evaluate` below for none
        self._work = Work(self.model)

    def _get_train_sampler(self, train_dataset: Dataset[Any] | None = None) -> SequentialSampler:
        """Draws in order: `data.order` has shuffled them."""
        return SequentialSampler(train_dataset if train_dataset is not None else self.train_dataset)

    def create_optimizer(self, model: Any = None) -> Any:
        """Parameters in groups of their own where `rates` names them."""
        if self.optimizer is None and self._rates:
            opt = self.model if model is None else model
            kind, how = self.get_optimizer_cls_and_kwargs(self.args, opt)
            groups: dict[float, list[nn.Parameter]] = {}
            for name, parameter in opt.named_parameters():
                if parameter.requires_grad:
                    rate = next((rate for word, rate in self._rates.items() if word in name), self.args.learning_rate)
                    groups.setdefault(rate, []).append(parameter)
            self.optimizer = kind([{"params": held, "lr": rate} for rate, held in groups.items()], **how)
            return self.optimizer
        return super().create_optimizer(model)

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        if not self._peak:
            self._peak = matmul_peak(self.args.device, torch.bfloat16 if self.args.bf16 else torch.float32)
            self._since = (time.perf_counter(), self.state.global_step)
        try:
            loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        except torch.OutOfMemoryError as fault:
            rows, width = inputs["input_ids"].shape
            raise ModelError(
                f"out of memory on a batch of {rows} rows of {width} tokens; lower per_device (batch stays as it is), set checkpointing: "
                "true, take bits: 4, or a deepspeed configuration that spreads or offloads"
            ) from fault
        self._done = self._done + self._work.of(inputs)
        bad = ~loss.detach().isfinite()
        self._bad = bad if self._bad is None else self._bad | bad
        if self.args.device.type == "cpu" or self.state.global_step % self.args.logging_steps == 0:  # asking a GPU makes it wait
            self._stop_at_nan()
        return loss

    def _stop_at_nan(self) -> None:
        if self._bad is not None and bool(self._bad.any()):
            raise ModelError(
                f"the loss is not a number at step {self.state.global_step + 1}; the last whole checkpoint is kept: lower optim.lr or "
                "optim.clip, or look at the rows of that step"
            )

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Samples a second and MFU since the last training loss was logged stand beside it."""
        if "loss" in logs:
            now, step = time.perf_counter(), self.state.global_step
            seconds = now - self._since[0]
            batch = self.args.per_device_train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
            logs |= {"samples_per_s": (step - self._since[1]) * batch / seconds, "mfu": float(self._done) / seconds / self._peak}
            self._since, self._done = (time.perf_counter(), step), 0.0
        super().log(logs, start_time)

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        """The metrics of `validate`, logged."""
        if self._validate is None:
            return {}
        begun = time.perf_counter()
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in self._validate(self).items()}
        self.log(metrics)
        self._since = (self._since[0] + time.perf_counter() - begun, self._since[1])
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """A checkpoint counts from the moment its last file is there; one with a loss that is no number is never written."""
        self._stop_at_nan()
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.is_world_process_zero():
            mark_whole(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}", self._facts | {"step": self.state.global_step})


class JsonLog(TrainerCallback):
    """log.jsonl: what is logged, one object a line. A run that goes on repeats no step: later lines of a killed run are taken off."""

    def __init__(self, path: Path, step: int) -> None:
        self._path = path
        if path.exists():
            lines = path.read_bytes().split(b"\n")[:-1]
            kept = [line for line in lines if json.loads(line).get("step", 0) <= step]
            write_whole(path, b"".join(line + b"\n" for line in kept))

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if state.is_world_process_zero and logs:
            plain = {name: value if not isinstance(value, float) or math.isfinite(value) else None for name, value in logs.items()}
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"step": state.global_step} | plain) + "\n")
