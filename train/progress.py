"""A line on stderr while it trains: steps, samples a second, time left."""

import sys
import time
from typing import Any

from transformers import TrainerCallback


class Progress(TrainerCallback):
    """Step, loss, samples/s and time left; a line every ten seconds where stderr is no terminal."""

    def __init__(self, batch: int) -> None:
        self._batch, self._shown, self._begun, self._start, self._loss = batch, 0.0, 0.0, 0, ""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._begun, self._start = time.monotonic(), state.global_step

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if logs and "loss" in logs:
            self._loss = f", loss {logs['loss']:.4f}"

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        now = time.monotonic()
        last = state.global_step == state.max_steps
        if not state.is_world_process_zero or not (last or sys.stderr.isatty() or now - self._shown > 10):
            return
        self._shown = now
        rate = (state.global_step - self._start) / max(now - self._begun, 1e-9)
        left = (state.max_steps - state.global_step) / max(rate, 1e-9)
        line = f"{state.global_step}/{state.max_steps}{self._loss}, {rate * self._batch:.1f} samples/s, {left:.0f} s left"
        sys.stderr.write(f"\r{line}   " if sys.stderr.isatty() and not last else f"{line}\n")
