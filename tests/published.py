"""Published checkpoints in small, and what they compute, in plain torch from the description of their layout.

Nothing of gem is used here: names, shapes and arithmetic are written down a second time.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

H, LAYERS, HEADS, INNER, VOCABULARY = 64, 2, 4, 96, 400  # the LLM
V, V_LAYERS, PATCH, SIDE = 128, 3, 14, 4  # the image tower, heads of 64
E, E_LAYERS, POSITIONS = 128, 2, 101  # the ECG tower, heads of 64
SYSTEM = "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the human's questions."
State = dict[str, Tensor]


def llm_names(layers: int, h: int = H, inner: int = INNER, rows: int = VOCABULARY) -> dict[str, tuple[int, ...]]:
    out: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (rows, h), "lm_head.weight": (rows, h), "model.norm.weight": (h,)}
    for k in range(layers):
        at = f"model.layers.{k}."
        out |= {f"{at}self_attn.{p}_proj.weight": (h, h) for p in "qkvo"}
        out |= {f"{at}mlp.gate_proj.weight": (inner, h), f"{at}mlp.up_proj.weight": (inner, h), f"{at}mlp.down_proj.weight": (h, inner)}
        out |= {f"{at}input_layernorm.weight": (h,), f"{at}post_attention_layernorm.weight": (h,)}
    return out


def image_names(layers: int, v: int = V) -> dict[str, tuple[int, ...]]:
    at = "model.vision_tower.vision_tower.vision_model."
    out: dict[str, tuple[int, ...]] = {
        f"{at}embeddings.class_embedding": (v,),
        f"{at}embeddings.patch_embedding.weight": (v, 3, PATCH, PATCH),
    }
    out |= {f"{at}embeddings.position_embedding.weight": (SIDE * SIDE + 1, v)}
    for norm in ("pre_layrnorm", "post_layernorm", *(f"encoder.layers.{k}.layer_norm{n}" for k in range(layers) for n in (1, 2))):
        out |= {f"{at}{norm}.weight": (v,), f"{at}{norm}.bias": (v,)}
    for k in range(layers):
        for p in ("q_proj", "k_proj", "v_proj", "out_proj"):
            out |= {f"{at}encoder.layers.{k}.self_attn.{p}.weight": (v, v), f"{at}encoder.layers.{k}.self_attn.{p}.bias": (v,)}
        out |= {f"{at}encoder.layers.{k}.mlp.fc1.weight": (4 * v, v), f"{at}encoder.layers.{k}.mlp.fc1.bias": (4 * v,)}
        out |= {f"{at}encoder.layers.{k}.mlp.fc2.weight": (v, 4 * v), f"{at}encoder.layers.{k}.mlp.fc2.bias": (v,)}
    return out


def tower_names(at: str, first: tuple[int, ...], positions: int, layers: int, width: int) -> dict[str, tuple[int, ...]]:
    """An open_clip transformer: the ECG tower and open_clip's image tower are of one make."""
    out: dict[str, tuple[int, ...]] = {f"{at}class_embedding": (width,), f"{at}positional_embedding": (positions, width)}
    out |= {f"{at}proj": (width, 32), f"{at}conv1.weight": first}
    for norm in ("ln_pre", "ln_post", *(f"transformer.resblocks.{k}.ln_{n}" for k in range(layers) for n in (1, 2))):
        out |= {f"{at}{norm}.weight": (width,), f"{at}{norm}.bias": (width,)}
    for k in range(layers):
        block = f"{at}transformer.resblocks.{k}."
        out |= {f"{block}attn.in_proj_weight": (3 * width, width), f"{block}attn.in_proj_bias": (3 * width,)}
        out |= {f"{block}attn.out_proj.weight": (width, width), f"{block}attn.out_proj.bias": (width,)}
        out |= {f"{block}mlp.c_fc.weight": (4 * width, width), f"{block}mlp.c_fc.bias": (4 * width,)}
        out |= {f"{block}mlp.c_proj.weight": (width, 4 * width), f"{block}mlp.c_proj.bias": (width,)}
    return out


def ecg_names(at: str, layers: int = E_LAYERS) -> dict[str, tuple[int, ...]]:
    return tower_names(at, (E, 12, 50), POSITIONS, layers, E)


def gem_names(layers: int = LAYERS, v_layers: int = V_LAYERS, e_layers: int = E_LAYERS) -> dict[str, tuple[int, ...]]:
    projectors = {"model.mm_projector.0.weight": (H, V), "model.mm_projector.0.bias": (H,), "model.mm_projector.2.weight": (H, H)}
    projectors |= {"model.mm_projector.2.bias": (H,), "model.ecg_projector.weight": (V, E), "model.ecg_projector.bias": (V,)}
    return llm_names(layers) | projectors | image_names(v_layers) | ecg_names("model.ecg_tower.ecg_tower.", e_layers)


