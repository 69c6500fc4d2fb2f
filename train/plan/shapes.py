"""The model of a plan without its weights: built on the meta device, so that every parameter is counted as it will be."""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig

from gem.errors import ModelError
from gem.model import GemConfig, GemForConditionalGeneration
from gem.model.build import ModelRecipe, Part, shape
from gem.model.lora import Lora, add_lora
from train.plan.config import Plan

# From the config.json of each published model; so a plan needs no network.
KNOWN: dict[str, dict[str, Any]] = {
    "Qwen/Qwen3-8B": {
        "model_type": "qwen3", "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36, "num_attention_heads": 32,
        "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936, "max_position_embeddings": 40960, "tie_word_embeddings": False,
    },
    "lmsys/vicuna-7b-v1.5": {
        "model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 32, "vocab_size": 32000, "max_position_embeddings": 4096, "tie_word_embeddings": False,
    },
    "openai/clip-vit-large-patch14-336": {
        "model_type": "clip_vision_model", "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24,
        "num_attention_heads": 16, "image_size": 336, "patch_size": 14,
    },
    "google/siglip2-base-patch16-512": {
        "model_type": "siglip_vision_model", "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
        "num_attention_heads": 12, "image_size": 512, "patch_size": 16,
    },
}  # fmt: skip


def build_shape(plan: Plan) -> Any:
    """The model of a plan as it will train, adapters included, on the meta device in the plan's dtype.

    Raises `ModelError` for a model that is neither known here nor at hand.
    """
    dtype = getattr(torch, plan.dtype)
    config = _config(plan.model)
    with torch.device("meta"):
        model = GemForConditionalGeneration(config).to(dtype)
        if plan.learns == "lora":
            model = add_lora(model, Lora(plan.rank, 16, 0.05, plan.ecg_layers, plan.image_layers)).to(dtype)
        elif plan.learns == "projectors":
            _only_projectors(model)
        else:
            _all_but_encoders(model, plan)
    return model.train()


def _config(model: ModelRecipe | str) -> GemConfig:
    if isinstance(model, ModelRecipe):
        return shape(model.model_copy(update={part: _known(getattr(model, part)) for part in ("llm", "vision", "ecg")}))
    if not (Path(model) / "config.json").is_file():
        raise ModelError(f"{model}: no config.json in it; name the folder of a checkpoint, or a recipe of configs/model")
    config = AutoConfig.from_pretrained(model)
    if not isinstance(config, GemConfig):
        raise ModelError(f"{model}: a {config.model_type} model; bring it over with gem convert {model} DEST")
    return config


def _known(part: Part | None) -> Part | None:
    if isinstance(part, str) and part in KNOWN:
        return KNOWN[part]
    return part


def _only_projectors(model: nn.Module) -> None:
    for name, parameter in model.named_parameters():
        parameter.requires_grad = "projector" in name


def _all_but_encoders(model: nn.Module, plan: Plan) -> None:
    if plan.ecg_layers or plan.image_layers:
        raise ModelError("learns: all plans frozen encoders; ecg_layers and image_layers are for learns: lora")
    for name, parameter in model.named_parameters():
        parameter.requires_grad = "encoder" not in name.split(".")[0]
