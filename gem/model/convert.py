"""Published weights -> a folder of ours, name by name, one source file in memory at a time."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoTokenizer, CLIPVisionConfig, GenerationConfig, LlamaConfig, PreTrainedConfig

from gem.errors import ModelError
from gem.files import write_folder
from gem.model.build import make_processor
from gem.model.config import EcgConfig, GemConfig
from gem.model.ecg_encoder import EcgEncoder
from gem.model.gem import GemForConditionalGeneration
from gem.model.image_encoder import build_image_encoder
from gem.model.layouts import ECG_COCA, THREE, Names, recognise, split
from gem.model.processor import GemProcessor
from gem.model.source import INDEX, Source, open_source
from gem.model.tokens import VICUNA_TEMPLATE

_HEAD = 64
"""Width of an attention head, in CLIP and in ECG-CoCa."""
_CLIP_L = {"width": 1024, "patch": 14, "image": 336, "inner": 4096}
_ECG_BASE = {"width": 768, "patch": 50, "leads": 12, "inner": 3072}
"""Sizes of the published encoders, where only an index tells of them."""


@dataclass(frozen=True)
class Plan:
    """What a conversion does.

    config   of what comes out
    missing  names that should be there and are not
    misfits  tensors whose shape is not that of the configuration
    """

    source: Source
    names: Names
    config: PreTrainedConfig
    missing: list[str]
    misfits: list[str]

    @property
    def whole(self) -> bool:
        return not (self.names.unknown or self.missing or self.misfits)

    def lines(self) -> list[str]:
        """The plan in words."""
        groups = Counter(new.split(".")[0] if self.names.layout.makes == "model" else "tensors" for new in self.names.renamed.values())
        reasons = Counter(self.names.dropped.values())
        out = [f"{self.source.path}: {self.names.layout.name}, {len(self.source.names)} tensors in {len(self.source.files)} files"]
        out += [f"  {count:4d} -> {group}" for group, count in groups.items()]
        for why, count in reasons.items():
            dropped = ", ".join(name for name, reason in self.names.dropped.items() if reason == why)
            out.append(f"  {count:4d} dropped, {why}: {dropped if len(dropped) < 200 else dropped[:200] + ' ...'}")
        faults = {"unknown": self.names.unknown, "missing": self.missing, "of another shape": self.misfits}
        out += [f"  {len(names):4d} {what}: {', '.join(names)}" for what, names in faults.items() if names]
        shapes = "not looked at: only the index is there" if not self.source.shapes else "all fit" if not self.misfits else "do not all fit"
        return [*out, f"  shapes {shapes}"]


def plan(path: Path, quick_gelu: bool = False) -> Plan:
    """Look at a checkpoint without reading its tensors.

    quick_gelu  of an open_clip image encoder that OpenAI trained

    Raises `ModelError` when it is none known here.
    """
    source = open_source(path)
    names = recognise(source.names)
    config = _config_of(source, names, "quick_gelu" if quick_gelu else "gelu")
    ours = {name: tuple(tensor.shape) for name, tensor in _empty(config).state_dict().items()}
    made = {part: old for old, new in names.renamed.items() for part in split(new)}
    unknown = [*names.unknown, *sorted({old for part, old in made.items() if part not in ours})]
    looked_at = [(old, part) for part, old in made.items() if part in ours and old in source.shapes]
    misfits = [old for old, part in looked_at if _misfit(source.shapes[old], ours[part], THREE in names.renamed[old])]
    names = Names(names.layout, names.renamed, names.dropped, unknown)
    return Plan(source, names, config, sorted(set(ours) - set(made)), misfits)


def convert(path: Path, folder: Path, dtype: str | None = None, quick_gelu: bool = False) -> Plan:
    """Write what `plan` found; the folder appears when it is whole.

    dtype       of the new weights ("bfloat16", ...); None keeps that of the old
    quick_gelu  as for `plan`

    Raises `ModelError` when names or shapes do not fit, `ConfigError` when the folder is there already.
    """
    found = plan(path, quick_gelu)
    if not found.source.shapes:
        raise ModelError(f"{path}: an index holds no tensors; name the folder, or look only with --dry-run")
    if not found.whole:
        raise ModelError("\n".join(["not converted, because names or shapes do not fit", *found.lines()]))
    kind = getattr(torch, dtype) if dtype else None
    with write_folder(folder) as part:
        _write_weights(found, part, kind)
        _write_settings(found, part, kind)
    return found


def _write_weights(found: Plan, folder: Path, dtype: torch.dtype | None) -> None:
    """One new file for each old one, and the index."""
    count, total = len(found.source.files), 0
    weights: dict[str, str] = {}
    for number, file in enumerate(found.source.files, start=1):
        name = "model.safetensors" if count == 1 else f"model-{number:05d}-of-{count:05d}.safetensors"
        tensors = {new: t.to(dtype or t.dtype).contiguous() for old, t in found.source.tensors(file) for new, t in _parts(found, old, t)}
        save_file(tensors, folder / name, metadata={"format": "pt"})
        weights |= dict.fromkeys(tensors, name)
        total += sum(tensor.nbytes for tensor in tensors.values())
    if count > 1:
        (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": weights}, indent=1), encoding="utf-8")


def _parts(found: Plan, old: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """A tensor under its new name; queries, keys and values under three."""
    new = found.names.renamed.get(old)
    if new is not None:
        yield from zip(split(new), tensor.chunk(3) if THREE in new else [tensor], strict=True)


def _write_settings(found: Plan, folder: Path, dtype: torch.dtype | None) -> None:
    found.config.architectures = [type(_empty(found.config)).__name__]
    found.config.dtype = dtype or next(found.source.tensors(next(iter(found.source.files))))[1].dtype
    found.config.save_pretrained(folder)
    if isinstance(found.config, GemConfig):
        _processor(found.source, found.config).save_pretrained(folder)
        GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=0).save_pretrained(folder)


def _processor(source: Source, config: GemConfig) -> GemProcessor:
    """The tokenizer of the checkpoint, its conversation form, and how its pictures were fitted."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.path)
    except (OSError, ValueError) as fault:
        raise ModelError(f"{source.path}: no tokenizer in it (tokenizer.model); download it with the weights") from fault
    tokenizer.chat_template = VICUNA_TEMPLATE
    tokenizer.pad_token = tokenizer.unk_token
    longest = source.config.get("tokenizer_model_max_length") or config.text_config.max_position_embeddings
    return make_processor(config, tokenizer, _picture(source.config, config.vision_config.image_size), longest)


