"""The image encoder: any CLIP or SigLIP vision model of transformers, and which of its outputs are the features."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedConfig

from gem.errors import ModelError

KINDS = ("clip_vision_model", "siglip_vision_model")


def build_image_encoder(config: PreTrainedConfig) -> nn.Module:
    """Random weights, of torch's default dtype (`from_pretrained` sets it). Raises `ModelError` as `check_kind`."""
    check_kind(config)
    encoder: nn.Module = AutoModel.from_config(config, dtype=torch.get_default_dtype())
    return encoder


def check_kind(config: PreTrainedConfig) -> None:
    """Raises `ModelError` for a model that is no CLIP or SigLIP vision model."""
    if config.model_type not in KINDS:
        raise ModelError(f"{config.model_type} is no image encoder known here; choose a {' or a '.join(KINDS)}")


# Shape suffixes: P pictures (tiles count singly), C colours, S pixels, K tokens, H width.
def image_features(encoder: nn.Module, pixels_PCSS: Tensor, layer: int | None, drop_class: bool) -> Tensor:
    """[P, K, H] features of pictures.

    layer       index into the hidden states (0 the embeddings, -1 the last block, not normalised), or None for the normalised output
    drop_class  leave out the first token
    """
    weights = next(encoder.parameters())
    if layer is None:
        out: Any = encoder(pixels_PCSS.to(weights.dtype)).last_hidden_state
    else:
        out = encoder(pixels_PCSS.to(weights.dtype), output_hidden_states=True).hidden_states[layer]
    features: Tensor = out[:, 1:] if drop_class else out
    return features


def tokens_of(config: Any, drop_class: bool) -> int:
    """How many features one picture gives."""
    patches = (config.image_size // config.patch_size) ** 2
    has_class = config.model_type == "clip_vision_model"
    return int(patches + has_class - drop_class)
