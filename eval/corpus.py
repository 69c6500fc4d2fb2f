"""Records of the shared corpora, and one pool that runs over them."""

import ast
import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from gem.errors import ConfigError
from gem.files import data_folder
from gem.simulate import random_spec, simulate_recording, write_simulated

T = TypeVar("T")


@dataclass(frozen=True)
class PtbxlRow:
    """One line of PTB-XL's index: record without suffix, patient, fold, age, sex, SCP statements with likelihood."""

    path: Path
    patient: str
    fold: int
    age: float | None
    sex: str | None
    scp: dict[str, float]
    report: str


def ptbxl(folder: Path) -> list[PtbxlRow]:
    """All rows of ptbxl/index.csv; `scp` is empty where the index has none."""
    rows = []
    with (folder / "ptbxl" / "index.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            age = float(row["age"]) if row["age"] else None
            rows.append(
                PtbxlRow(
                    path=folder / "ptbxl" / row["path"],
                    patient=row["patient_id"],
                    fold=int(row["strat_fold"]),
                    age=age if age is not None and age < 120 else None,
                    sex=row["sex"] or None,
                    scp=ast.literal_eval(row["scp_codes"]) if row["scp_codes"] else {},
                    report=row["report"],
                )
            )
    return rows


def timing_records(n: int, folder: Path) -> tuple[list[Path], str]:
    """n records to time, and what they are."""
    try:
        rows = [row.path for row in ptbxl(data_folder()) if "records500" in str(row.path)]
        return rows[:: max(1, len(rows) // (n + 1))][: n + 1], "PTB-XL, 12 leads x 10 s x 500 Hz"
    except ConfigError:
        rng = np.random.default_rng(1)
        for k in range(n + 1):
            write_simulated(simulate_recording(random_spec(rng)), folder / f"{k:03d}")
        return [folder / f"{k:03d}.hea" for k in range(n + 1)], "simulated, 12 leads x 10 s x 500 Hz"


def pooled(one: Callable[[Any], T], items: Iterable[Any], jobs: int) -> list[T]:
    """`one` of every item, in order, over a pool of processes."""
    things = list(items)
    if jobs == 1:
        return [one(item) for item in things]
    with get_context("spawn").Pool(jobs) as pool:
        return pool.map(one, things, chunksize=max(1, min(20, len(things) // (4 * jobs) or 1)))
