"""Published checkpoints by the names of their tensors: what each is called here, and what is left out and why.

Names: LANSG/GEM (840 tensors), PULSE-7B and LLaVA-1.6 (the same without the ECG parts), ECG-CoCa and open_clip (the same block names).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gem.errors import ModelError

_BLOCK = (
    (r"transformer\.resblocks\.(\d+)\.", r"layers.\1."),
    (r"\.ln_1\.", ".norm_1."),
    (r"\.ln_2\.", ".norm_2."),
    (r"\.attn\.in_proj_(weight|bias)", r".attention.in_proj.\1"),
    (r"\.attn\.out_proj\.", ".attention.out_proj."),
    (r"\.mlp\.c_fc\.", ".fc1."),
    (r"\.mlp\.c_proj\.", ".fc2."),
    (r"^class_embedding$", "class_token"),
    (r"^positional_embedding$", "positions"),
    (r"^conv1\.", "patches."),
    (r"^ln_pre\.", "norm_in."),
)
"""Inside an ECG-CoCa encoder -> inside ours."""
_VISION = (
    (r"transformer\.resblocks\.(\d+)\.", r"encoder.layers.\1."),
    (r"\.ln_1\.", ".layer_norm1."),
    (r"\.ln_2\.", ".layer_norm2."),
    (r"\.attn\.in_proj_(weight|bias)", r".self_attn.{q,k,v}_proj.\1"),
    (r"\.attn\.out_proj\.", ".self_attn.out_proj."),
    (r"\.mlp\.c_fc\.", ".mlp.fc1."),
    (r"\.mlp\.c_proj\.", ".mlp.fc2."),
    (r"^class_embedding$", "embeddings.class_embedding"),
    (r"^positional_embedding$", "embeddings.position_embedding.weight"),
    (r"^conv1\.", "embeddings.patch_embedding."),
    (r"^ln_pre\.", "pre_layrnorm."),
    (r"^ln_post\.", "post_layernorm."),
)
"""Inside an open_clip vision transformer -> inside a CLIPVisionModel of transformers."""
_LLAVA = (
    (r"^model\.(embed_tokens|layers|norm)\.", r"language_model.model.\1."),
    (r"^lm_head\.", "language_model.lm_head."),
    (r"^model\.mm_projector\.", "image_projector."),
    (r"^model\.ecg_projector\.(\d)\.", r"ecg_projector.\1."),
    (r"^model\.ecg_projector\.(weight|bias)$", r"ecg_projector.0.\1"),
    (r"^model\.vision_tower\.vision_tower\.vision_model\.", "image_encoder."),
)
_UNUSED = "not used: features are taken before the last norm and the projection"
_ECG_DROPPED = ((r"^(ln_post\.(weight|bias)|proj)$", _UNUSED),)
_LLAVA_DROPPED = ((r"^model\.image_newline$", "not used: picture features are joined flat"),)
_TEXT_TOWER = (
    r"^(text|text_decoder|transformer|token_embedding|ln_final|text_projection|logit_scale|logit_bias|positional_embedding|cls_emb)(\.|$)",
    "not used: the text side of contrastive training",
)
THREE = "{q,k,v}"
"""In a new name: the tensor is three, stacked in its rows."""


@dataclass(frozen=True)
class Layout:
    """One kind of published checkpoint.

    name    as users know it
    makes   "model", "ecg encoder" or "image encoder"
    prefix  every name that matters begins with it
    """

    name: str
    makes: str
    prefix: str = ""


GEM = Layout("GEM", "model")
LLAVA = Layout("PULSE or LLaVA", "model")
ECG_COCA = Layout("ECG-CoCa", "ecg encoder", "ecg.")
OPEN_CLIP = Layout("open_clip", "image encoder", "visual.")


@dataclass(frozen=True)
class Names:
    """old -> new name, old -> why it is dropped, and names that nothing is known of."""

    layout: Layout
    renamed: dict[str, str]
    dropped: dict[str, str]
    unknown: list[str]


def recognise(names: Iterable[str]) -> Names:
    """Sort the names of a checkpoint. Raises `ModelError` when it is none of those known here."""
    all_names = list(names)
    layout = _layout_of(all_names)
    renamed, dropped, unknown = {}, {}, []
    for name in all_names:
        new, why = _new_name(name, layout)
        if new:
            renamed[name] = new
        elif why:
            dropped[name] = why
        else:
            unknown.append(name)
    return Names(layout, renamed, dropped, unknown)


def _layout_of(names: list[str]) -> Layout:
    bare = [name.removeprefix("module.") for name in names]
    if any(name.startswith("model.ecg_tower.") for name in names):
        return GEM
    if any(name.startswith("model.mm_projector.") for name in names):
        return LLAVA
    if "ecg.conv1.weight" in bare:
        return ECG_COCA
    if "visual.conv1.weight" in bare:
        return OPEN_CLIP
    shown = ", ".join(names[:3]) or "nothing"
    raise ModelError(
        f"a checkpoint of another make: {len(names)} tensors, {shown} ...; GEM, PULSE, LLaVA, ECG-CoCa and open_clip are known"
    )


def _new_name(name: str, layout: Layout) -> tuple[str, str]:
    """(new name, "") or ("", why it is dropped) or ("", "") for an unknown one."""
    if layout.makes == "model":
        ecg = name.removeprefix("model.ecg_tower.ecg_tower.")
        if ecg != name:
            new, why = _applied(ecg, _BLOCK, _ECG_DROPPED)
            return (f"ecg_encoder.{new}" if new else ""), why
        return _applied(name, _LLAVA, _LLAVA_DROPPED)
    inner = name.removeprefix("module.")
    if not inner.startswith(layout.prefix):
        return "", _TEXT_TOWER[1] if re.match(_TEXT_TOWER[0], inner) else ""
    rules, dropped = (_BLOCK, _ECG_DROPPED) if layout is ECG_COCA else (_VISION, ((r"^proj$", _UNUSED),))
    return _applied(inner.removeprefix(layout.prefix), rules, dropped)


def _applied(name: str, rules: tuple[tuple[str, str], ...], dropped: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    for pattern, why in dropped:
        if re.search(pattern, name):
            return "", why
    new = name
    for pattern, to in rules:
        new = re.sub(pattern, to, new)
    return (new, "") if new != name else ("", "")


def split(new: str) -> list[str]:
    """The names of a new tensor: three where it is stacked."""
    return [new.replace(THREE, part) for part in "qkv"] if THREE in new else [new]
