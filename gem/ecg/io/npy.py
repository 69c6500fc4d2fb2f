"""NumPy .npy and .npz: one array, in .npz with optional keys for rate, unit and leads. Never a pickle."""

import math
import zipfile
from pathlib import Path

import numpy as np

from gem.ecg.io.archive import members
from gem.ecg.io.reader import Asked, Reader
from gem.ecg.io.table import Table, orient, rate_of, to_recording
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_RATE_KEYS = ("fs", "sampling_rate", "sample_rate", "sampling_frequency")
_LEAD_KEYS = ("leads", "lead_names", "sig_name", "channels")
_UNIT_KEYS = ("unit", "units")
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def _sniff(path: Path, head: bytes) -> str | None:
    if head.startswith(b"\x93NUMPY"):
        return "NumPy array signature"
    if head.startswith(b"PK\x03\x04") and b".npy" in head[:200]:
        return "zip archive of NumPy arrays"
    return None


def _scalar(arrays: dict[str, np.ndarray], keys: tuple[str, ...]) -> object | None:
    found = [arrays[key] for key in keys if key in arrays and arrays[key].size >= 1]
    return found[0].reshape(-1)[0].item() if found else None


def _npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an archive, none larger than its member: NumPy would set aside whatever memory a shape asks for."""
    found = members(path)
    with zipfile.ZipFile(path) as archive:
        for member in found:
            with archive.open(member) as stream:
                shape, _, dtype = _HEADERS[np.lib.format.read_magic(stream)](stream)
            if math.prod(shape) * dtype.itemsize > member.file_size:
                raise ECGReadError(path, f"{member.filename} declares the shape {shape}, which it does not hold", "truncated")
    with np.load(path, allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


def _load(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    try:
        with path.open("rb") as stream:
            single = stream.read(6) == b"\x93NUMPY"
        if single:
            return np.load(path, mmap_mode="r", allow_pickle=False), {}
        arrays = _npz(path)
    except ECGReadError:
        raise
    except Exception as fault:  # NumPy and zipfile raise whatever their parsing runs into
        said = str(fault)
        if "pickle" in said.lower() or "object" in said.lower():
            raise ECGReadError(path, "holds pickled Python objects, which are never loaded; save it as a plain array", "unsafe") from fault
        code = "truncated" if isinstance(fault, ValueError | EOFError) else "malformed"
        raise ECGReadError(path, f"not a readable NumPy file ({said[:100]})", code) from fault
    signals = [array for array in arrays.values() if array.ndim >= 2 and array.dtype.kind in "iuf"]
    if len(signals) != 1:
        raise ECGReadError(path, f"holds {len(signals)} two-dimensional arrays ({', '.join(list(arrays)[:6])}); one is needed", "no_signal")
    return signals[0], arrays


def _read(path: Path, asked: Asked) -> Recording:
    array, keys = _load(path)
    columns = orient(array, path)
    stated = _scalar(keys, _RATE_KEYS)
    fs = rate_of(path, float(stated) if isinstance(stated, int | float) else None, asked)
    first, last = asked.window(path, columns.shape[1], fs, len(columns))
    unit = _scalar(keys, _UNIT_KEYS)
    names = next((tuple(map(str, keys[key].reshape(-1))) for key in _LEAD_KEYS if key in keys), None)
    if names is not None and len(names) != len(columns):
        raise ECGReadError(path, f"names {len(names)} leads but holds {len(columns)} columns", "bad_leads")
    table = Table(np.array(columns[:, first:last]), names, fs, str(unit) if unit else None, first, columns.shape[1])
    return to_recording(path, table, fs, asked)


READER = Reader("npy", "NumPy (.npy, .npz; leads x samples or samples x leads)", _sniff, _read)
