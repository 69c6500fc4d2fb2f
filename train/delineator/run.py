"""The training run: examples in worker processes, AdamW on one cosine cycle, averaged weights, exact resume.

Checkpoints hold weights, averages, optimiser, and the step; every step draws its examples from a generator seeded by the
step alone, so a run that was killed goes on as if it had not been.
"""

import json
import os
import time
from collections import deque
from collections.abc import Iterator
from math import cos, pi
from multiprocessing import get_context
from multiprocessing.pool import AsyncResult
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor
from torch.nn import functional

from gem.errors import ConfigError
from gem.files import data_folder, write_whole
from train.delineator.augment import drawn
from train.delineator.config import DelineatorRecipe
from train.delineator.examples import Example, ludb_examples, simulated_example
from train.delineator.export import export
from train.delineator.net import Delineator

_HELD_BATCHES = 8
_POOL: list[Example] = []
_HELD: list[Example] = []


def load_examples(recipe: DelineatorRecipe) -> tuple[list[Example], list[Example], list[Example]]:
    """LUDB records to train on, LUDB records held out, simulated records."""
    ludb = ludb_examples(data_folder())
    unknown = [k for k in recipe.validation if k not in ludb]
    if unknown:
        raise ConfigError(f"validation: LUDB has no record {', '.join(map(str, unknown))} here")
    with get_context("fork").Pool(os.cpu_count()) as pool:
        simulated = pool.map(simulated_example, range(recipe.seed * 1_000_000, recipe.seed * 1_000_000 + recipe.simulated), chunksize=20)
    held = [ludb[k] for k in recipe.validation]
    return [example for k, example in ludb.items() if k not in recipe.validation], held, simulated


def make_batch(recipe: DelineatorRecipe, real: list[Example], simulated: list[Example], step: int) -> dict[str, np.ndarray]:
    """The batch of one step; depends on nothing but the recipe and the step."""
    rng = np.random.default_rng([recipe.seed, step])
    leads = int(rng.integers(1, 12)) if rng.random() < recipe.augment.fewer_leads else 12
    rows = []
    for _ in range(recipe.batch):
        pool = simulated if simulated and rng.random() < recipe.simulated_share else real
        rows.append(drawn(pool[int(rng.integers(len(pool)))], recipe.crop, leads, recipe.augment, rng))
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}


def loss_of(net: Delineator, batch: dict[str, Tensor], p_weight: float) -> Tensor:
    """Cross-entropy of the lead scores and of the joint scores, each averaged over what is known."""
    lead, joint = net(batch["signal"])
    wave = torch.tensor([p_weight, 1.0, 1.0])[:, None]
    total = torch.zeros(())
    for logits, target, known in ((lead, batch["lead"], batch["lead_weight"]), (joint, batch["joint"], batch["joint_weight"])):
        weight = known * wave
        each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        total = total + (each * weight).sum() / weight.sum().clamp(min=1.0)
    return total


def _batches(recipe: DelineatorRecipe, real: list[Example], simulated: list[Example], begin: int) -> Iterator[dict[str, Tensor]]:
    """Batches from step `begin` on, made ahead by worker processes."""
    global _POOL, _HELD
    _POOL, _HELD = real, simulated
    steps = range(begin, recipe.steps)
    if recipe.workers == 0:
        for step in steps:
            yield _tensors(make_batch(recipe, real, simulated, step))
        return
    with get_context("fork").Pool(recipe.workers) as pool:
        ahead: deque[AsyncResult[dict[str, np.ndarray]]] = deque()
        for step in steps:
            ahead.append(pool.apply_async(_forked, ((recipe, step),)))
            if len(ahead) > 2 * recipe.workers + 1:  # not more: batches made faster than they are used would fill the memory
                yield _tensors(ahead.popleft().get())
        while ahead:
            yield _tensors(ahead.popleft().get())


def _forked(task: tuple[DelineatorRecipe, int]) -> dict[str, np.ndarray]:
    return make_batch(task[0], _POOL, _HELD, task[1])


