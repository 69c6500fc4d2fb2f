"""Stage `instruct`: the LLM's adapters (or all of it), the projectors, and where asked for encoder layers, on conversations."""

from pathlib import Path
from typing import Any

from transformers import AutoModelForImageTextToText, AutoProcessor

import gem.model  # registers the classes
from gem.errors import ModelError
from gem.model.build import ModelRecipe, build, save
from gem.model.lora import Lora, add_lora, count_parameters, load_adapter, table
from gem.model.quiet import quiet
from train.config import InstructRecipe
from train.tuning import World, tune


def run(recipe: InstructRecipe) -> int:
    """Train; the run folder then holds `adapters/` (llm: lora) or `model/`. Returns how many rows could not be used."""
    quiet()
    return tune(recipe, lambda: _learner(recipe))


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
        raise ModelError(
            f"{folder}: cannot be loaded ({str(fault).splitlines()[0]}); name a folder that gem convert or training made"
        ) from fault
    if not isinstance(loaded, gem.model.GemForConditionalGeneration):
        raise ModelError(f"{folder}: a {loaded.config.model_type} model; bring it over with gem convert, or name it in a model recipe")
    return loaded, processor


def _learner(recipe: InstructRecipe) -> tuple[Any, Any, str, Any]:
    model, processor = base_model(recipe.model, recipe.output, World.here().main, dtype="float32")
    layers = {"ecg_layers": recipe.ecg_layers, "image_layers": recipe.image_layers}
    if recipe.llm == "lora":
        lora = recipe.lora
        if recipe.adapters is not None:
            learner = load_adapter(model, recipe.adapters, trainable=True)
        else:
            learner = add_lora(model, Lora(lora.rank, lora.alpha, lora.dropout, **layers))
        return learner, processor, _architecture(model, f"lora {lora.rank}"), lambda trainer: _save_adapters(trainer, processor, recipe)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = "_projector" in name or (recipe.llm == "full" and name.startswith("language_model."))
    return model, processor, _architecture(model, recipe.llm), lambda trainer: _save_model(trainer, processor, recipe)


def _architecture(model: Any, learns: str) -> str:
    """What a checkpoint must agree on: kind and number of weights, and what learns."""
    parts = count_parameters(model)
    return f"{type(model).__name__} of {parts[-1].trained + parts[-1].frozen:,} weights, {learns}"


def _save_adapters(trainer: Any, processor: Any, recipe: InstructRecipe) -> None:
    target = recipe.output / "adapters"
    trainer.save_model(str(target))
    (target / "training_args.bin").unlink(missing_ok=True)  # a pickle, of no use to who loads it
    trainer.accelerator.wait_for_everyone()


def _save_model(trainer: Any, processor: Any, recipe: InstructRecipe) -> None:
    target = recipe.output / "model"
    trainer.save_model(str(target))
    (target / "training_args.bin").unlink(missing_ok=True)
    trainer.accelerator.wait_for_everyone()


__all__ = ["base_model", "run", "table"]
