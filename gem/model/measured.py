"""Measurements as a row of numbers for a network: NaN where nothing was measured."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gem.ecg.lead import STANDARD
from gem.measure.batch import DOUBTED, OVER_ALL, PER_LEAD, features
from gem.measure.measurement import Measurements

_RHYTHMS = (
    "sinus rhythm", "sinus tachycardia", "sinus bradycardia", "sinus arrhythmia", "atrial fibrillation", "atrial flutter",
    "atrial tachycardia", "supraventricular tachycardia", "ectopic atrial rhythm", "junctional rhythm",
    "regular rhythm without visible P waves", "ventricular paced rhythm", "wide complex tachycardia",
)  # fmt: skip
_KINDS = ("normal", "pvc", "pac", "paced", "other")
NAMES: tuple[str, ...] = (
    "age", "male", "regular", "p_per_qrs",
    *(f"rhythm: {name}" for name in _RHYTHMS),
    *(f"beats: {kind}" for kind in _KINDS),
    *OVER_ALL,
    *(f"{name}_sd" for name in DOUBTED),
    *(f"{name}_{lead}" for lead in STANDARD for name in PER_LEAD),
)  # fmt: skip
"""What stands in a row, in order: columns of `gem measure -o`, and what is made of them."""


def measured_values(measurements: Measurements) -> np.ndarray:
    """[len(NAMES)] float32, in the units of the measurements; NaN where absent."""
    return of_row(dict.fromkeys(NAMES) | features(measurements))  # leads that were not recorded have no columns


def of_row(row: Mapping[str, Any], names: Sequence[str] = NAMES) -> np.ndarray:
    """The same from a row of the feature table that `gem measure -o` writes. Raises `KeyError` for a name that no row has."""
    kinds = list(row["beat_kinds"]) if row["beat_kinds"] is not None else []
    made: dict[str, Any] = {"male": None if row["sex"] is None else float(row["sex"] == "male"), "regular": row["regular"]}
    made |= {f"rhythm: {name}": float(row["rhythm"] == name) for name in _RHYTHMS}
    made |= {f"beats: {kind}": float(kinds.count(kind)) for kind in _KINDS}
    return np.array([_number(made[name] if name in made else row[name]) for name in names], np.float32)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
