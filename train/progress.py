"""A line on stderr while it trains: steps, loss, samples a second, MFU, time left.

MFU is the share of the machine's matmul peak, measured at the start of the run, that the multiplications which a step cannot do without
would take. Counted are, per token that is not padding: 2 operations a weight on the way in, 2 on the way back through it, 2 more where it
learns; attention; encoders likewise where they run. Not counted: recomputed activations, padding, the optimizer.
"""

import math
import sys
import time
from typing import Any

import torch
from torch import Tensor, nn
from transformers import TrainerCallback

_SIDE_CPU, _SIDE_GPU = 1024, 8192
_LOOK_S = 0.3


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a square matmul, the best of those that fit into 0.3 s."""
    side = _SIDE_CPU if device.type == "cpu" else _SIDE_GPU
    a = torch.full((side, side), 0.5, device=device, dtype=dtype)  # not drawn by chance: a run that goes on measures again
    best, until = 0.0, time.perf_counter() + _LOOK_S
    while time.perf_counter() < until or not best:
        begun = time.perf_counter()
        a @ a
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = max(best, 2 * side**3 / (time.perf_counter() - begun))
    return best


class Work:
    """Operations that a step needs.

    model  with what learns set
    """

    def __init__(self, model: nn.Module) -> None:
        plain = model.get_base_model() if hasattr(model, "get_base_model") else model
        llm = getattr(plain, "language_model", plain)
        config = llm.config
        weights, learns = _weights(llm)
        self._per_token = 4 * weights + 2 * learns
        width = config.num_attention_heads * (getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
        self._attention = 12 * config.num_hidden_layers * width // 2  # causal: half of it; times T per token
        settings = getattr(plain, "config", None)
        ecg, vision = getattr(settings, "ecg_config", None), getattr(settings, "vision_config", None)
        self._encoders: dict[str, tuple[float, float, int]] = {}
        if ecg is not None:
            a_token = ecg.patch * (len(ecg.leads) if ecg.layout == "joint" else 1)
            self._encoders["ecg_values"] = (*_encoder(plain.ecg_encoder, ecg), a_token)
        if vision is not None:
            self._encoders["pixel_values"] = (*_encoder(plain.image_encoder, vision), 3 * vision.patch_size**2)

    def of(self, batch: dict[str, Any]) -> Tensor:
        """[] operations of one batch, on its device, so that nobody waits."""
        ids = batch["input_ids"]
        mask = batch.get("attention_mask")
        if mask is None:
            lengths = torch.diff(torch.cat([(batch["position_ids"][0] == 0).nonzero().flatten(), ids.new_tensor([ids.shape[1]])]))
        else:
            lengths = mask.sum(1)
        lengths = lengths.double()
        total: Tensor = (lengths * self._per_token + lengths * lengths * self._attention).sum()
        for name, (per_token, per_pair, numbers) in self._encoders.items():
            if name in batch:
                tokens = batch[name].numel() / numbers
                total = total + tokens * (per_token + per_pair * tokens / len(batch[name]))
        return total


def _count(weight: Any) -> int:
    """Numbers in a weight, also where they are packed (four bits) or lie in other processes (ZeRO-3)."""
    packed = getattr(weight, "quant_state", None)
    return math.prod(packed.shape) if packed is not None else int(getattr(weight, "ds_numel", weight.numel()))


def _weights(model: nn.Module) -> tuple[int, int]:
    """Numbers in the matrices of a model, and how many of them learn; tables that are only looked up in multiply nothing."""
    matrices = [module.weight for module in model.modules() if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d)]
    return sum(map(_count, matrices)), sum(_count(weight) for weight in matrices if weight.requires_grad)


def _encoder(encoder: nn.Module, config: Any) -> tuple[float, float]:
    """Operations a token, and a token and token that it looks at: forward alone where nothing of it learns."""
    weights, learns = _weights(encoder)
    return 2 * weights + 4 * learns, 4 * config.num_hidden_layers * config.hidden_size * (3 if learns else 1)


class Progress(TrainerCallback):
    """Step, loss, samples/s, MFU and time left; a line every ten seconds where stderr is no terminal."""

    def __init__(self, batch: int) -> None:
        self._batch, self._shown, self._begun, self._start, self._last = batch, 0.0, 0.0, 0, ""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._begun, self._start = time.monotonic(), state.global_step

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if logs and "loss" in logs:
            self._last = f", loss {logs['loss']:.4f}, {logs.get('samples_per_s', 0):.1f} samples/s, MFU {logs.get('mfu', 0):.1%}"

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        now = time.monotonic()
        last = state.global_step == state.max_steps
        if not state.is_world_process_zero or not (last or sys.stderr.isatty() or now - self._shown > 10):
            return
        self._shown = now
        rate = (state.global_step - self._start) / max(now - self._begun, 1e-9)
        left = (state.max_steps - state.global_step) / max(rate, 1e-9)
        line = f"{state.global_step}/{state.max_steps}{self._last}, {left:.0f} s left"
        sys.stderr.write(f"\r{line}   " if sys.stderr.isatty() and not last else f"{line}\n")
