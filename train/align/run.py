"""Stage `align`: an ECG encoder and a reader of statements, from records with codes, measurements and reports."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from transformers import PrinterCallback, TrainingArguments, set_seed

from gem.errors import ConfigError
from gem.files import write_whole, writing_whole
from gem.model.config import EcgConfig, ReaderConfig
from gem.model.quiet import quiet
from gem.model.reader import StatementReader
from train.align.calibrate import mixture, thresholds
from train.align.config import AlignRecipe
from train.align.examples import Collate, Corpus, Draws, corpus_of, names, plain_batches, write_labels
from train.align.model import Aligner
from train.data.index import file_hash
from train.data.signals import write_failed
from train.progress import Progress
from train.run_folder import begin, last_checkpoint
from train.trainer import GemTrainer, JsonLog
from train.tuning import World

HELD_OUT = "held_out.npz"


def run(recipe: AlignRecipe) -> int:
    """Train to the end, or go on; returns how many records could not be used. Raises `ConfigError`."""
    quiet()
    world = World.here()
    if world.main:
        begin(recipe, recipe.output, {"records": file_hash(recipe.records, recipe.cache / "rows")} if recipe.records.is_file() else {})
    ecg = EcgConfig(**recipe.ecg)
    corpus = corpus_of(recipe, ecg)
    train = corpus.rows("train", recipe.folds)
    set_seed(recipe.seed)
    learner, words = _learner(recipe, ecg, corpus, train)
    steps = recipe.epochs * (len(train) // recipe.batch)
    if not steps:
        raise ConfigError(f"{recipe.records}: {len(train)} training records are less than a batch of {recipe.batch}")
    facts = {"architecture": f"{recipe.ecg} {learner.reader.config.statements}", "processes": world.size, "batch": recipe.batch}
    at = last_checkpoint(recipe.output, facts, clean=world.main)
    draws = Draws(corpus, train, ecg, recipe.seed, recipe.epochs, recipe.changes)
    trainer = _Trainer(
        model=learner,
        args=_arguments(recipe, world, steps),
        train_dataset=draws,
        eval_dataset=draws,  # the Trainer asks for one; `validate` looks at the validation split
        data_collator=Collate(recipe.changes.mixed, recipe.seed, words),
        facts=facts,
        validate=lambda held: _look(held.model, corpus, ecg)[0],
        callbacks=[Progress(recipe.batch)],
    )
    trainer.remove_callback(PrinterCallback)
    if world.main:
        sys.stderr.write(f"align: {len(train)} records, {len(corpus.statements)} statements, {steps} steps of {recipe.batch}\n")
        trainer.add_callback(JsonLog(recipe.output / "log.jsonl", 0 if at is None else int(at.name.rpartition("-")[2])))
    trainer.train(resume_from_checkpoint=None if at is None else str(at))
    if world.main:
        _finish(recipe, learner.eval(), corpus, ecg)
    return write_failed(recipe.output / "failed.jsonl", [{"source": key, "why": why} for key, why in corpus.failed]) if world.main else 0


class _Trainer(GemTrainer):
    """With a decay and a rate of its own for the network over the numbers, and the parts of the loss in the log."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self._parts: dict[str, list[float]] = {}

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        out = model(**inputs)
        for name, value in out.items():
            if name != "loss":
                self._parts.setdefault(name, []).append(float(value))
        return (out["loss"], out) if return_outputs else out["loss"]

    def log(self, logs: dict[str, float], *args: Any, **how: Any) -> None:
        if "loss" in logs:
            logs = logs | {name: round(float(np.mean(values)), 4) for name, values in self._parts.items()}
            self._parts = {}
        super().log(logs, *args, **how)


def _learner(recipe: AlignRecipe, ecg: EcgConfig, corpus: Corpus, train: np.ndarray) -> tuple[Aligner, Any]:
    """The aligner with the code of the numbers fitted to the training records, and the tokenizer of its texts."""
    fields = {"statements": corpus.statements, "features": names(), "ecg_width": ecg.hidden_size} | recipe.reader
    of_class = [name in corpus.classes for name in corpus.statements]
    weights = torch.where(torch.tensor(of_class), recipe.labels.class_weight, recipe.labels.code_weight)
    text, words = None, None
    if recipe.text is not None:
        from train.align.text import TextSide, tokenizer_of

        words = tokenizer_of([corpus.texts[k] for k in train], recipe.text)
        text = TextSide(recipe.text, 2 * ecg.hidden_size, ecg.hidden_size)
    learner = Aligner(ecg, ReaderConfig(**fields), weights, text)
    learner.reader.fit_code(torch.from_numpy(corpus.measured[train]))
    return learner, words


