"""What every reader is, what it may be asked, and the units they all convert from."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from gem.ecg.recording import Recording
from gem.errors import ECGReadError

HEAD_BYTES = 65_536
"""How much of a file a reader sees before it must say whether the file is its own."""

LONGEST_S = 60.0
"""Longest stretch read when nobody asks for more: a Holter record is read in windows."""

FILE_CAP_BYTES = 2 << 30
"""No single-file format here needs more; a window of a larger WFDB record is still read."""

WHOLE_CAP_BYTES = 64 << 20
"""Largest file (or part of one) that is taken into memory whole: 8 hours of a 3-lead ambulatory ECG in DICOM."""

TEXT_CAP_BYTES = 20 << 20
"""Largest XML or JSON file; the largest real one seen is 0.5 MB."""

MOST_VALUES = 16 << 20
"""Samples x leads that one `read` returns: an hour of 12 leads at 360 Hz. With the copies on the way it stays below 1 GiB."""

_MV_PER_UNIT = {
    "mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6, "v": 1e3,
    "millivolt": 1.0, "microvolt": 1e-3, "nanovolt": 1e-6, "volt": 1e3,
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What the caller says about a file that the file may not say itself.

    fs          Hz; overrides nothing that the file states, fills in what it does not
    unit        "mV", "uV", "nV" or "V", likewise
    leads       names of the columns, in file order, likewise
    start_s     first second to read
    duration_s  how many seconds to read; None reads at most `LONGEST_S`
    age, sex    of the patient; these do override the file
    """

    fs: float | None = None
    unit: str | None = None
    leads: tuple[str, ...] | None = None
    start_s: float = 0.0
    duration_s: float | None = None
    age: float | None = None
    sex: str | None = None

    def window(self, path: Path, samples: int, fs: float, leads: int) -> tuple[int, int]:
        """First sample and one past the last, of a file of `samples` at `fs` Hz in each of `leads`.

        Raises `ECGReadError`: no_signal when the stretch lies outside the file, too_large when it
        holds more than `MOST_VALUES`.
        """
        longest = LONGEST_S if self.duration_s is None else self.duration_s
        first = round(self.start_s * fs)
        last = samples if math.isinf(longest) else min(samples, first + round(longest * fs))
        if not 0 <= first < last:
            raise ECGReadError(
                path,
                f"the file holds {samples / fs:.3g} s, but the stretch asked for begins at {self.start_s:g} s"
                f" and lasts {longest:g} s; ask for one inside the file",
                "no_signal",
            )
        if (last - first) * leads > MOST_VALUES:
            raise ECGReadError(
                path,
                f"{(last - first) / fs:.4g} s of {leads} leads at {fs:g} Hz are {(last - first) * leads} values, but at most {MOST_VALUES}"
                " are read at once; ask for a shorter stretch with --start and --duration",
                "too_large",
            )
        return first, last


@dataclass(frozen=True)
class Reader:
    """One file format.

    name          a short word, unique
    describes     what the format is, for `gem doctor` and for the list an unknown file gets
    sniff         (path, first HEAD_BYTES bytes) -> why the file is of this format, or None
    read          (path, asked) -> Recording in mV; every fault is an `ECGReadError`
    experimental  no file that a device wrote has been read with it yet
    """

    name: str
    describes: str
    sniff: Callable[[Path, bytes], str | None]
    read: Callable[[Path, Asked], Recording]
    experimental: bool = False


def whole(path: Path, cap: int = WHOLE_CAP_BYTES) -> bytes:
    """The content of a file of at most `cap` bytes, else `ECGReadError` (too_large)."""
    size = path.stat().st_size
    if size > cap:
        raise ECGReadError(path, f"is {size / 1e6:.0f} MB; at most {cap / 1e6:.0f} MB of this format are read", "too_large")
    return path.read_bytes()


def mv_per(unit: str, path: Path) -> float:
    """How many mV one `unit` is. Raises `ECGReadError` (bad_unit) for a unit that is no voltage."""
    spelled = unit.strip().lower()
    factor = _MV_PER_UNIT.get(spelled, _MV_PER_UNIT.get(spelled.removesuffix("s")))
    if factor is None:
        raise ECGReadError(path, f"the unit is {unit[:40]!r}, but mV, uV, nV or V is needed; give the right one with --unit", "bad_unit")
    return factor


def stacked(rows: Sequence[np.ndarray], first: int, last: int) -> np.ndarray:
    """Samples first to last of each row as [L, last - first]; NaN where a row has ended."""
    out = np.full((len(rows), last - first), np.nan)
    for line, row in zip(out, rows, strict=True):
        part = row[first:last]
        line[: len(part)] = part
    return out


def checked_rate(fs: float, path: Path) -> float:
    """`fs` when it can be a sampling rate, else `ECGReadError` (bad_rate)."""
    if not (math.isfinite(fs) and 0 < fs <= 100_000):
        raise ECGReadError(path, f"states a sampling rate of {fs:g} Hz; a positive one up to 100 kHz is needed", "bad_rate")
    return float(fs)


def patient_age(text: str | None) -> float | None:
    """Years from free text ("56", "056Y", "NaN"), or None."""
    found = re.search(r"\d+(\.\d+)?", text or "")
    age = float(found.group()) if found else math.nan
    return age if 0 <= age <= 130 else None


def age_between(birth: str, recorded: str) -> float | None:
    """Years from two dates that begin YYYYMMDD (other characters are passed over), or None."""
    dates = []
    for text in (birth, recorded):
        digits = re.sub(r"\D", "", text[:32])[:8]
        try:
            dates.append(date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])))
        except ValueError:
            return None
    years = (dates[1] - dates[0]).days / 365.25
    return round(years, 1) if 0 <= years <= 130 else None


def patient_sex(text: str | None) -> str | None:
    """ "female", "male" or None from free text ("F", "Male", "unknown")."""
    return {"f": "female", "m": "male"}.get((text or "").strip()[:1].lower())
