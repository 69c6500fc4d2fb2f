"""NumPy .npy and .npz: one array, in .npz with optional keys for rate, unit and leads. Never a pickle."""

import zipfile
from pathlib import Path

import numpy as np

from gem.ecg.io.reader import FILE_CAP_BYTES, Asked, Reader
from gem.ecg.io.table import Table, orient, rate_of, to_recording
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_RATE_KEYS = ("fs", "sampling_rate", "sample_rate", "sampling_frequency")
_LEAD_KEYS = ("leads", "lead_names", "sig_name", "channels")
_UNIT_KEYS = ("unit", "units")


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
    with zipfile.ZipFile(path) as archive:
        total = sum(member.file_size for member in archive.infolist())
    if total > FILE_CAP_BYTES:
        raise ECGReadError(path, f"unpacks to {total / 1e9:.1f} GB; at most {FILE_CAP_BYTES / 1e9:.1f} GB is read", "too_large")
    with np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def _load(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    try:
        if path.read_bytes()[:6] == b"\x93NUMPY":
            return np.load(path, mmap_mode="r", allow_pickle=False), {}
        arrays = _npz(path)
    except ValueError as fault:
        if "pickle" in str(fault).lower() or "object" in str(fault).lower():
            raise ECGReadError(path, "holds pickled Python objects, which are never loaded; save it as a plain array", "unsafe") from fault
        raise ECGReadError(path, f"not a readable NumPy file ({fault})", "truncated") from fault
    except (OSError, EOFError, SyntaxError, KeyError, zipfile.BadZipFile, NotImplementedError) as fault:
        raise ECGReadError(path, f"not a readable NumPy file ({fault})", "malformed") from fault
    signals = [array for array in arrays.values() if array.ndim >= 2 and array.dtype.kind in "iuf"]
    if len(signals) != 1:
        raise ECGReadError(path, f"holds {len(signals)} two-dimensional arrays ({', '.join(arrays)}); one is needed", "no_signal")
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
