"""Records -> what the aligner learns from: signals, measured numbers, labels with weights, reports."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from torch.utils.data import Dataset

from gem.errors import ConfigError
from gem.files import data_folder, write_whole
from gem.jsonl import read_rows
from gem.model.config import EcgConfig
from gem.model.ecg_input import EcgArray, prepare_ecg, stack_ecgs
from gem.model.measured import NAMES, of_row
from train.align.augment import changed
from train.align.config import Changes, OnRecords
from train.data.signals import Preparation, Signals, prepare

_LONGEST_S = 10.0


@dataclass(frozen=True)
class Corpus:
    """Records in order.

    keys      [N] below the data folder; fold, split, patient [N]
    measured  [N, F] numbers, NaN where absent
    labels    [N, S] 0 or 1; weights [N, S], 0 where a record does not say
    texts     [N] reports, "" where there is none
    failed    (record, reason) of those that could not be used
    """

    keys: list[str]
    folds: np.ndarray
    splits: np.ndarray
    patients: np.ndarray
    measured: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    statements: list[str]
    classes: list[str]
    texts: list[str]
    signals: Signals
    failed: list[tuple[str, str]]

    def rows(self, split: str, without: tuple[int, ...] = ()) -> np.ndarray:
        """Places of a split's records, those of some folds left out."""
        found: np.ndarray = np.flatnonzero((self.splits == split) & ~np.isin(self.folds, without))
        return found


def corpus_of(recipe: OnRecords, config: EcgConfig) -> Corpus:
    """Everything a recipe names, with the training split of its records deciding which statements are learned.

    Raises `ConfigError` when records or measurements are missing.
    """
    if not recipe.records.is_file():
        raise ConfigError(f"{recipe.records}: no such file; python -m data_gen makes records.jsonl of an instruction set")
    said = [row for row in read_rows(recipe.records) if row.get("split") in ("train", "valid")]
    numbers = _measured(recipe.measured)
    base = recipe.base or data_folder()
    signals = prepare([row["path"] for row in said], base, recipe.cache, Preparation(config.fs, _LONGEST_S, False), recipe.jobs)
    broken = dict(signals.failed())
    failed = [
        (row["path"], broken.get(row["path"], "was not measured")) for row in said if row["path"] in broken or _name(row) not in numbers
    ]
    lost = {key for key, _ in failed}
    said = [row for row in said if row["path"] not in lost]
    if not said:
        raise ConfigError(f"{recipe.records}: none of its recordings is in {recipe.measured}; measure the same recordings there")
    statements, classes, labels, weights = _labels(said, recipe)
    measured = np.stack([numbers[_name(row)] for row in said])
    if recipe.labels.shuffled:
        other = np.random.default_rng(recipe.seed).permutation(len(said))
        labels, weights = labels[other], weights[other]
    return Corpus(
        [row["path"] for row in said],
        np.array([row.get("fold") or 0 for row in said]),
        np.array([row["split"] for row in said]),
        np.array([row["patient"] for row in said]),
        measured,
        labels,
        weights,
        statements,
        classes,
        [row.get("english") or row.get("report") or "" for row in said],
        signals,
        failed,
    )


def _measured(folder: Path) -> dict[str, np.ndarray]:
    """File name of a recording -> its numbers."""
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise ConfigError(f"{folder}: no .parquet in it; gem measure LIST -o {folder} makes them")
    rows = (row for path in files for row in pq.read_table(path).to_pylist())
    return {row["id"]: of_row(row) for row in rows if row["error"] is None}


def _name(row: dict[str, Any]) -> str:
    """A record's id is its corpus and file name; a feature row is named by the file alone."""
    return str(row["id"]).rpartition("/")[2]


