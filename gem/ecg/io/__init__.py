"""The one door through which an ECG file comes in.

`read` looks at the content, not only at the suffix, asks each reader whether the file is its
own, and returns a `Recording` in mV with standard lead names. A reader from outside is added by
an entry point of group `gem.readers` that names a `Reader`.
"""

from dataclasses import replace
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np

from gem.ecg.device import cleaned
from gem.ecg.io.reader import HEAD_BYTES, Asked, Reader
from gem.ecg.lead import canonical
from gem.ecg.recording import Recording
from gem.errors import ECGReadError, RecordingError

__all__ = ["read", "readers", "find_reader", "Asked", "Reader"]

LOWEST_HZ = 50.0
"""Below this a QRS complex has no shape; 100 Hz is the least that is measured (see quality)."""

_OWN = ("wfdb", "npy", "parquet", "dicom", "scp", "edf", "ishne", "archive", "aecg", "muse", "philips", "fhir", "apple", "csv")
"""Asked in this order: signatures first, plain text last."""

_NO_ECG = {
    b"\x89PNG\r\n": ("a PNG picture", "unsupported"),
    b"\xff\xd8\xff": ("a JPEG picture", "unsupported"),
    b"II*\0": ("a TIFF picture", "unsupported"),
    b"MM\0*": ("a TIFF picture", "unsupported"),
    b"%PDF-": ("a PDF page", "unsupported"),
    b"\x80\x02": ("a Python pickle, which is never loaded", "unsafe"),
    b"\x80\x04": ("a Python pickle, which is never loaded", "unsafe"),
}
"""First bytes -> what such a file is; none of them is opened here."""
LARGEST_MV = 1e9
"""Beyond this a sample is damage, whatever the unit was meant to be; its square would overflow float32."""

LONGEST_NAME = 16
"""Characters of a lead name that a file makes up, as in EDF: no room for a sentence."""

_HEIF = b"ftyphei", b"ftypmif", b"ftypavi"


def readers() -> list[Reader]:
    """All readers, our own first, then those that other packages add."""
    own = [import_module(f"gem.ecg.io.{name}").READER for name in _OWN]
    return own + [point.load() for point in entry_points(group="gem.readers")]


def read(
    path: str | Path,
    *,
    fs: float | None = None,
    unit: str | None = None,
    leads: tuple[str, ...] | None = None,
    start_s: float = 0.0,
    duration_s: float | None = None,
    age: float | None = None,
    sex: str | None = None,
) -> Recording:
    """Read an ECG file of any known format.

    path        a file, or a WFDB record name without suffix
    fs          Hz, for a file that does not state its rate
    unit        "mV", "uV", "nV" or "V", for a file that does not state it
    leads       column names, for a file that does not state them
    start_s     where to begin, s
    duration_s  how much to read, s; by default all, but at most 60 s of a longer file

    Returns a `Recording`: standard leads first, missing limb leads derived, infinite
    samples (and those beyond `LARGEST_MV`) turned into missing ones. Raises `ECGReadError`, whose `code` names the fault.
    """
    asked = Asked(fs, unit, tuple(leads) if leads else None, start_s, duration_s, age, sex)
    named = Path(path)
    try:
        file = _existing(named)
        reader, why = _reader_of(named, file)
        recording = reader.read(file, asked)
        recording = _finished(recording, f"read by {reader.name}: {why}", asked)
    except MemoryError as fault:
        raise ECGReadError(named, "needs more memory than there is; ask for a stretch with --start and --duration", "too_large") from fault
    except OSError as fault:
        raise ECGReadError(named, f"cannot be opened ({fault.strerror or fault})", "not_found") from fault
    except RecordingError as fault:
        raise ECGReadError(named, str(fault).removeprefix(f"{file}: "), "bad_leads") from fault
    if recording.fs < LOWEST_HZ:
        raise ECGReadError(named, f"{recording.fs:g} Hz is too slow for an ECG; at least {LOWEST_HZ:g} Hz is needed", "bad_rate")
    if np.isnan(recording.signal).all():
        raise ECGReadError(named, "every sample is missing (NaN or infinite)", "no_signal")
    return recording


def _existing(path: Path) -> Path:
    """The file meant by `path`: itself, or the header of the WFDB record it names."""
    header = path.with_name(path.name + ".hea")
    if not path.exists() and header.is_file():
        return header
    if not path.exists():
        raise ECGReadError(path, "no such file", "not_found")
    if not path.is_file():
        raise ECGReadError(path, "not a file; name one ECG file, or several", "not_a_file")
    return path


def find_reader(file: Path) -> tuple[Reader, str] | None:
    """The reader that takes a file for its own, and why; None when none does. Raises `ECGReadError` (empty)."""
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not head:
        raise ECGReadError(file, "the file is empty", "empty")
    for reader in readers():
        why = reader.sniff(file, head)
        if why:
            return reader, why
    return None


def _reader_of(named: Path, file: Path) -> tuple[Reader, str]:
    """Likewise, but no reader is a fault that says what the file is, or lists the formats known."""
    found = find_reader(file)
    if found:
        return found
    with file.open("rb") as stream:
        head = stream.read(16)
    for signature, (what, code) in _NO_ECG.items():
        if head.startswith(signature):
            raise ECGReadError(named, f"is {what}; a file with the signal itself is needed", code)
    if head[4:11] in _HEIF:
        raise ECGReadError(named, "is a HEIF picture; a file with the signal itself is needed", "unsupported")
    known = "; ".join(reader.describes + (" (experimental)" if reader.experimental else "") for reader in readers())
    raise ECGReadError(named, f"not a format known here. Known: {known}", "unknown_format")


def _finished(recording: Recording, first: str, asked: Asked) -> Recording:
    """What is done to every recording, whatever reader it came from."""
    signal, history = recording.signal, (first, *recording.history)
    infinite = np.abs(signal) > LARGEST_MV
    if infinite.any():
        signal = np.where(infinite, np.nan, signal)
        history = (*history, f"{int(infinite.sum())} infinite samples taken as missing")
    if recording.start_s > 0 or recording.total_s > recording.start_s + recording.duration_s + 0.5 / recording.fs:
        end = recording.start_s + recording.duration_s
        window = f"{recording.start_s:g} to {end:g} s of {recording.total_s:.6g} s read"
        history = history if window in history else (*history, window)
    return replace(
        recording,
        signal=signal,
        leads=tuple(canonical(cleaned(name, LONGEST_NAME)) for name in recording.leads),
        history=tuple(cleaned(line) for line in history),
        age=recording.age if asked.age is None else asked.age,
        sex=recording.sex if asked.sex is None else asked.sex,
    ).standardised()
