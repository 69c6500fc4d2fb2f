"""What CSV, NumPy and Parquet share: columns of numbers that may not say what they are.

Rate, unit and lead names are taken from the file where it states them (a column, a key, a
comment, its name), else from the caller; the unit of decimal numbers may also follow from their
size. What was found or assumed is a line of history; what is neither stated nor asked is an error.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gem.ecg.io.reader import Asked, checked_rate, mv_per
from gem.ecg.lead import CHEST, STANDARD, canonical
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

MOST_COLUMNS = 256
_DECIMAL_MV = (0.15, 15.0)
"""Peak to peak of a lead (middle 99 %), mV: decimal numbers of this size are millivolts."""

_TIME = re.compile(r"\s*(time|t|seconds?|sec|ms|timestamp|zeit)(?![A-Za-z0-9])", re.IGNORECASE)
_INDEX = re.compile(r"\s*(sample|index|idx|n|#|unnamed: 0|)\s*$", re.IGNORECASE)
_UNIT = re.compile(r"[\[(_\s](mV|uV|µV|μV|nV|V)[\])]?\s*$", re.IGNORECASE)
_UNIT_IN_NAME = re.compile(r"(?:^|[^A-Za-z])(mV|uV)(?:[^A-Za-z]|$)")
_RATE_IN_NAME = re.compile(r"(?:^|[^A-Za-z0-9])(\d+(?:\.\d+)?)\s?Hz(?:[^A-Za-z]|$)", re.IGNORECASE)


@dataclass
class Table:
    """Columns as a file holds them.

    columns  [C, T] numbers of the stretch read
    names    C column names, or None
    fs       Hz as the file states it, or None
    unit     as the file states it, or None
    first    index of the first sample read
    total    samples in the whole file
    """

    columns: np.ndarray
    names: tuple[str, ...] | None
    fs: float | None = None
    unit: str | None = None
    first: int = 0
    total: int = 0


def orient(array: np.ndarray, path: Path) -> np.ndarray:
    """The array as [columns, samples]: the shorter side is the leads. Raises `ECGReadError` (malformed)."""
    if array.dtype.kind not in "iuf":
        raise ECGReadError(path, f"holds values of type {array.dtype}; numbers are needed", "malformed")
    squeezed = array.reshape([n for n in array.shape if n != 1] or [1])
    if squeezed.ndim == 1:
        squeezed = squeezed[None, :]
    if squeezed.ndim != 2 or 0 in squeezed.shape:
        raise ECGReadError(path, f"has shape {array.shape}; leads x samples (or samples x leads) is needed", "malformed")
    return squeezed if squeezed.shape[0] <= squeezed.shape[1] else squeezed.T


def rate_of(path: Path, stated: float | None, asked: Asked) -> float:
    """Hz from the file, its name, or the caller, in that order. Raises `ECGReadError` (needs_rate)."""
    in_name = _RATE_IN_NAME.search(path.stem)
    fs = stated or (float(in_name[1]) if in_name else None) or asked.fs
    if fs is None:
        raise ECGReadError(path, "states no sampling rate (no time column, no key, not in its name); give it with --fs", "needs_rate")
    return checked_rate(fs, path)


def to_recording(path: Path, table: Table, fs: float, asked: Asked) -> Recording:
    """A table whose rate is known as a Recording in mV. Raises `ECGReadError`."""
    columns = np.asarray(table.columns, dtype=np.float64)
    names, notes = _leads(path, table, asked)
    factor, note = _unit(path, table, asked)
    return Recording(
        signal=columns * factor,
        fs=fs,
        leads=names,
        source=str(path),
        history=(*notes, note),
        start_s=table.first / fs,
        total_s=table.total / fs,
    )


def _leads(path: Path, table: Table, asked: Asked) -> tuple[tuple[str, ...], list[str]]:
    count = len(table.columns)
    if table.names is not None:
        return tuple(canonical(_UNIT.sub("", name)) for name in table.names), []
    if asked.leads is not None:
        if len(asked.leads) != count:
            raise ECGReadError(path, f"holds {count} columns, but {len(asked.leads)} lead names were given", "bad_leads")
        return asked.leads, [f"leads {', '.join(asked.leads)} as given by the caller"]
    assumed = {12: STANDARD, 8: ("I", "II", *CHEST), 1: ("I",)}.get(count)
    if assumed is None:
        raise ECGReadError(path, f"holds {count} columns without names; name them with --leads I,II,...", "bad_leads")
    return assumed, [f"no lead names in the file: {count} columns taken as {', '.join(assumed)}"]


def _unit(path: Path, table: Table, asked: Asked) -> tuple[float, str]:
    in_names = {m[1] for m in (_UNIT.search(name) for name in table.names or ()) if m}
    in_name = _UNIT_IN_NAME.search(path.stem)
    if table.unit:
        return mv_per(table.unit, path), f"unit {table.unit} as the file states"
    if len(in_names) == 1:
        unit = in_names.pop()
        return mv_per(unit, path), f"unit {unit} as the column names state"
    if in_name:
        return mv_per(in_name[1], path), f"unit {in_name[1]} as the file name states"
    if asked.unit:
        return mv_per(asked.unit, path), f"unit {asked.unit} as given by the caller"
    decimal = table.columns.dtype.kind == "f" and not np.all(np.mod(table.columns[np.isfinite(table.columns)], 1) == 0)
    finite = np.where(np.isfinite(table.columns), table.columns, np.nan)
    with np.errstate(all="ignore"):
        spread = np.nanmedian(np.nanpercentile(finite, 99.5, axis=1) - np.nanpercentile(finite, 0.5, axis=1))
    if decimal and _DECIMAL_MV[0] <= spread <= _DECIMAL_MV[1]:
        return 1.0, f"no unit in the file: decimal values of {spread:.2g} peak to peak taken as mV"
    raise ECGReadError(
        path, f"states no unit, and values of {spread:.3g} peak to peak do not tell; give it with --unit mV or --unit uV", "needs_unit"
    )


def split_time(names: tuple[str, ...] | None, first_rows: np.ndarray) -> tuple[int | None, float | None]:
    """Which column is time or a sample index, and the rate that it states.

    names       column names, or None
    first_rows  [C, n] the first rows of all columns

    Returns (column, Hz); (column, None) for a bare index; (None, None) when there is none.
    """
    if first_rows.shape[0] < 2 or first_rows.shape[1] < 3:
        return None, None
    steps = np.diff(first_rows[0])
    step = float(np.median(steps))
    even = step > 0 and bool(np.all(np.abs(steps - step) < 0.02 * step + 1e-9))
    name = names[0] if names else None
    if not even or (name is not None and not _TIME.match(name) and not _INDEX.match(name)):
        return None, None
    span = float(first_rows[0, -1] - first_rows[0, 0]) / (first_rows.shape[1] - 1)
    if name is not None and re.search(r"\bms\b|_ms\b|millis", name, re.IGNORECASE):
        return 0, 1000.0 / span
    if step < 0.05:
        return 0, 1.0 / span
    return 0, None
