"""A new model from parts: any causal LLM of transformers, any CLIP or SigLIP image encoder, an ECG encoder; projectors start fresh."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer, PreTrainedConfig, PreTrainedModel

from gem.config import Config
from gem.errors import ModelError
from gem.files import write_folder
from gem.model.config import EcgConfig, GemConfig, ReaderConfig
from gem.model.ecg_encoder import EcgEncoder
from gem.model.gem import GemForConditionalGeneration
from gem.model.image_encoder import build_image_encoder, check_kind, tokens_of
from gem.model.image_input import ImageInput
from gem.model.processor import GemProcessor
from gem.model.projector import projector
from gem.model.reader import StatementReader
from gem.model.tokenizer import train_tokenizer
from gem.model.tokens import PLAIN_TEMPLATE

Part = str | dict[str, Any]


class ModelRecipe(Config):
    """What a new model is made of. A part is an id or a folder (its weights are taken), or fields of its configuration (random weights).

    llm          a causal LLM
    vision       a CLIP or SigLIP model, or none
    ecg          an ECG encoder, or none; `setting: coca` among the fields begins with the ECG-CoCa ones
    reader       a reader of statements that was trained with the ECG encoder (a folder), or none
    told         what stands before the first question: what was measured, the statements that the reader gives
    picture      fields of `ImageInput`; size and number of features follow from the image encoder
    vision_layer, vision_drop_class, ecg_projector, image_projector, shared_projector  as in `GemConfig`
    longest      tokens of the longest row
    vocabulary   tokens of the tokenizer that is trained where the LLM brings none
    """

    name: str
    llm: Part
    vision: Part | None = None
    ecg: Part | None = None
    reader: str | None = None
    told: tuple[Literal["facts", "reading"], ...] = ()
    picture: dict[str, Any] = Field(default_factory=dict)
    vision_layer: int | None = None
    vision_drop_class: bool = False
    ecg_projector: str = "mlp"
    image_projector: str = "mlp"
    shared_projector: bool = False
    longest: int = Field(default=4096, gt=0)
    vocabulary: int = Field(default=512, ge=300)
    dtype: str = "float32"
    seed: int = 0


def build(recipe: ModelRecipe) -> tuple[GemForConditionalGeneration, GemProcessor]:
    """The model, in evaluation mode, and its processor. Raises `ModelError` for a part that cannot be had or does not fit."""
    torch.manual_seed(recipe.seed)
    dtype = getattr(torch, recipe.dtype)
    tokenizer = _tokenizer(recipe)
    config = shape(recipe, len(tokenizer))
    text, vision, ecg = config.text_config, config.vision_config, config.ecg_config
    with torch.device("meta"):
        model = GemForConditionalGeneration(config)
    model.language_model = _weights(AutoModelForCausalLM, recipe.llm, text, dtype)
    if ecg is not None:
        model.ecg_encoder = _ecg_weights(recipe.ecg, ecg, dtype)
        width = vision.hidden_size if recipe.shared_projector and vision is not None else text.hidden_size
        model.ecg_projector = projector(recipe.ecg_projector, ecg.hidden_size, width).to(dtype)
    if recipe.reader is not None:
        model.reader = _loaded(StatementReader, recipe.reader, dtype=dtype)
    if vision is not None:
        model.image_encoder = _vision_weights(recipe.vision, vision, dtype)
        model.image_projector = projector(recipe.image_projector, vision.hidden_size, text.hidden_size).to(dtype)
    model.generation_config = model.language_model.generation_config
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    ends = model.generation_config.eos_token_id or []
    model.generation_config.eos_token_id = sorted({tokenizer.eos_token_id, *([ends] if isinstance(ends, int) else ends)})
    return model.eval(), make_processor(config, tokenizer, recipe.picture, recipe.longest, recipe.told)


def shape(recipe: ModelRecipe, words: int = 0) -> GemConfig:
    """The configuration of the model of a recipe, without a weight.

    words  tokens of the tokenizer, where it may have more than the LLM embeds

    Raises `ModelError` as `build`.
    """
    text, vision, ecg = _text_config(recipe), _vision_config(recipe.vision), _ecg_config(recipe.ecg)
    beyond = max(words, text.vocab_size)
    return GemConfig(
        text_config=text,
        vision_config=vision,
        ecg_config=ecg,
        reader_config=None if recipe.reader is None else _loaded(ReaderConfig, recipe.reader),
        ecg_token_id=beyond,
        image_token_id=beyond + 1,
        ecg_projector=recipe.ecg_projector,
        image_projector=recipe.image_projector,
        shared_projector=recipe.shared_projector,
        vision_layer=recipe.vision_layer,
        vision_drop_class=recipe.vision_drop_class,
    )


def make_processor(config: GemConfig, tokenizer: Any, picture: dict[str, Any], longest: int, told: Sequence[str] = ()) -> GemProcessor:
    """The processor of a model: how ECGs and pictures are read follows from its encoders.

    picture  what else decides how a picture is fitted (`ImageInput`)
    """
    fields = None
    if config.vision_config is not None:
        tokens = tokens_of(config.vision_config, config.vision_drop_class)
        fields = asdict(ImageInput.of({"size": config.vision_config.image_size, "tokens": tokens} | picture))
    ecg = None if config.ecg_config is None else ecg_fields(config.ecg_config)
    ids = {"ecg": config.ecg_token_id, "image": config.image_token_id}
    return GemProcessor(tokenizer, ecg=ecg, picture=fields, longest=longest, placeholders=ids, told=list(told))


def ecg_fields(config: EcgConfig) -> dict[str, Any]:
    """What decides how a recording is read and how many features it gives."""
    names = ("leads", "fs", "patch", "samples", "longest_s", "layout", "pool", "positions", "class_token", "masked", "resample")
    return {name: getattr(config, name) for name in names}


def _text_config(recipe: ModelRecipe) -> Any:
    if isinstance(recipe.llm, str):
        return _loaded(AutoConfig, recipe.llm).get_text_config()
    fields = dict(recipe.llm)
    return AutoConfig.for_model(fields.pop("model_type", "llama"), **({"vocab_size": recipe.vocabulary} | fields))


def _vision_config(part: Part | None) -> Any:
    if part is None:
        return None
    if isinstance(part, str):
        whole = _loaded(AutoConfig, part)
        config = getattr(whole, "vision_config", whole)
    else:
        fields = dict(part)
        config = AutoConfig.for_model(fields.pop("model_type", "clip_vision_model"), **fields)
    check_kind(config)
    return config


def _ecg_config(part: Part | None) -> EcgConfig | None:
    if part is None:
        return None
    if isinstance(part, str):
        config = _loaded(AutoConfig, part)
        if not isinstance(config, EcgConfig):
            raise ModelError(f"{part}: a {config.model_type}, but an ECG encoder is needed; make one with gem convert")
        return config
    fields = dict(part)
    setting = fields.pop("setting", None)
    if setting not in (None, "coca"):
        raise ModelError(f"ecg.setting {setting!r}: coca is known, or leave it out")
    return EcgConfig.coca(**fields) if setting else EcgConfig(**fields)


def _tokenizer(recipe: ModelRecipe) -> Any:
    if not isinstance(recipe.llm, str):
        return train_tokenizer(recipe.vocabulary)
    tokenizer = _loaded(AutoTokenizer, recipe.llm)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.chat_template = tokenizer.chat_template or PLAIN_TEMPLATE
    return tokenizer


def _weights(kind: Any, part: Part | None, config: PreTrainedConfig, dtype: torch.dtype) -> Any:
    return _loaded(kind, part, dtype=dtype) if isinstance(part, str) else kind.from_config(config, dtype=dtype)


def _vision_weights(part: Part | None, config: PreTrainedConfig, dtype: torch.dtype) -> Any:
    return _loaded(AutoModel, part, config=config, dtype=dtype) if isinstance(part, str) else build_image_encoder(config).to(dtype)


def _ecg_weights(part: Part | None, config: EcgConfig, dtype: torch.dtype) -> EcgEncoder:
    return _loaded(EcgEncoder, part, dtype=dtype) if isinstance(part, str) else EcgEncoder(config).to(dtype)


def _loaded(kind: Any, name: str, **how: Any) -> Any:
    try:
        return kind.from_pretrained(name, **({"use_safetensors": True} if "dtype" in how else {}), **how)
    except (OSError, ValueError) as fault:
        raise ModelError(
            f"{name}: cannot be loaded ({str(fault).splitlines()[0]}); give a folder, or the id of a published model"
        ) from fault


def save(model: PreTrainedModel, processor: GemProcessor, folder: Path) -> None:
    """Model and processor as one folder (safetensors), whole or not at all. Raises `ConfigError` when it is there already."""
    with write_folder(folder) as part:
        model.save_pretrained(part)
        processor.save_pretrained(part)