def random_state(names: dict[str, tuple[int, ...]], seed: int = 0) -> State:
    make = torch.Generator().manual_seed(seed)
    norm = ("norm", "ln_")
    return {
        name: torch.randn(shape, generator=make) * 0.1 + (1.0 if name.endswith("weight") and any(n in name for n in norm) else 0.0)
        for name, shape in names.items()
    }


CONFIG = {
    "architectures": ["LlavaLlamaForCausalLM"], "model_type": "llava_llama", "hidden_size": H, "intermediate_size": INNER,
    "num_attention_heads": HEADS, "num_key_value_heads": HEADS, "num_hidden_layers": LAYERS, "max_position_embeddings": 4096,
    "mm_vision_select_layer": -2, "mm_vision_select_feature": "patch", "mm_projector_type": "mlp2x_gelu", "ecg_projector_type": "linear",
    "image_aspect_ratio": "ori", "mm_patch_merge_type": "flat", "mm_vision_tower": "openai/clip-vit-large-patch14-336",
    "mm_ecg_tower": "/some/where/cpt_wfep_epoch_20.pt", "tokenizer_model_max_length": 2048,
}  # fmt: skip


def write_checkpoint(folder: Path, state: State, shards: int = 3, **changes: object) -> None:
    """A folder as published: shards, index, config.json, a sentencepiece tokenizer."""
    folder.mkdir(parents=True)
    names, weights = list(state), {}
    for k in range(shards):
        file = f"model-{k + 1:05d}-of-{shards:05d}.safetensors"
        part = {name: state[name].contiguous() for name in names[k::shards]}
        save_file(part, folder / file, metadata={"format": "pt"})
        weights |= dict.fromkeys(part, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weights}))
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    write_tokenizer(folder)


def write_tokenizer(folder: Path) -> None:
    """A tokenizer.model of LLaMA's make (BPE with byte fallback), trained on the template's own words."""
    import sentencepiece

    lines = [
        SYSTEM,
        "USER: ASSISTANT:",
        "Interpret the provided ECG image, identify key features.",
        "sinus rhythm atrial fibrillation",
    ] * 20
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(folder / "tokenizer"), vocab_size=VOCABULARY, model_type="bpe", byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=True, hard_vocab_limit=True, minloglevel=9,
        pad_id=-1, unk_id=0, bos_id=1, eos_id=2, allow_whitespace_only_pieces=True, split_digits=True, character_coverage=1.0,
    )  # fmt: skip
    (folder / "tokenizer.vocab").unlink()
    fields = {"tokenizer_class": "LlamaTokenizer", "legacy": False, "add_bos_token": True, "add_eos_token": False, "bos_token": "<s>"}
    fields |= {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<unk>", "padding_side": "right", "model_max_length": 2048}
    (folder / "tokenizer_config.json").write_text(json.dumps(fields))


def norm(x: Tensor, state: State, at: str) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], state[f"{at}.weight"], state[f"{at}.bias"], 1e-5)


def tower(x: Tensor, state: State, at: str, layers: int, act: str) -> Tensor:
    """Tokens through open_clip blocks, with torch's own multi-head attention."""
    for k in range(layers):
        b = f"{at}transformer.resblocks.{k}."
        y = norm(x, state, f"{b}ln_1").transpose(0, 1)
        y, _ = functional.multi_head_attention_forward(
            y, y, y, x.shape[-1], x.shape[-1] // 64, state[f"{b}attn.in_proj_weight"], state[f"{b}attn.in_proj_bias"], None, None, False, 0.0,
            state[f"{b}attn.out_proj.weight"], state[f"{b}attn.out_proj.bias"], need_weights=False,
        )  # fmt: skip
        x = x + y.transpose(0, 1)
        y = norm(x, state, f"{b}ln_2") @ state[f"{b}mlp.c_fc.weight"].T + state[f"{b}mlp.c_fc.bias"]
        y = y * torch.sigmoid(1.702 * y) if act == "quick_gelu" else 0.5 * y * (1 + torch.erf(y / 2**0.5))
        x = x + y @ state[f"{b}mlp.c_proj.weight"].T + state[f"{b}mlp.c_proj.bias"]
    return x


def ecg_tower(ecg_BLT: Tensor, state: State, at: str, layers: int = E_LAYERS) -> Tensor:
    """[B, 101, E]: 100 patches of 100 ms and the class token, before the last norm."""
    patches = ecg_BLT.unfold(2, 50, 50).permute(0, 2, 1, 3).flatten(2)  # B, 100, 12 * 50
    x = patches @ state[f"{at}conv1.weight"].flatten(1).T
    x = torch.cat([state[f"{at}class_embedding"].expand(len(x), 1, -1), x], dim=1) + state[f"{at}positional_embedding"]
    return tower(norm(x, state, f"{at}ln_pre"), state, at, layers, "gelu")


