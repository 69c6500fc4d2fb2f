"""What every reader is, what it may be asked, and the units they all convert from."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gem.ecg.recording import Recording
from gem.errors import ECGReadError

HEAD_BYTES = 65_536
"""How much of a file a reader sees before it must say whether the file is its own."""

LONGEST_S = 60.0
"""Longest stretch read when nobody asks for more: a Holter record is read in windows."""

FILE_CAP_BYTES = 2 << 30
"""No single-file format here needs more; a window of a larger WFDB record is still read."""

_MV_PER_UNIT = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6, "v": 1e3}


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

    def window(self, path: Path, samples: int, fs: float) -> tuple[int, int]:
        """First sample and one past the last, of a file of `samples` at `fs` Hz.

        Raises `ECGReadError` (no_signal) when the stretch lies outside the file.
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
        return first, last


@dataclass(frozen=True)
class Reader:
    """One file format.

    name       a short word, unique
    describes  what the format is, for `gem --help` and for the list an unknown file gets
    sniff      (path, first HEAD_BYTES bytes) -> why the file is of this format, or None
    read       (path, asked) -> Recording in mV; every fault is an `ECGReadError`
    """

    name: str
    describes: str
    sniff: Callable[[Path, bytes], str | None]
    read: Callable[[Path, Asked], Recording]


def mv_per(unit: str, path: Path) -> float:
    """How many mV one `unit` is. Raises `ECGReadError` (bad_unit) for a unit that is no voltage."""
    factor = _MV_PER_UNIT.get(unit.strip().lower())
    if factor is None:
        raise ECGReadError(path, f"the unit is {unit!r}, but mV, uV, nV or V is needed; give the right one with --unit", "bad_unit")
    return factor


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


def patient_sex(text: str | None) -> str | None:
    """ "female", "male" or None from free text ("F", "Male", "unknown")."""
    return {"f": "female", "m": "male"}.get((text or "").strip()[:1].lower())
