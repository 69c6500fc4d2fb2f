"""Stage `align`: an ECG encoder and a reader of statements, from records with codes, measurements and reports."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback, set_seed

from gem.errors import ConfigError
from gem.files import write_whole, writing_whole
from gem.model.config import EcgConfig, ReaderConfig
from gem.model.quiet import quiet
from gem.model.reader import StatementReader
from train.align.calibrate import mixture, thresholds
from train.align.config import AlignRecipe
from train.align.examples import Collate, Corpus, Draws, corpus_of, names, plain_batches, write_labels
from train.align.loop import fit
from train.align.metrics import auroc
from train.align.model import Aligner
from train.align.readings import borrowed, mixed, write_readings
from train.data.index import file_hash
from train.data.signals import write_failed
from train.run_folder import begin
from train.settings import World

HELD_OUT, READINGS = "held_out.npz", "readings.jsonl"


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
    draws = Draws(corpus, train, ecg, recipe.seed, recipe.epochs, recipe.changes)
    if world.main:
        sys.stderr.write(f"align: {len(train)} records, {len(corpus.statements)} statements\n")
    collate = Collate(recipe.changes.mixed, recipe.seed, words)
    architecture = f"{recipe.ecg} {corpus.statements}"
    done = fit(recipe, learner, draws, collate, architecture, lambda held: _look(held, corpus, ecg)[0], _Follow(recipe.average))
    if world.main and done:
        _finish(recipe, learner.eval(), corpus, ecg)
    return write_failed(recipe.output / "failed.jsonl", [{"source": key, "why": why} for key, why in corpus.failed]) if world.main else 0


class _Follow(TrainerCallback):
    """The averaged weights follow after each step."""

    def __init__(self, decay: float) -> None:
        self._decay = decay

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        getattr(model, "module", model).follow(self._decay)


def _learner(recipe: AlignRecipe, ecg: EcgConfig, corpus: Corpus, train: np.ndarray) -> tuple[Aligner, Any]:
    """The aligner with the code of the numbers fitted to the training records, and the tokenizer of its texts."""
    fields = {"statements": corpus.statements, "features": names(), "ecg_width": ecg.hidden_size} | recipe.reader
    of_class = [name in corpus.classes for name in corpus.statements]
    weights = torch.where(torch.tensor(of_class), recipe.labels.class_weight, recipe.labels.code_weight)
    text, words = None, None
    if recipe.text is not None:
        from train.align.text import TextSide, tokenizer_of

        words = tokenizer_of([corpus.texts[k] for k in train], recipe.text)
        text = TextSide(recipe.text, words, ecg.hidden_size)
    learner = Aligner(ecg, ReaderConfig(**fields), weights, text)
    learner.reader.fit_code(torch.from_numpy(corpus.measured[train]))
    learner.average["reader"].load_state_dict(learner.reader.state_dict())
    return learner, words


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
        _calibrate(learner.average["reader"], held)
    metrics, logits = _look(learner, corpus, ecg)
    if held is not None:
        _write_readings(recipe, learner, corpus, logits, held)
    learner.average["ecg_encoder"].save_pretrained(recipe.output / "ecg_encoder")
    learner.average["reader"].save_pretrained(recipe.output / "reader")
    with writing_whole(recipe.output / "valid.npz") as out:
        rows = corpus.rows("valid")
        keys = np.array([corpus.keys[k] for k in rows])
        np.savez_compressed(out, keys=keys, logits=logits, labels=corpus.labels[rows], statements=np.array(corpus.statements))
    write_labels(recipe.output / "labels.json", corpus.statements, corpus)
    write_whole(recipe.output / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    sys.stderr.write(f"align: validation split, macro AUROC of the classes: {metrics}\n")


def _write_readings(recipe: AlignRecipe, learner: Aligner, corpus: Corpus, valid: np.ndarray, held: dict[str, np.ndarray]) -> None:
    """readings.jsonl: of the validation split as read, of the training split as a held-out recording with like labels is read."""
    train, rows = corpus.rows("train"), corpus.rows("valid")
    mix = learner.average["reader"].mix.numpy()
    likely = mixed(held["ecg"], held["measured"], mix)
    lent = borrowed(corpus.labels[train], held["labels"], likely, recipe.seed)
    read = mixed(valid[0], valid[1], mix)
    keys = [corpus.keys[k] for k in (*train, *rows)]
    write_readings(recipe.output / READINGS, keys, np.concatenate([lent, read]), corpus.statements)


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