def open_clip_visual(pixels: Tensor, state: State, at: str, layers: int, act: str) -> Tensor:
    """[B, 1 + patches, V] before the last norm."""
    patch = state[f"{at}conv1.weight"].shape[-1]
    squares = pixels.unfold(2, patch, patch).unfold(3, patch, patch).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)
    x = squares @ state[f"{at}conv1.weight"].flatten(1).T
    x = torch.cat([state[f"{at}class_embedding"].expand(len(x), 1, -1), x], dim=1) + state[f"{at}positional_embedding"]
    return tower(norm(x, state, f"{at}ln_pre"), state, at, layers, act)


def image_tower(pixels: Tensor, state: State, layers: int) -> Tensor:
    """[B, 16, V]: the output of the last block but one, without the class token."""
    at, old = "model.vision_tower.vision_tower.vision_model.", {}
    names = {"embeddings.class_embedding": "class_embedding", "embeddings.position_embedding.weight": "positional_embedding"}
    names |= {
        "embeddings.patch_embedding.weight": "conv1.weight",
        "pre_layrnorm.weight": "ln_pre.weight",
        "pre_layrnorm.bias": "ln_pre.bias",
    }
    for new, name in names.items():
        old[name] = state[at + new]
    for k in range(layers):
        b, o = f"{at}encoder.layers.{k}.", f"transformer.resblocks.{k}."
        for kind in ("weight", "bias"):
            old[f"{o}attn.in_proj_{kind}"] = torch.cat([state[f"{b}self_attn.{p}_proj.{kind}"] for p in "qkv"])
            old[f"{o}attn.out_proj.{kind}"] = state[f"{b}self_attn.out_proj.{kind}"]
            old |= {f"{o}ln_{n}.{kind}": state[f"{b}layer_norm{n}.{kind}"] for n in (1, 2)}
            old |= {f"{o}mlp.c_fc.{kind}": state[f"{b}mlp.fc1.{kind}"], f"{o}mlp.c_proj.{kind}": state[f"{b}mlp.fc2.{kind}"]}
    return open_clip_visual(pixels, old, "", layers - 1, "quick_gelu")[:, 1:]


def shared_projector(x: Tensor, state: State) -> Tensor:
    y = functional.gelu(x @ state["model.mm_projector.0.weight"].T + state["model.mm_projector.0.bias"])
    return y @ state["model.mm_projector.2.weight"].T + state["model.mm_projector.2.bias"]


def visual_block(ecg: Tensor | None, pixels: Tensor | None, state: State) -> Tensor:
    """[B, 101 + 16, H]: the ECG's tokens first, then the picture's, through one projector."""
    parts = []
    if ecg is not None:
        states = ecg_tower(ecg, state, "model.ecg_tower.ecg_tower.")
        parts.append(states @ state["model.ecg_projector.weight"].T + state["model.ecg_projector.bias"])
    if pixels is not None:
        parts.append(image_tower(pixels, state, V_LAYERS))
    return shared_projector(torch.cat(parts, dim=1), state)


def rms(x: Tensor, weight: Tensor) -> Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * weight


def turned(x: Tensor) -> Tensor:
    """Rotary positions, theta 10000, halves paired."""
    length, width = x.shape[-2:]
    angles = torch.arange(length)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
    cos, sin = angles.cos(), angles.sin()
    a, b = x.split(width // 2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


def llama(x: Tensor, state: State) -> Tensor:
    """[B, T, vocabulary] logits of embeddings."""
    b, t, _ = x.shape
    future = torch.full((t, t), float("-inf")).triu(1)
    for k in range(LAYERS):
        at = f"model.layers.{k}."
        y = rms(x, state[f"{at}input_layernorm.weight"])
        q, key, v = ((y @ state[f"{at}self_attn.{p}_proj.weight"].T).view(b, t, HEADS, H // HEADS).transpose(1, 2) for p in "qkv")
        scores = turned(q) @ turned(key).transpose(-1, -2) / (H // HEADS) ** 0.5 + future
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, H)
        x = x + mixed @ state[f"{at}self_attn.o_proj.weight"].T
        y = rms(x, state[f"{at}post_attention_layernorm.weight"])
        gate = functional.silu(y @ state[f"{at}mlp.gate_proj.weight"].T) * (y @ state[f"{at}mlp.up_proj.weight"].T)
        x = x + gate @ state[f"{at}mlp.down_proj.weight"].T
    return rms(x, state["model.norm.weight"]) @ state["lm_head.weight"].T
