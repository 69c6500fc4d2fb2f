"""Stage `merge`: adapters and their base -> a plain model folder with its processor."""

import json
from pathlib import Path

import torch
from transformers import AutoProcessor

from gem.errors import ModelError
from gem.model.build import save
from gem.model.lora import load_adapter, merge
from gem.model.quiet import quiet
from train.config import MergeRecipe
from train.instruct import base_model


def run(recipe: MergeRecipe) -> int:
    """Write `output`, whole or not at all; returns 0. Raises `ModelError` when the base is not the one the adapters were trained on."""
    quiet()
    base = recipe.model or _base_of(recipe.adapters)
    dtype = None if recipe.dtype is None else getattr(torch, recipe.dtype)
    model, _ = base_model(base, recipe.output, True, dtype=torch.float32 if recipe.whole else dtype or "auto")
    plain = merge(load_adapter(model, recipe.adapters))
    if recipe.whole and dtype is not None:
        for name, parameter in plain.named_parameters():
            if not name.startswith(recipe.whole):
                parameter.data = parameter.data.to(dtype)
    for part in ("text_config", "ecg_config", "vision_config"):
        if getattr(plain.config, part, None) is not None:
            getattr(plain.config, part)._name_or_path = ""  # folders of the machine that trained it
    save(plain, AutoProcessor.from_pretrained(recipe.adapters), recipe.output)
    return 0


def _base_of(adapters: Path) -> Path:
    """The base that adapters name. Raises `ModelError` when they name none that is there."""
    path = adapters / "adapter_config.json"
    if not path.is_file():
        raise ModelError(f"{adapters}: no adapter_config.json in it; name the folder that training saved")
    named = json.loads(path.read_text(encoding="utf-8")).get("base_model_name_or_path")
    if not named or not Path(named).is_dir():
        raise ModelError(f"{adapters}: its base ({named}) is not there; name it with model=FOLDER")
    return Path(named)