def _labels(said: list[dict[str, Any]], recipe: OnRecords) -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    count: dict[str, int] = {}
    for row in said:
        if row["split"] == "train" and row.get("complete", True):
            for code in row["codes"]:
                count[code] = count.get(code, 0) + 1
    classes = sorted({name for row in said for name in row.get("classes", ())}) if recipe.labels.classes else []
    codes = sorted(code for code, n in count.items() if n >= recipe.labels.least and code not in classes)
    statements = [*classes, *codes]
    if not statements:
        raise ConfigError(f"{recipe.records}: no code on {recipe.labels.least} training records; lower labels.least")
    place = {name: k for k, name in enumerate(statements)}
    labels = np.zeros((len(said), len(statements)), np.float32)
    weights = np.empty_like(labels)
    for k, row in enumerate(said):
        mine = {*row["codes"], *row.get("classes", ())}
        for name in mine & place.keys():
            labels[k, place[name]] = 1
        weights[k] = 1.0 if row.get("complete", True) else labels[k]
        weights[k, : len(classes)] = 1.0 if row.get("classes") or row.get("complete", True) else 0.0
    return statements, classes, labels, weights


class Draws(Dataset[dict[str, Any]]):
    """Draw n of a run: epoch n // N, in an order and with changes that follow from the seed, n and nothing else."""

    def __init__(self, corpus: Corpus, rows: np.ndarray, config: EcgConfig, seed: int, epochs: int, changes: Changes) -> None:
        self._corpus, self._rows, self._config, self._seed, self._epochs, self._changes = corpus, rows, config, seed, epochs, changes

    def __len__(self) -> int:
        return len(self._rows) * self._epochs

    def __getitem__(self, n: int) -> dict[str, Any]:
        epoch, k = divmod(n, len(self._rows))
        order = np.random.default_rng((self._seed, 1, epoch)).permutation(len(self._rows))
        row = int(self._rows[order[k]])
        rng = np.random.default_rng((self._seed, 2, n))
        array = changed(_array(self._corpus, row, self._config), rng, self._changes, self._config)
        return item(self._corpus, row, array) | {"draw": n}


def _array(corpus: Corpus, row: int, config: EcgConfig) -> EcgArray:
    return prepare_ecg(corpus.signals.get(corpus.keys[row]).recording, config)


def item(corpus: Corpus, row: int, array: EcgArray) -> dict[str, Any]:
    """One row for `Collate`."""
    return {
        "array": array,
        "measured": corpus.measured[row],
        "labels": corpus.labels[row],
        "weights": corpus.weights[row],
        "text": corpus.texts[row],
    }


def plain_batches(corpus: Corpus, rows: np.ndarray, config: EcgConfig, size: int = 64) -> Any:
    """Batches of unchanged records in order."""
    collate = Collate(0.0, 0)
    for at in range(0, len(rows), size):
        yield collate([item(corpus, int(row), _array(corpus, int(row), config)) | {"draw": 0} for row in rows[at : at + size]])


class Collate:
    """Rows -> tensors; with the chance `mixed` ECGs and labels are mixed with those of other rows (mixup, Zhang et al. 2018)."""

    def __init__(self, mixed: float, seed: int, words: Any = None) -> None:
        self._mixed, self._seed, self._words = mixed, seed, words

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        values, mask = stack_ecgs([row["array"] for row in rows])
        out = {"ecg_values": torch.from_numpy(values), "ecg_mask": torch.from_numpy(mask)}
        for name in ("measured", "labels", "weights"):
            out[name] = torch.from_numpy(np.stack([row[name] for row in rows]))
        rng = np.random.default_rng((self._seed, 3, rows[0]["draw"]))
        share, other = torch.ones(len(rows)), torch.arange(len(rows))
        if rng.random() < self._mixed:
            share, other = torch.full((len(rows),), float(rng.beta(0.3, 0.3))), torch.from_numpy(rng.permutation(len(rows)))
        if self._words is not None:
            out["text"] = self._words([row["text"] for row in rows])
        return out | {"share": share, "other": other}


def names() -> list[str]:
    """Names of the measured numbers, as they stand in a row."""
    return list(NAMES)


def write_labels(path: Path, statements: list[str], corpus: Corpus) -> None:
    """labels.json: how many training and validation records have each statement."""
    counts = {
        name: {split: int(corpus.labels[corpus.rows(split), k].sum()) for split in ("train", "valid")} for k, name in enumerate(statements)
    }
    write_whole(path, json.dumps(counts, indent=1) + "\n")
