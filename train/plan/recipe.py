"""A recipe of a stage as a plan: `python -m train --plan configs/train/instruct.yaml gpus=8 gpu_gib=80`."""

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from gem.config import read_yaml
from gem.errors import ConfigError
from train.plan.config import Plan

STAGES = {
    "instruct": ("train.config", "InstructRecipe"),
    "project": ("train.config", "ProjectRecipe"),
    "grpo": ("train.grpo.config", "GrpoRecipe"),
}
OF_THE_PLAN = ("gpus", "gpus_a_node", "gpu_gib", "tokens", "dataset")
"""What a recipe does not say; rows of 2,048 tokens where nobody does."""
_LEARNS = {"lora": "lora", "full": "all", "frozen": "projectors"}


def load_plan(path: str, changes: Sequence[str] = ()) -> Plan:
    """A plan, or the plan of a stage's recipe. Raises `ConfigError`."""
    stage = read_yaml(Path(path)).get("stage")
    if stage is None:
        return Plan.load(path, changes)
    if stage not in STAGES:
        raise ConfigError(f"{path}: stage {stage!r} cannot be planned; {', '.join(STAGES)} can")
    module, kind = STAGES[stage]
    mine = [text for text in changes if text.partition("=")[0] in OF_THE_PLAN]
    recipe = getattr(import_module(module), kind).load(path, [text for text in changes if text not in mine])
    said: dict[str, Any] = dict(text.split("=", 1) for text in mine)
    return plan_of(recipe, **said)


def plan_of(recipe: Any, **said: Any) -> Plan:
    """The plan of a recipe; `said` are fields that only a plan has. Raises `ConfigError` when they do not fit together."""
    gpus = int(said.get("gpus", 1))
    rows = recipe.per_device or max(1, recipe.batch // gpus)
    passes, left = divmod(recipe.batch, rows * gpus)
    if left or not passes:
        raise ConfigError(f"batch {recipe.batch} is no multiple of {rows} rows on each of {gpus} GPUs; change batch, per_device or gpus")
    show, data = recipe.data.show, recipe.data
    fields = {
        "name": recipe.name,
        "model": recipe.model if not isinstance(recipe.model, Path) else str(recipe.model),
        "learns": _LEARNS[getattr(recipe, "llm", "frozen")],
        "quantised": getattr(recipe, "bits", None) == 4,
        "dtype": "bfloat16" if recipe.bf16 else "float32",
        "checkpointing": recipe.checkpointing,
        "rows": rows,
        "accumulation": passes,
        "ecgs": int(show.signal),
        "seconds": data.longest_s,
        "pictures": int(show.pictures != "none"),
        "dataset": _rows(data.train),
    }
    fields |= {name: max(0, getattr(recipe, name, 0)) for name in ("ecg_layers", "image_layers") if fields["learns"] == "lora"}
    fields |= {"rank": recipe.lora.rank} if fields["learns"] == "lora" else {}
    try:
        return Plan.model_validate(fields | _sharding(recipe.deepspeed) | said)
    except ValueError as fault:
        raise ConfigError(f"{recipe.name}: cannot be planned:\n{fault}") from fault


def _sharding(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        zero = json.loads(path.read_text(encoding="utf-8"))["zero_optimization"]
    except (OSError, ValueError, KeyError) as fault:
        raise ConfigError(f"{path}: no DeepSpeed configuration with zero_optimization ({fault})") from fault
    offload = "all" if "offload_param" in zero else "optimizer" if "offload_optimizer" in zero else "none"
    return {"sharding": {2: "zero2", 3: "zero3"}.get(zero.get("stage"), "none"), "offload": offload}


def _rows(files: Any) -> int | None:
    """Rows of an epoch, where all files are there."""
    paths = {Path(name): weight for name, weight in files.items()}
    if not all(path.is_file() and path.suffix == ".jsonl" for path in paths):
        return None
    return max(1, round(sum(weight * _lines(path) for path, weight in paths.items())))


def _lines(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b""))
