"""Apple Watch ECG exported by the Health app: some lines of `key,value` in the language of the phone, then one number a line.

The keys differ between languages, so rate, unit and lead are found by their values. The person's name and date of birth, in the
first two lines, are never kept.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gem.ecg.device import DeviceSaid, device_said
from gem.ecg.io.reader import HEAD_BYTES, Asked, Reader, checked_rate, mv_per, whole
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_HEAD_LINES = 30
_CAP_BYTES = 4 << 20
"""30 s take 0.12 MB."""
_RATE = re.compile(
    r"^[^,;]{1,40}[,;]\s*\"?\s*(\d{2,4}(?:[.,]\d{1,6})?)\s*(?:hertz|hercios|herz|hz|赫兹|赫茲|ヘルツ|헤르츠|герц)", re.IGNORECASE
)
_UNIT = re.compile(r"^[^,;]{1,40}[,;]\s*\"?\s*([µμu]V|mV)\s*\"?\s*$", re.IGNORECASE)
_LEAD = re.compile(r"^[^,;]{1,40}[,;].*\b(III|II|I)\s*\"?\s*$")
_NUMBER = re.compile(r"[+-]?(?:\d{1,9}(?:[.,]\d{0,12})?|[.,]\d{1,12})(?:[eE][+-]?\d{1,2})?\Z", re.ASCII)
_CLASSIFIED = re.compile(r"^(classif|klassif|clasif)\w*[,;](.*)$", re.IGNORECASE)
_DEVICE = re.compile(r"^[^,;]{1,40}[,;]\s*\"?(Watch[\w ,]{1,20}?)\"?\s*$")


def _first(pattern: re.Pattern[str], lines: Sequence[str]) -> re.Match[str] | None:
    return next((found for line in lines if (found := pattern.match(line))), None)


def _head(content: bytes) -> list[str]:
    return content.decode("utf-8-sig", errors="replace").splitlines()[:_HEAD_LINES]


def _sniff(path: Path, head: bytes) -> str | None:
    lines = _head(head[:HEAD_BYTES])
    rate, unit = _first(_RATE, lines), _first(_UNIT, lines)
    return f"rate and unit in the lines of an Apple Watch export ({rate[1]} Hz, {unit[1]})" if rate and unit else None


def _read(path: Path, asked: Asked) -> Recording:
    lines = whole(path, _CAP_BYTES).decode("utf-8-sig", errors="replace").splitlines()
    head = lines[:_HEAD_LINES]
    rate, unit = _first(_RATE, head), _first(_UNIT, head)
    if rate is None or unit is None:
        raise ECGReadError(path, "states no rate in hertz or no unit", "malformed")
    fs = checked_rate(float(rate[1].replace(",", ".")), path)
    values = _values(path, lines)
    first, last = asked.window(path, len(values), fs, 1)
    lead = _first(_LEAD, head)
    return Recording(
        signal=values[None, first:last] * mv_per(unit[1], path),
        fs=fs,
        leads=(lead[1] if lead else "I",),
        source=str(path),
        start_s=first / fs,
        total_s=len(values) / fs,
        device_said=_device(head),
    )


def _values(path: Path, lines: list[str]) -> np.ndarray:
    """The numbers after the head, one a line; a decimal comma is one."""
    begin = next((k for k, line in enumerate(lines) if _NUMBER.match(line.strip().strip('"'))), len(lines))
    out = []
    for at, line in enumerate(lines[begin:], start=begin + 1):
        text = line.strip().strip('"')
        if not text:
            continue
        if not _NUMBER.match(text):
            raise ECGReadError(path, f"line {at} is {text[:20]!r}; a number is needed", "malformed")
        out.append(float(text.replace(",", ".")))
    return np.array(out)


def _device(head: list[str]) -> DeviceSaid:
    """The watch's own classification."""
    model, said = _first(_DEVICE, head), _first(_CLASSIFIED, head)
    return device_said(f"Apple {model[1]}" if model else "Apple", {}, [said[2].strip().strip('"')] if said else [])


READER = Reader("apple", "Apple Watch ECG (CSV of the Health app)", _sniff, _read)
