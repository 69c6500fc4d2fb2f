"""Stage `instruct`: the LLM's adapters (or all of it), the projectors, and where asked for encoder layers, on conversations."""

from pathlib import Path
from typing import Any

from transformers import AutoModelForImageTextToText, AutoProcessor, TrainingArguments

import gem.model  # registers the classes
from gem.errors import ModelError
from gem.infer.engine import quantised
from gem.model.build import ModelRecipe, build, save
from gem.model.lora import Lora, add_lora, count_parameters, last_layers, load_adapter
from gem.model.quiet import quiet
from train.config import InstructRecipe
from train.data.index import Rows
from train.settings import World
from train.tuning import Learner, tune


def run(recipe: InstructRecipe) -> int:
    """Train; the run folder then holds `adapters/` (llm: lora) or `model/`. Returns how many rows could not be used."""
    quiet()
    return tune(recipe, lambda rows, how: learner_of(recipe, rows, how))


def base_model(model: ModelRecipe | Path, output: Path, main: bool, **how: Any) -> tuple[Any, Any]:
    """A model and its processor; a recipe is built once, into the run folder.

    Raises `ModelError` when it cannot be loaded or is of another make.
    """
    folder = model if isinstance(model, Path) else output / "base"
    if isinstance(model, ModelRecipe) and not (folder / "config.json").is_file() and main:
        save(*build(model), folder)
    try:
        loaded = AutoModelForImageTextToText.from_pretrained(folder, use_safetensors=True, **how)
        processor = AutoProcessor.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as fault:
        why = str(fault).splitlines()[0]
        raise ModelError(f"{folder}: cannot be loaded ({why}); name a folder that gem convert or training made") from fault
    if not isinstance(loaded, gem.model.GemForConditionalGeneration):
        raise ModelError(f"{folder}: a {loaded.config.model_type} model; bring it over with gem convert, or name it in a model recipe")
    return loaded, processor


def learner_of(recipe: InstructRecipe, rows: list[Rows], how: TrainingArguments) -> Learner:
    half = recipe.bf16 and recipe.llm == "lora" and recipe.deepspeed is None  # DeepSpeed casts by itself, and keeps what learns in float32
    settings: dict[str, Any] = {"dtype": "bfloat16" if half else "float32"}
    if recipe.bits is not None:
        settings |= {"quantization_config": quantised(recipe.bits), "device_map": {"": how.device}}
    model, processor = base_model(recipe.model, recipe.output, World.here().main, **settings)
    kind = "states" if recipe.data.features == "cached" else "values"
    show = recipe.data.show
    model.always = {"ECG": kind} if show.signal and processor.ecg is not None else {}
    model.always |= {"image": kind} if show.pictures != "none" and processor.picture is not None else {}
    if recipe.llm == "lora":
        lora = recipe.lora
        if recipe.adapters is not None:
            learner = load_adapter(model, recipe.adapters, trainable=True)
        else:
            ecg, image = _count(model, "ecg_encoder", recipe.ecg_layers), _count(model, "image_encoder", recipe.image_layers)
            learner = add_lora(model, Lora(lora.rank, lora.alpha, lora.dropout, ecg, image))
        for parameter in learner.parameters():
            parameter.data = parameter.data.float() if half and parameter.requires_grad else parameter.data
        return Learner(learner, processor, _architecture(learner, f"lora {lora.rank}"), "adapters")
    learns = ["language_model."] if recipe.llm == "full" else []
    for encoder, layers in (("ecg_encoder", recipe.ecg_layers), ("image_encoder", recipe.image_layers)):
        learns += [f"{encoder}."] if layers < 0 else [f"{name}." for name in last_layers(model, encoder, layers)]
    for name, parameter in model.named_parameters():
        parameter.requires_grad = "_projector." in name or name.startswith(tuple(learns))
    return Learner(model, processor, _architecture(model, recipe.llm), "model")


def _count(model: Any, encoder: str, layers: int) -> int:
    """-1: all layers that there are (adapters keep whole layers, not what lies before and behind them)."""
    return layers if layers >= 0 else len(model.get_submodule(f"{encoder}.{'layers' if encoder == 'ecg_encoder' else 'encoder.layers'}"))


def _architecture(model: Any, learns: str) -> str:
    """Kind and number of the weights, and what learns."""
    count = count_parameters(model)[-1]
    return f"{learns}: {count.trained:,} of {count.trained + count.frozen:,} weights learn"
