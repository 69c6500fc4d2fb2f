"""What the stages on transformers' Trainer share: data and model in, a trained model out, exactly resumable."""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import TrainingArguments, set_seed

from gem.errors import ConfigError
from gem.files import data_folder
from gem.model.processor import GemProcessor
from train.config import Tuning
from train.data.collate import Collate
from train.data.examples import Examples, Maker, Sources, gather_failures
from train.data.index import Rows
from train.data.order import Order
from train.data.signals import write_failed
from train.launch import loading
from train.progress import Progress
from train.run_folder import begin, last_checkpoint
from train.settings import World, train_on, usual
from train.sources import hashes, opened, prepared, readings_of
from train.stop import StopWhenAsked
from train.trainer import GemTrainer
from train.validate import Validator

_USUAL_FS = 500.0


@dataclass(frozen=True)
class Learner:
    """A model with what learns set, and its processor.

    architecture  what a checkpoint must agree on, in words
    result        folder in the run folder that the trained model is saved to
    everything    the words of the user count in the loss too
    """

    model: Any
    processor: GemProcessor
    architecture: str
    result: str
    everything: bool = False


Build = Callable[[list[Rows], TrainingArguments], Learner]


def arguments(recipe: Tuning, world: World, steps: int) -> TrainingArguments:
    """The Trainer's own settings. Raises `ConfigError` when the batch does not divide among the processes."""
    per_device = recipe.per_device or max(1, recipe.batch // world.size)
    accumulation, left = divmod(recipe.batch, per_device * world.size)
    if left or not accumulation:
        raise ConfigError(
            f"batch {recipe.batch} is no multiple of {per_device} rows on each of {world.size} processes; change batch or per_device"
        )
    missing = [name for name in recipe.report_to if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"report_to: {', '.join(missing)} is not installed; pip install -c constraints.txt {' '.join(missing)}, or leave it out"
        )
    every, best = recipe.validation.every, recipe.validation.best
    return TrainingArguments(
        **usual(recipe, world, steps, per_device, recipe.data.workers, every, recipe.deepspeed is not None),
        gradient_accumulation_steps=accumulation,
        bf16=recipe.bf16,
        activation_checkpointing=recipe.checkpointing,
        torch_compile=recipe.compile,
        deepspeed=None if recipe.deepspeed is None else str(recipe.deepspeed),
        ddp_find_unused_parameters=True if world.size > 1 else None,  # a batch may be without pictures
        load_best_model_at_end=best is not None,
        metric_for_best_model=f"eval_{best}" if best else None,
        greater_is_better=best == "supported" if best else None,
        report_to=list(recipe.report_to),
    )


def tune(recipe: Tuning, build: Build) -> int:
    """Train to the end, or go on; returns how many rows and recordings could not be used."""
    world, data = World.here(), recipe.data
    if world.main:
        begin(recipe, recipe.output, hashes(data))
    rows = opened(data, data.train)
    lengths = None if data.grouping == "none" else (lambda k, numbers: rows[k].sizes(numbers))
    order = Order([len(one) for one in rows], list(data.train.values()), recipe.seed, recipe.batch, lengths)
    steps = recipe.steps or math.ceil(order.epoch_draws * (recipe.epochs or 0) / recipe.batch)
    how = arguments(recipe, world, steps)  # before the model: DeepSpeed shards it as it is loaded
    with loading(recipe, how):
        set_seed(recipe.seed)  # before the adapters get their first weights
        learner = build(rows, how)
    with how.main_process_first(local=False):
        valid = opened(data, data.valid) if recipe.validation.every else []
        sources, others = open_sources(recipe, rows, valid, learner)
    if world.main:
        sys.stderr.write(f"train: {order.epoch_draws} rows an epoch, {steps} steps of {recipe.batch}\n")
    maker = Maker(sources, learner.processor, data.show, data.augment, recipe.seed, recipe.output / "failed", everything=learner.everything)
    trainer, at = _trainer(recipe, world, how, learner, Examples(maker, order, steps * recipe.batch), _validator(recipe, others, learner))
    if not train_on(trainer, recipe.output, at, world.main):
        return 0
    target = recipe.output / learner.result
    trainer.save_model(str(target))
    trainer.accelerator.wait_for_everyone()
    if not world.main:
        return 0
    (target / "training_args.bin").unlink(missing_ok=True)  # a pickle, of no use to who loads the model
    failed = [] if sources.signals is None else [{"source": key, "row": None, "why": why} for key, why in sources.signals.failed()]
    return write_failed(recipe.output / "failed.jsonl", [*failed, *gather_failures(recipe.output / "failed")])


def open_sources(recipe: Tuning, rows: list[Rows], valid: list[Rows], learner: Learner) -> tuple[Sources, Sources]:
    """What training and validation rows are made from; recordings prepared, states of frozen encoders computed."""
    data, processor = recipe.data, learner.processor
    pictures = data.show.pictures != "none" and processor.picture is not None
    shown = (data.show.signal and processor.ecg is not None) or pictures or data.show.facts
    fs = _USUAL_FS if processor.ecg_config is None else processor.ecg_config.fs
    signals = prepared(data, [*rows, *valid], fs) if shown else None
    # stored pictures lie below the folder of the set, the one above conversations/ or parquet/
    readings = readings_of(data)
    both = [Sources(some, [one.source.parent.parent for one in some], signals, readings=readings) for some in (rows, valid)]
    if data.features == "cached" and signals is not None:
        if any(hasattr(parameter, "ds_id") for parameter in learner.model.parameters()):
            raise ConfigError("data.features: cached does not go with ZeRO-3, which splits the encoders; take ZeRO-2, or features: live")
        from train.encode import features_of

        all_rows = Sources([*rows, *valid], [*both[0].folders, *both[1].folders], signals)
        features = features_of(recipe, all_rows, learner.model, processor)
        both = [replace(one, features=features) for one in both]
    return both[0], both[1]


def _validator(recipe: Tuning, sources: Sources, learner: Learner) -> Validator | None:
    settings, data = recipe.validation, recipe.data
    if not settings.every:
        return None
    if not sources.rows:
        raise ConfigError("validation.every asks for a validation, but data.valid names no rows")
    maker = Maker(sources, learner.processor, data.show, data.augment, recipe.seed, recipe.output / "failed", plain=True)
    base = data.records or data_folder() if settings.written else Path()
    return Validator(settings, maker, list(data.valid.values()), base, recipe.output / "written.jsonl")


def _trainer(
    recipe: Tuning, world: World, how: TrainingArguments, learner: Learner, examples: Examples, validate: Validator | None
) -> tuple[GemTrainer, Path | None]:
    """The trainer, and the checkpoint to go on from."""
    facts = {"architecture": learner.architecture, "processes": world.size, "batch": recipe.batch}
    at = last_checkpoint(recipe.output, facts, clean=world.main)
    trainer = GemTrainer(
        model=learner.model,
        args=how,
        train_dataset=examples,
        data_collator=Collate(learner.processor, recipe.data.grouping == "packed"),
        processing_class=learner.processor,
        facts=facts,
        validate=validate,
        rates={"_projector": recipe.optim.projector_lr} if recipe.optim.projector_lr else None,
        callbacks=[Progress(recipe.batch), StopWhenAsked()],
    )
    return trainer, at