def _picture(fields: dict[str, Any], size: int) -> dict[str, Any]:
    """`ImageInput` as the checkpoint was trained; LLaVA's words: "ori" crops, "pad" letterboxes, "anyres" tiles. GEM saw 12 x 1 pages."""
    how = fields.get("image_aspect_ratio", "ori")
    if how == "anyres":
        grids = [[width // size, height // size] for width, height in fields.get("image_grid_pinpoints", [[2 * size, 2 * size]])]
        return {"fit": "tile", "grids": grids, "overview": "squash", "fill": [0, 0, 0]}
    return {"fit": "letterbox", "fill": [122, 116, 104]} if how == "pad" else {"fit": "crop", "page": "12x1"}


def _empty(config: PreTrainedConfig) -> nn.Module:
    """The model without memory for its weights."""
    with torch.device("meta"):
        if isinstance(config, GemConfig):
            return GemForConditionalGeneration(config)
        return EcgEncoder(config) if isinstance(config, EcgConfig) else build_image_encoder(config)


def _misfit(old: tuple[int, ...], new: tuple[int, ...], stacked: bool) -> bool:
    return old != ((3 * new[0], *new[1:]) if stacked else new)


def _config_of(source: Source, names: Names, act: str) -> PreTrainedConfig:
    if names.layout is ECG_COCA:
        return _ecg_config(source, names, "")
    if names.layout.makes == "image encoder":
        return _vision_config(source, names, "", act)
    old = source.config
    return GemConfig(
        text_config=_text_config(source, names),
        vision_config=_vision_config(source, names, "image_encoder.", "quick_gelu"),
        ecg_config=_ecg_config(source, names, "ecg_encoder."),
        ecg_token_id=_rows(source, "model.embed_tokens.weight", 32000),
        image_token_id=_rows(source, "model.embed_tokens.weight", 32000) + 1,
        ecg_projector="linear" if "ecg_projector.2.weight" not in names.renamed.values() else "mlp",
        shared_projector=any(new.startswith("ecg_encoder.") for new in names.renamed.values()),
        vision_layer=old.get("mm_vision_select_layer", -2),
        vision_drop_class=old.get("mm_vision_select_feature", "patch") == "patch",
    )


def _text_config(source: Source, names: Names) -> LlamaConfig:
    """The LLM's own fields of config.json; LLaMA-2-7B's where it says nothing."""
    kept = (
        "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "max_position_embeddings", "rms_norm_eps",
        "rope_theta", "vocab_size", "attention_bias",
    )  # fmt: skip
    seven_b = {"rms_norm_eps": 1e-5, "max_position_embeddings": 4096, "vocab_size": _rows(source, "model.embed_tokens.weight", 32000)}
    fields = seven_b | {name: source.config[name] for name in kept if name in source.config}
    layers = _layers(names, "language_model.model.layers.")
    return LlamaConfig(**fields, num_hidden_layers=layers, bos_token_id=1, eos_token_id=2, pad_token_id=0, tie_word_embeddings=False)


def _vision_config(source: Source, names: Names, prefix: str, act: str) -> CLIPVisionConfig:
    width, _, patch = _shape(source, names, f"{prefix}embeddings.patch_embedding.weight", (_CLIP_L["width"], 3, _CLIP_L["patch"]))[:3]
    side = _CLIP_L["image"] // _CLIP_L["patch"]
    positions = _shape(source, names, f"{prefix}embeddings.position_embedding.weight", (side * side + 1,))[0]
    inner = _shape(source, names, f"{prefix}encoder.layers.0.mlp.fc1.weight", (_CLIP_L["inner"],))[0]
    return CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=_layers(names, f"{prefix}encoder.layers."),
        num_attention_heads=max(1, width // _HEAD),
        image_size=round((positions - 1) ** 0.5) * patch,
        patch_size=patch,
        hidden_act=act,
    )


def _ecg_config(source: Source, names: Names, prefix: str) -> EcgConfig | None:
    if not any(new.startswith(f"{prefix}patches.") for new in names.renamed.values()):
        return None
    base = (_ECG_BASE["width"], _ECG_BASE["leads"], _ECG_BASE["patch"])
    width, leads, patch = _shape(source, names, f"{prefix}patches.weight", base)
    positions = _shape(source, names, f"{prefix}positions", (101,))[0]
    inner = _shape(source, names, f"{prefix}layers.0.fc1.weight", (_ECG_BASE["inner"],))[0]
    if leads != len(EcgConfig().leads):
        raise ModelError(f"{source.path}: an ECG encoder of {leads} leads, but 12 are needed")
    return EcgConfig.coca(
        hidden_size=width,
        patch=patch,
        samples=(positions - 1) * patch,
        intermediate_size=inner,
        num_hidden_layers=_layers(names, f"{prefix}layers."),
        num_attention_heads=max(1, width // _HEAD),
    )


def _layers(names: Names, prefix: str) -> int:
    numbers = [int(new.removeprefix(prefix).split(".")[0]) for new in names.renamed.values() if new.startswith(prefix)]
    return max(numbers, default=-1) + 1


def _shape(source: Source, names: Names, new: str, otherwise: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of the tensor that becomes `new`, or the published one where no shapes are known."""
    old = next((old for old, name in names.renamed.items() if name == new), None)
    return source.shapes.get(old, otherwise) if old is not None else otherwise


def _rows(source: Source, name: str, otherwise: int) -> int:
    return source.shapes[name][0] if name in source.shapes else otherwise
