"""CODE-15 %'s HDF5 files: many recordings in one, 400 Hz, zeros before and after each."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from gem.ecg.lead import STANDARD
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

FS = 400.0


def rows_of(path: Path) -> Iterator[tuple[str, int]]:
    """(exam_id, row) of every recording. Raises `ECGReadError`."""
    with _opened(path) as file:
        ids = file["exam_id"][:]
    yield from ((str(int(exam)), row) for row, exam in enumerate(ids) if int(exam) != 0)


def read_row(path: Path, row: int, age: float | None, sex: str | None) -> Recording:
    """One recording, [12, T] mV at 400 Hz, its padding of zeros taken off. Raises `ECGReadError`.

    The dataset states no unit; its values are of the size of mV (an R wave is about 1), as the PhysioNet Challenge 2025 takes them.
    """
    with _opened(path) as file:
        if not 0 <= row < len(file["tracings"]):
            raise ECGReadError(path, f"row {row} is asked for, but it holds {len(file['tracings'])}", "truncated")
        signal = np.asarray(file["tracings"][row], dtype=np.float32).T
    there = np.flatnonzero(np.any(signal != 0, axis=0))
    if len(there) == 0:
        raise ECGReadError(path, f"row {row} holds zeros only", "no_signal")
    cut = signal[:, there[0] : there[-1] + 1]
    history = (f"row {row} of {path.name}, {signal.shape[1] - cut.shape[1]} samples of padding taken off",)
    return Recording(cut, FS, STANDARD, f"{path.name}#{row}", history, age=age, sex=sex)


def _opened(path: Path) -> h5py.File:
    try:
        file = h5py.File(path, "r")
    except OSError as fault:
        raise ECGReadError(path, f"not an HDF5 file ({fault})", "malformed") from fault
    if not {"exam_id", "tracings"} <= set(file) or file["tracings"].ndim != 3 or file["tracings"].shape[2] != len(STANDARD):
        file.close()
        raise ECGReadError(path, "`exam_id` [N] and `tracings` [N, T, 12] are needed; is it a part of CODE-15 %?", "malformed")
    return file
