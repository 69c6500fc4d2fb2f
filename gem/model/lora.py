"""Adapters: low-rank updates of the LLM, both projectors trained whole, encoder layers unfrozen on request. The only door to peft.

model = load_adapter(AutoModelForImageTextToText.from_pretrained(BASE), ADAPTER)
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from gem.errors import ModelError
from gem.model.gem import GemForConditionalGeneration

PROJECTORS = ("ecg_projector", "image_projector")
_ENCODERS = {"ecg_encoder": "layers", "image_encoder": "encoder.layers"}


@dataclass(frozen=True)
class Lora:
    """What learns.

    rank, alpha, dropout  of the updates; every linear layer of the LLM but its head gets one
    ecg_layers, image_layers  how many of the last layers of an encoder learn too
    """

    rank: int = 64
    alpha: int = 16
    dropout: float = 0.05
    ecg_layers: int = 0
    image_layers: int = 0


def add_lora(model: GemForConditionalGeneration, settings: Lora | None = None) -> Any:
    """The model with adapters to train; everything else is frozen. Saved, they hold the projectors and the unfrozen layers too.

    Raises `ModelError` when more layers are to be unfrozen than there are.
    """
    lora = settings or Lora()
    whole = [name for name in PROJECTORS if hasattr(model, name)]
    whole += last_layers(model, "ecg_encoder", lora.ecg_layers) + last_layers(model, "image_encoder", lora.image_layers)
    targets = [
        f"language_model.{name}"
        for name, module in model.language_model.named_modules()
        if isinstance(module, nn.Linear) and module is not model.get_output_embeddings()
    ]
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        modules_to_save=whole,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def last_layers(model: nn.Module, encoder: str, count: int) -> list[str]:
    """Names of the last `count` layers of an encoder."""
    if count == 0:
        return []
    if not hasattr(model, encoder):
        raise ModelError(f"{count} layers of the {encoder} are to learn, but this model has none")
    layers = model.get_submodule(f"{encoder}.{_ENCODERS[encoder]}")
    total = len(list(layers.children()))
    if not 0 < count <= total:
        raise ModelError(f"{count} layers of the {encoder} are to learn, but it has {total}")
    return [f"{encoder}.{_ENCODERS[encoder]}.{k}" for k in range(total - count, total)]


def load_adapter(model: GemForConditionalGeneration, folder: str | Path, trainable: bool = False) -> Any:
    """A base model with saved adapters, projectors and unfrozen layers. Raises `ModelError` when they are another model's."""
    if not (Path(folder) / "adapter_config.json").is_file():
        raise ModelError(f"{folder}: no adapter_config.json in it; name the folder that training saved")
    try:
        return PeftModel.from_pretrained(model, str(folder), is_trainable=trainable)
    except (RuntimeError, ValueError) as fault:
        raise ModelError(
            f"{folder}: the adapters do not fit this model ({str(fault).splitlines()[0]}); name the base they were trained on"
        ) from fault


def merge(adapted: Any) -> GemForConditionalGeneration:
    """The plain model with the updates added to its weights; save it like any other."""
    return adapted.merge_and_unload()


@dataclass(frozen=True)
class Count:
    """Parameters of one part."""

    part: str
    trained: int
    frozen: int


def count_parameters(model: nn.Module) -> list[Count]:
    """One line a part of the model, then all together."""
    parts: dict[str, list[int]] = {}
    for name, parameter in model.named_parameters():
        part = next((p for p in (*_ENCODERS, *PROJECTORS, "language_model") if f"{p}." in name), "other")
        part = f"{part} (LoRA)" if "lora_" in name else part
        if ".original_module." in name:
            continue
        parts.setdefault(part, [0, 0])[0 if parameter.requires_grad else 1] += parameter.numel()
    rows = [Count(part, *both) for part, both in parts.items()]
    return [*rows, Count("all", sum(row.trained for row in rows), sum(row.frozen for row in rows))]


def table(counts: list[Count]) -> str:
    """The counts as aligned text."""
    total = max(1, counts[-1].trained + counts[-1].frozen)
    lines = [f"{'part':<24}{'trained':>16}{'frozen':>16}{'share':>8}"]
    lines += [f"{row.part:<24}{row.trained:>16,}{row.frozen:>16,}{(row.trained + row.frozen) / total:>8.1%}" for row in counts]
    return "\n".join(lines)