def _tensors(batch: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {key: torch.from_numpy(value) for key, value in batch.items()}


def learning_rate(recipe: DelineatorRecipe, step: int) -> float:
    warm = max(1, round(recipe.warmup * recipe.steps))
    if step < warm:
        return recipe.lr * (step + 1) / warm
    return recipe.lr * (0.01 + 0.99 * (1 + cos(pi * (step - warm) / max(1, recipe.steps - warm))) / 2)


def run(recipe: DelineatorRecipe) -> Path:
    """Train, or go on training; returns the folder that holds `delineator.onnx` and `.safetensors`."""
    folder = recipe.output
    folder.mkdir(parents=True, exist_ok=True)
    _same_recipe(folder, recipe)
    write_whole(folder / "recipe.json", recipe.model_dump_json(indent=1))
    torch.manual_seed(recipe.seed)
    net = Delineator(recipe.widths, recipe.kernels)
    average = {key: value.clone() for key, value in net.state_dict().items()}
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
    begin = _resume(folder, net, average, optimiser)
    real, held, simulated = load_examples(recipe)
    plain = recipe.model_copy(update={"simulated_share": 0.0, "seed": 0, "batch": 4})
    fixed = [_tensors(make_batch(plain, held, [], k)) for k in range(_HELD_BATCHES)] if held else []
    start, recent = time.perf_counter(), []
    for step, batch in enumerate(_batches(recipe, real, simulated, begin), start=begin):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(recipe, step)
        loss = loss_of(net, batch, recipe.p_weight)
        if not torch.isfinite(loss):
            raise ConfigError(f"{recipe.name}: the loss is {loss.item()} at step {step}; lower lr")
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        decay = min(recipe.ema, (step + 1) / (step + 10))
        for key, value in net.state_dict().items():
            if value.is_floating_point():
                average[key].lerp_(value, 1 - decay)
            else:
                average[key].copy_(value)
        recent.append(loss.item())
        if (step + 1) % recipe.save_every == 0 or step + 1 == recipe.steps:
            row = {"step": step + 1, "loss": float(np.mean(recent)), "s": round(time.perf_counter() - start, 1)}
            row |= {"held_out": _held_out(recipe, average, fixed)} if fixed else {}
            recent = []
            with (folder / "log.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            _save(folder, step + 1, net, average, optimiser)
    net.load_state_dict(average)
    export(net, folder)
    return folder


def _same_recipe(folder: Path, recipe: DelineatorRecipe) -> None:
    """Refuse to go on in a folder whose run was begun with other settings; those of where and how often may change."""
    path = folder / "recipe.json"
    if not path.is_file():
        return
    free = {"name", "output", "save_every", "workers"}
    before, now = json.loads(path.read_text(encoding="utf-8")), json.loads(recipe.model_dump_json())
    changed = [key for key in now if key not in free and before.get(key) != now[key]]
    if changed:
        raise ConfigError(f"{folder}: holds a run with other settings ({', '.join(changed)}); choose another output folder")


def _held_out(recipe: DelineatorRecipe, average: dict[str, Tensor], batches: list[dict[str, Tensor]]) -> float:
    net = Delineator(recipe.widths, recipe.kernels)
    net.load_state_dict(average)
    net.eval()
    with torch.no_grad():
        return float(np.mean([loss_of(net, batch, recipe.p_weight).item() for batch in batches]))


def _save(folder: Path, step: int, net: Delineator, average: dict[str, Tensor], optimiser: torch.optim.AdamW) -> None:
    """One safetensors file: weights, averages, moments, step."""
    tensors = {f"net.{key}": value for key, value in net.state_dict().items()}
    tensors |= {f"average.{key}": value for key, value in average.items()}
    for k, state in optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{k}.{name}": torch.as_tensor(value) for name, value in state.items()}
    whole = {key: value.contiguous().clone() for key, value in tensors.items()}
    write_whole(folder / "checkpoint.safetensors", save(whole, metadata={"step": str(step)}))


def _resume(folder: Path, net: Delineator, average: dict[str, Tensor], optimiser: torch.optim.AdamW) -> int:
    """Load the last checkpoint where there is one; returns the step to go on from."""
    path = folder / "checkpoint.safetensors"
    if not path.is_file():
        return 0
    from safetensors import safe_open

    with safe_open(path, "pt") as file:  # type: ignore[no-untyped-call]
        step = int(file.metadata()["step"])
    tensors = load_file(path)
    net.load_state_dict({key[4:]: value for key, value in tensors.items() if key.startswith("net.")})
    for key in average:
        average[key] = tensors[f"average.{key}"]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("adam."):
            _, k, name = key.split(".", 2)
            state.setdefault(int(k), {})[name] = value
    optimiser.load_state_dict(optimiser.state_dict() | {"state": state})
    return step
