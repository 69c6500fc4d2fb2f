"""EDF, EDF+ and BDF: fixed headers, digital samples with a physical range, a rate of its own for every signal.

The header is checked here, before pyEDFlib opens the file: what it declares must be what the file holds, to the byte
(its C code prints on stdout where that is not so). Source: Kemp et al. 1992 and Kemp and Olivan 2003 (EDF, EDF+); BioSemi (BDF).
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gem.ecg.io.reader import Asked, Reader, age_between, checked_rate, mv_per, patient_sex
from gem.ecg.lead import canonical, is_known
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_FIXED, _PER_SIGNAL = 256, 256
_MOST_SIGNALS = 512
_ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
_ECG = re.compile(r"\s*(ECG|EKG)", re.IGNORECASE)
_COARSE_MV = 0.01
"""A step above this hides small Q waves and ST changes: AHA/ACCF/HRS 2007, part I, asks for 5 uV or less."""
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True)
class _Signal:
    """index in the file, label, unit, mV a step, rate in Hz, samples."""

    index: int
    label: str
    unit: str
    step: float
    fs: float
    samples: int


@dataclass(frozen=True)
class _Header:
    signals: tuple[_Signal, ...]
    patient: str
    recording: str


def _sniff(path: Path, head: bytes) -> str | None:
    if head.startswith(b"\xffBIOSEMI"):
        return "BDF signature"
    return "EDF version 0 and a header length" if head.startswith(b"0       ") and head[184:192].strip().isdigit() else None


def _read(path: Path, asked: Asked) -> Recording:
    import pyedflib

    header = _header(path)
    chosen, notes = _chosen(path, header)
    fs, total = chosen[0].fs, chosen[0].samples
    first, last = asked.window(path, total, fs, len(chosen))
    factors = [mv_per(signal.unit or asked.unit or "", path) for signal in chosen]
    try:
        with pyedflib.EdfReader(str(path), annotations_mode=pyedflib.DO_NOT_READ_ANNOTATIONS) as file:
            signal = np.stack([file.readSignal(s.index, first, last - first) for s in chosen])
    except Exception as fault:  # pyEDFlib raises whatever its C code returns
        raise ECGReadError(path, f"pyEDFlib cannot read it ({str(fault)[:120]})", "malformed") from fault
    coarse = max(s.step * factor for s, factor in zip(chosen, factors, strict=True))
    if coarse > _COARSE_MV:
        notes.append(f"one step is {coarse * 1000:.3g} uV: amplitudes are coarse")
    return Recording(
        signal=signal * np.array(factors)[:, None],
        fs=fs,
        leads=tuple(canonical(s.label) for s in chosen),
        source=str(path),
        history=tuple(notes),
        age=age_between(_day(header.patient), _day(header.recording)),
        sex=patient_sex(found[1]) if (found := re.match(r"\S+\s+([FM])\s", header.patient)) else None,
        start_s=first / fs,
        total_s=total / fs,
    )


def _header(path: Path) -> _Header:
    """The header, once the file is proved to hold what it declares."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        fixed = stream.read(_FIXED)
        count = _whole(path, fixed[252:256], "the number of signals") if len(fixed) == _FIXED else 0
        if not 1 <= count <= _MOST_SIGNALS:
            raise ECGReadError(path, f"declares {count} signals; 1 to {_MOST_SIGNALS} are read", "malformed")
        rest = stream.read(count * _PER_SIGNAL)
    if len(rest) < count * _PER_SIGNAL:
        raise ECGReadError(path, f"ends inside the header of its {count} signals", "truncated")
    if fixed[196:197] == b"D":
        raise ECGReadError(path, "has gaps (EDF+D); export it as a continuous EDF+C", "unsupported")
    wide = 3 if fixed[0] == 0xFF else 2
    records, duration = (
        _whole(path, fixed[236:244], "the number of data records"),
        _number(path, fixed[244:252], "the duration of a record"),
    )
    fields = [_field(rest, count, *place) for place in ((0, 16), (96, 8), (104, 8), (112, 8), (120, 8), (128, 8), (216, 8))]
    labels, units, *_ = fields
    per_record = [_whole(path, text, "samples a record") for text in fields[6]]
    wanted = _FIXED + count * _PER_SIGNAL + records * sum(per_record) * wide
    if records < 1 or duration < 0 or min(per_record) < 1 or size != wanted:
        code = "truncated" if size < wanted else "malformed"
        raise ECGReadError(
            path, f"declares {records} records of {sum(per_record)} samples ({wanted} bytes), but is {size} bytes long", code
        )
    signals = []
    for k, label in enumerate(labels):
        if _text(label) in _ANNOTATIONS:
            continue
        fs = checked_rate(round(per_record[k] / duration, 6) if duration else math.nan, path)
        low, high, least, most = (_number(path, fields[n][k], f"the range of signal {k + 1}") for n in (2, 3, 4, 5))
        if most <= least or high == low:
            raise ECGReadError(path, f"signal {k + 1} has an empty range ({low:g} to {high:g}, {least:g} to {most:g})", "malformed")
        signals.append(_Signal(k, _text(label), _text(units[k]), abs(high - low) / (most - least), fs, records * per_record[k]))
    return _Header(tuple(signals), _text(fixed[8:88]), _text(fixed[88:168]))


def _field(rest: bytes, count: int, at: int, width: int) -> list[bytes]:
    start = at * count
    return [rest[start + k * width : start + (k + 1) * width] for k in range(count)]


def _text(content: bytes) -> str:
    return content.decode("latin-1").strip()


def _number(path: Path, content: bytes, what: str) -> float:
    try:
        value = float(_text(content))
    except ValueError as fault:
        raise ECGReadError(path, f"{what} is {_text(content)[:20]!r}; a number is needed", "malformed") from fault
    if not math.isfinite(value):
        raise ECGReadError(path, f"{what} is {value}; a finite number is needed", "malformed")
    return value


def _whole(path: Path, content: bytes, what: str) -> int:
    value = _number(path, content, what)
    if value != int(value):
        raise ECGReadError(path, f"{what} is {value}; a whole number is needed", "malformed")
    return int(value)


def _chosen(path: Path, header: _Header) -> tuple[list[_Signal], list[str]]:
    """The ECG signals of one rate, and what was left out."""
    ecg = [s for s in header.signals if is_known(canonical(s.label))] or [s for s in header.signals if _ECG.match(s.label)]
    if not ecg:
        listed = ", ".join(s.label for s in header.signals[:12])
        raise ECGReadError(path, f"no signal is named as an ECG lead (I, ECG V1, EKG ...); it holds {listed or 'none'}", "bad_leads")
    kinds = [(s.fs, s.samples) for s in ecg]
    most = max(kinds, key=lambda kind: (kinds.count(kind), kind))
    chosen = [s for s in ecg if (s.fs, s.samples) == most]
    left = [s.label for s in header.signals if s not in chosen]
    return chosen, [f"signals left out: {', '.join(left[:12])}"] if left else []


def _day(text: str) -> str:
    """YYYYMMDD of the first date like 02-MAY-1951, or ""."""
    found = re.search(r"(\d{2})-([A-Z]{3})-(\d{4})", text)
    return f"{found[3]}{_MONTHS.index(found[2]) + 1:02d}{found[1]}" if found and found[2] in _MONTHS else ""


READER = Reader("edf", "EDF, EDF+ and BDF", _sniff, _read)