def _arguments(recipe: AlignRecipe, world: World, steps: int) -> TrainingArguments:
    optim = recipe.optim
    per_device, left = divmod(recipe.batch, world.size)
    if left or not per_device:
        raise ConfigError(f"batch {recipe.batch} does not divide among {world.size} processes")
    cpu = recipe.device == "cpu" or not torch.cuda.is_available()
    every = recipe.every * (steps // recipe.epochs)
    return TrainingArguments(
        output_dir=str(recipe.output),
        run_name=recipe.name,
        seed=recipe.seed,
        max_steps=steps,
        per_device_train_batch_size=per_device,
        learning_rate=optim.lr,
        lr_scheduler_type=optim.schedule,
        warmup_steps=round(optim.warmup * steps),
        weight_decay=optim.weight_decay,
        adam_beta1=optim.betas[0],
        adam_beta2=optim.betas[1],
        max_grad_norm=optim.clip,
        optim="adamw_torch",
        use_cpu=cpu,
        ddp_backend="gloo" if cpu and world.size > 1 else None,
        dataloader_num_workers=recipe.workers,
        dataloader_persistent_workers=recipe.workers > 0,
        dataloader_pin_memory=not cpu,
        dataloader_drop_last=True,
        remove_unused_columns=False,
        label_names=[],
        logging_steps=recipe.log_every,
        logging_nan_inf_filter=False,
        eval_strategy="steps" if every else "no",
        eval_steps=every or None,
        save_steps=recipe.save_every,
        save_total_limit=recipe.keep,
        report_to=[],
        disable_tqdm=True,
        log_level="error",
    )


def _look(learner: Aligner, corpus: Corpus, ecg: EcgConfig, rows: np.ndarray | None = None) -> tuple[dict[str, float], np.ndarray]:
    """Macro AUROC of the classes on the validation split by each part, and logits [3, N, S] (ecg, measured, mixed)."""
    rows = corpus.rows("valid") if rows is None else rows
    was = learner.training
    learner.eval()
    parts = [learner.logits(batch) for batch in plain_batches(corpus, rows, ecg)]
    learner.train(was)
    logits = np.stack([torch.cat([part[k] for part in parts]).float().numpy() for k in range(3)])
    chosen = [k for k, name in enumerate(corpus.statements) if name in corpus.classes] or list(range(len(corpus.statements)))
    metrics = {}
    for name, z in zip(("ecg", "measured", "mixed"), logits, strict=True):
        metrics[f"auroc_{name}"] = auroc(z[:, chosen], corpus.labels[rows][:, chosen], corpus.weights[rows][:, chosen])
    return metrics, logits


def auroc(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """Mean over the columns that have both answers among the records that say."""
    found = []
    for z, y, w in zip(scores.T, labels.T, weights.T, strict=True):
        if 0 < y[w > 0].sum() < (w > 0).sum():
            found.append(roc_auc_score(y[w > 0], z[w > 0]))
    return round(float(np.mean(found)), 4) if found else math.nan


def _finish(recipe: AlignRecipe, learner: Aligner, corpus: Corpus, ecg: EcgConfig) -> None:
    """Calibrate on what was held out, write encoder and reader, and say how the validation split reads."""
    held = None
    if recipe.folds:
        rows = corpus.rows("train")
        rows = rows[np.isin(corpus.folds[rows], recipe.folds)]
        logits = _look(learner, corpus, ecg, rows)[1]
        held = {"ecg": logits[0], "measured": logits[1], "labels": corpus.labels[rows], "weights": corpus.weights[rows]}
        with writing_whole(recipe.output / HELD_OUT) as out:
            np.savez_compressed(out, statements=np.array(corpus.statements), **held)
    elif recipe.calibration is not None:
        held = _calibration(recipe.calibration, corpus.statements)
    if held is not None:
        _calibrate(learner.reader, held)
    metrics, logits = _look(learner, corpus, ecg)
    learner.ecg_encoder.save_pretrained(recipe.output / "ecg_encoder")
    learner.reader.save_pretrained(recipe.output / "reader")
    with writing_whole(recipe.output / "valid.npz") as out:
        rows = corpus.rows("valid")
        keys = np.array([corpus.keys[k] for k in rows])
        np.savez_compressed(out, keys=keys, logits=logits, labels=corpus.labels[rows], statements=np.array(corpus.statements))
    write_labels(recipe.output / "labels.json", corpus.statements, corpus)
    write_whole(recipe.output / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    sys.stderr.write(f"align: validation split, macro AUROC of the classes: {metrics}\n")


def _calibration(path: Path, statements: list[str]) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; a run of this stage with `folds` writes it")
    with np.load(path, allow_pickle=False) as found:
        if list(found["statements"]) != statements:
            raise ConfigError(f"{path}: is about other statements; make it from the same records with the same labels")
        return {name: found[name] for name in ("ecg", "measured", "labels", "weights")}


def _calibrate(reader: StatementReader, held: dict[str, np.ndarray]) -> None:
    mix, alone = mixture(held["ecg"], held["measured"], held["labels"], held["weights"])
    reader.mix.data.copy_(torch.from_numpy(mix))
    reader.alone.data.copy_(torch.from_numpy(alone))
    z = held["ecg"] * mix[0] + held["measured"] * mix[1] + mix[2]
    reader.config.thresholds = thresholds(1 / (1 + np.exp(-z)), held["labels"], held["weights"])

