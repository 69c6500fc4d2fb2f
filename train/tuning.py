"""What the stages on transformers' Trainer share: data and model in, a trained model out, exactly resumable."""

import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, TrainingArguments, set_seed

from gem.errors import ConfigError
from gem.model.processor import GemProcessor
from train.config import Tuning
from train.data.collate import Collate
from train.data.examples import Examples, Maker, Sources, gather_failures
from train.data.order import Order
from train.data.signals import write_failed
from train.progress import Progress
from train.run_folder import begin, last_checkpoint
from train.sources import hashes, opened, prepared, sources_of
from train.trainer import GemTrainer, JsonLog

_USUAL_FS = 500.0


@dataclass(frozen=True)
class World:
    """How many processes train, and which this one is, as the launcher says."""

    size: int
    rank: int

    @classmethod
    def here(cls) -> "World":
        return cls(int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0")))

    @property
    def main(self) -> bool:
        return self.rank == 0


def arguments(recipe: Tuning, world: World, steps: int) -> TrainingArguments:
    """The Trainer's own settings. Raises `ConfigError` when the batch does not divide among the processes."""
    per_device = recipe.per_device or max(1, recipe.batch // world.size)
    accumulation, left = divmod(recipe.batch, per_device * world.size)
    if left or not accumulation:
        raise ConfigError(
            f"batch {recipe.batch} is no multiple of {per_device} rows on each of {world.size} processes; change batch or per_device"
        )
    cpu = recipe.device == "cpu" or not torch.cuda.is_available()
    optim, every = recipe.optim, recipe.validation.every
    return TrainingArguments(
        output_dir=str(recipe.output),
        run_name=recipe.name,
        seed=recipe.seed,
        max_steps=steps,
        per_device_train_batch_size=per_device,
        gradient_accumulation_steps=accumulation,
        learning_rate=optim.lr,
        lr_scheduler_type=optim.schedule,
        warmup_steps=round(optim.warmup * steps),
        weight_decay=optim.weight_decay,
        adam_beta1=optim.betas[0],
        adam_beta2=optim.betas[1],
        max_grad_norm=optim.clip,
        optim="adamw_torch",
        bf16=recipe.bf16,
        activation_checkpointing=recipe.checkpointing,
        torch_compile=recipe.compile,
        deepspeed=None if recipe.deepspeed is None else str(recipe.deepspeed),
        use_cpu=cpu,
        ddp_backend="gloo" if cpu and world.size > 1 else None,
        ddp_find_unused_parameters=True if world.size > 1 else None,  # a batch may be without pictures
        dataloader_num_workers=recipe.data.workers,
        dataloader_persistent_workers=recipe.data.workers > 0,
        dataloader_pin_memory=not cpu,
        remove_unused_columns=False,
        logging_steps=recipe.log_every,
        logging_nan_inf_filter=False,
        eval_strategy="steps" if every else "no",
        eval_steps=every or None,
        save_steps=recipe.save_every,
        save_total_limit=recipe.keep,
        report_to=list(recipe.report_to),
        disable_tqdm=True,
        log_level="error",
    )


def tune(recipe: Tuning, build: Any) -> int:
    """Train to the end, or go on; returns how many rows and recordings could not be used.

    build  takes no arguments; returns (model with what learns set, processor, architecture in a word, function that saves the result)
    """
    world = World.here()
    folder = recipe.output
    if world.main:
        begin(recipe, folder, hashes(recipe.data))
    set_seed(recipe.seed)  # before the adapters get their first weights
    model, processor, architecture, save = build()
    sources, steps, examples = data_of(recipe, processor, world)
    how = arguments(recipe, world, steps)
    facts = {"architecture": architecture, "processes": world.size, "batch": recipe.batch}
    at = last_checkpoint(folder, facts, clean=world.main)
    trainer = GemTrainer(
        model=model,
        args=how,
        train_dataset=examples,
        data_collator=Collate(processor, recipe.data.grouping == "packed"),
        processing_class=processor,
        facts=facts,
        rates={"_projector": recipe.optim.projector_lr} if recipe.optim.projector_lr else None,
        callbacks=[Progress(recipe.batch)],
    )
    trainer.remove_callback(PrinterCallback)  # stdout is for data
    if world.main:
        trainer.add_callback(JsonLog(folder / "log.jsonl", 0 if at is None else int(at.name.rpartition("-")[2])))
    trainer.train(resume_from_checkpoint=None if at is None else str(at))
    save(trainer)
    if not world.main:
        return 0
    rows = gather_failures(folder / "failed")
    recordings = [{"source": key, "row": None, "why": why} for key, why in sources.signals.failed()]
    return write_failed(folder / "failed.jsonl", [*recordings, *rows])


def data_of(recipe: Tuning, processor: GemProcessor, world: World) -> tuple[Sources, int, Examples]:
    """Everything the rows need, the number of steps, and the draws."""
    data = recipe.data
    config = processor.ecg_config
    rows = opened(data, data.train, 0.0)
    signals = prepared(data, rows, _USUAL_FS if config is None else config.fs, world.main)
    sources = sources_of(rows, signals)
    lengths = None if data.grouping == "none" else (lambda k, numbers: rows[k].sizes(numbers))
    order = Order([len(one) for one in rows], list(data.train.values()), recipe.seed, recipe.batch, lengths)
    steps = recipe.steps or math.ceil(order.epoch_draws * (recipe.epochs or 0) / recipe.batch)
    maker = Maker(sources, processor, data.show, data.augment, recipe.seed)
    if world.main:
        sys.stderr.write(f"train: {order.epoch_draws} rows an epoch, {len(signals)} recordings, {steps} steps of {recipe.batch}\n")
    return sources, steps, Examples(maker, order, steps * recipe.batch, Path(recipe.output) / "failed")
