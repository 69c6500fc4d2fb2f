"""The same recording as files of another format: WFDB, CSV, EDF+, DICOM. The suffix decides which.

Every file is written under another name and renamed. What a format cannot hold is a fault, never a silent change: samples beyond
its range, a rate it has no place for. Steps are the finest that hold the signal, 0.5 uV at best (EDF, DICOM, WFDB).
"""

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gem.ecg.recording import Recording
from gem.errors import ConfigError
from gem.files import write_whole

GAINS_PER_MV = (2000, 1000, 500, 200, 100, 50, 20, 10)
"""Steps per mV to choose from, the finest first."""
MISSING = -32768
"""A missing sample in 16 bits: WFDB's own mark (signal(5)), and DICOM's padding value here."""
_ANNOTATION_BYTES = 16
_NAME = re.compile(r"[A-Za-z0-9_][\w-]*\Z", re.ASCII)


def write_recording(recording: Recording, out: Path, *, overwrite: bool = False) -> tuple[Path, ...]:
    """Write a recording; returns the files written.

    out  X.hea (with X.dat), X.csv, X.edf or X.dcm

    Raises `ConfigError` when the suffix is none of these, a file is there already (unless `overwrite`), the folder is
    not there, or the format cannot hold the recording.
    """
    if out.suffix.lower() not in WRITERS:
        raise ConfigError(f"{out}: {out.suffix or 'no suffix'} is not a format that is written; choose one of {', '.join(WRITERS)}")
    if not out.parent.is_dir():
        raise ConfigError(f"{out.parent}: no such folder; make it first")
    files = WRITERS[out.suffix.lower()](recording, out)
    there = [str(path) for path in files if path.exists()]
    if there and not overwrite:
        raise ConfigError(f"{', '.join(there)} exists already; choose another name or allow overwriting")
    for path, content in files.items():
        write_whole(path, content)
    return tuple(files)


def steps_of(recording: Recording, gains: tuple[int, ...] = GAINS_PER_MV) -> tuple[np.ndarray, int]:
    """[L, T] int16 steps, `MISSING` where a sample is, and the steps per mV. Raises `ConfigError` beyond the range of all `gains`."""
    most = float(np.nanmax(np.abs(recording.signal)))
    gain = next((gain for gain in gains if most * gain < -MISSING - 1), None)
    if gain is None:
        raise ConfigError(f"{recording.source}: {most:.4g} mV do not fit into 16 bits of {1000 / gains[-1]:g} uV; is the unit right?")
    steps = np.rint(np.nan_to_num(recording.signal.astype(np.float64)) * gain)
    return np.where(np.isnan(recording.signal), MISSING, steps).astype("<i2"), gain


def wfdb_files(recording: Recording, out: Path) -> dict[Path, bytes]:
    """Format 16, the data first, so that an interrupted run leaves no header. Source: header(5) and signal(5) of the WFDB guide."""
    name = out.stem
    if not _NAME.match(name):
        raise ConfigError(f"{name!r} cannot name a WFDB record: letters, digits, _ and - are allowed")
    steps, gain = steps_of(recording)
    lines = [f"{name} {len(steps)} {recording.fs:.9g} {steps.shape[1]}"]
    for lead, row in zip(recording.leads, steps, strict=True):
        checksum = int(np.sum(row, dtype=np.int64) + 2**15) % 2**16 - 2**15
        lines.append(f"{name}.dat 16 {gain}(0)/mV 16 0 {int(row[0])} {checksum} 0 {lead}")
    lines += [f"#Age: {recording.age:g}"] if recording.age is not None else []
    lines += [f"#Sex: {recording.sex}"] if recording.sex is not None else []
    lines += [f"#Source: {recording.source}", *(f"#History: {line}" for line in recording.history)]
    return {out.with_suffix(".dat"): steps.T.tobytes(), out.with_suffix(".hea"): ("\n".join(lines) + "\n").encode()}


def _csv(recording: Recording, out: Path) -> dict[Path, bytes]:
    """Comments with rate and unit, one column a lead, 0.1 uV; an empty field is a missing sample."""
    rows = [",".join("" if math.isnan(v) else f"{v:.4f}" for v in row) for row in recording.signal.T.tolist()]
    head = [f"# fs: {recording.fs!r}", "# unit: mV", ",".join(recording.leads)]
    return {out: ("\n".join([*head, *rows]) + "\n").encode()}


def _edf(recording: Recording, out: Path) -> dict[Path, bytes]:
    """EDF+C in records of 1 s, or of the largest part of one that the samples fill exactly: nothing is filled up.

    Missing samples have no place in EDF and are a fault. Source: Kemp and Olivan 2003.
    """
    if np.isnan(recording.signal).any():
        raise ConfigError(f"{recording.source}: EDF has no mark for missing samples, and some are missing; write CSV or WFDB")
    if recording.fs != int(recording.fs):
        raise ConfigError(f"{recording.source}: EDF needs a whole rate, but it is {recording.fs:g} Hz; write CSV or WFDB")
    steps, gain = steps_of(recording)
    leads, samples = steps.shape
    per_record = math.gcd(samples, int(recording.fs))
    seconds = f"{per_record / recording.fs:.6g}"
    if float(seconds) * recording.fs != per_record:
        raise ConfigError(
            f"{recording.source}: {samples} samples do not divide into records that EDF can state; take whole seconds (--duration)"
        )
    records = samples // per_record
    header = _edf_header(recording, gain, records, seconds, per_record)
    times = [f"+{k * float(seconds):.6f}\x14\x14".encode().ljust(_ANNOTATION_BYTES, b"\0") for k in range(records)]
    blocks = steps.reshape(leads, records, per_record).transpose(1, 0, 2)
    return {out: header + b"".join(block.tobytes() + time for block, time in zip(blocks, times, strict=True))}


def _edf_header(recording: Recording, gain: int, records: int, seconds: str, per_record: int) -> bytes:
    """Fields of fixed width: those of the file, then one column after the other for all signals, the annotations last."""
    leads = len(recording.leads)
    sex = {"female": "F", "male": "M"}.get(recording.sex or "", "X")
    fields = [("0", 8), (f"X {sex} X X", 80), ("Startdate X X X gem-ecg", 80), ("01.01.85", 8), ("00.00.00", 8)]
    fields += [(str(256 * (leads + 2)), 8), ("EDF+C", 44), (str(records), 8), (seconds, 8), (str(leads + 1), 4)]
    fields += [*((f"ECG {name}", 16) for name in recording.leads), ("EDF Annotations", 16)]
    high = f"{32767 * 1000 / gain:.7g}"
    columns = [("", "", 80), ("uV", "", 8), (f"-{high}", "-1", 8), (high, "1", 8), ("-32767", "-32768", 8), ("32767", "32767", 8)]
    columns += [("", "", 80), (str(per_record), str(_ANNOTATION_BYTES // 2), 8), ("", "", 32)]
    fields += [(text, width) for of_ecg, of_times, width in columns for text in [*[of_ecg] * leads, of_times]]
    return "".join(text.ljust(width)[:width] for text, width in fields).encode("latin-1", "replace")


def _dicom(recording: Recording, out: Path) -> dict[Path, bytes]:
    from gem.ecg.io.dicom_write import dicom_bytes

    steps, gain = steps_of(recording)
    return {out: dicom_bytes(recording, steps, gain, MISSING)}


WRITERS: dict[str, Callable[[Recording, Path], dict[Path, bytes]]] = {".hea": wfdb_files, ".csv": _csv, ".edf": _edf, ".dcm": _dicom}
"""Suffix -> what goes into which file, in the order of writing."""
