"""ISHNE Holter: a header of 522 bytes, then 16-bit samples of all leads in turn. A window is read, never the whole day.

Experimental: written from the published layout and tested on files made from it; no recorder's file has been read yet.
Source: Badilini 1998, The ISHNE Holter standard output file format, Ann Noninvasive Electrocardiol 3:263-266.
"""

import binascii
import struct
from pathlib import Path

import numpy as np

from gem.ecg.io.reader import Asked, Reader, age_between, checked_rate
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_MARK = b"ISHNE1.0"
_HEADER_BYTES = 522
_MOST_LEADS = 12
_LEADS = {
    2: "VX", 3: "VY", 4: "VZ", 5: "I", 6: "II", 7: "III", 8: "aVR", 9: "aVL", 10: "aVF",
    11: "V1", 12: "V2", 13: "V3", 14: "V4", 15: "V5", 16: "V6", 17: "ES", 18: "AS", 19: "AI",
}  # fmt: skip
_NV = 1e-6
"""Resolutions are in nV; millivolts of one."""
_MISSING = -32768


def _sniff(path: Path, head: bytes) -> str | None:
    return "ISHNE1.0 signature" if head.startswith(_MARK) else None


def _read(path: Path, asked: Asked) -> Recording:
    with path.open("rb") as stream:
        header = stream.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES:
        raise ECGReadError(path, f"ends inside its header of {_HEADER_BYTES} bytes", "truncated")
    variable, declared, _, start = struct.unpack_from("<4i", header, 10)
    (count,) = struct.unpack_from("<h", header, 156)
    if not 1 <= count <= _MOST_LEADS or start < _HEADER_BYTES or variable < 0:
        raise ECGReadError(
            path, f"declares {count} leads that begin at byte {start}; 1 to {_MOST_LEADS} after the header are needed", "malformed"
        )
    fs = checked_rate(struct.unpack_from("<h", header, 272)[0], path)
    samples = _samples(path, declared, max(path.stat().st_size - start, 0) // (2 * count), count)
    first, last = asked.window(path, samples, fs, count)
    resolution = np.array(struct.unpack_from(f"<{count}h", header, 206), dtype=np.float64)
    if (resolution <= 0).any():
        raise ECGReadError(path, "a lead states no resolution (nV a step); it cannot be put in mV", "bad_unit")
    counts = np.fromfile(path, "<i2", (last - first) * count, offset=start + 2 * count * first).reshape(-1, count).T
    return Recording(
        signal=np.where(counts == _MISSING, np.nan, counts * (resolution[:, None] * _NV)),
        fs=fs,
        leads=tuple(_LEADS.get(code, f"lead {code}") for code in struct.unpack_from(f"<{count}h", header, 158)),
        source=str(path),
        history=_checked(path, header, variable),
        age=age_between(_day(header, 132), _day(header, 138)),
        sex={1: "male", 2: "female"}.get(struct.unpack_from("<h", header, 128)[0]),
        start_s=first / fs,
        total_s=samples / fs,
    )


def _samples(path: Path, declared: int, held: int, leads: int) -> int:
    """Samples a lead. Some recorders declare those of all leads together."""
    if declared <= 0 or (declared > held and (declared % leads or declared // leads > held)):
        raise ECGReadError(path, f"declares {declared} samples a lead, but holds {held}", "truncated")
    return declared if declared <= held else declared // leads


def _day(header: bytes, at: int) -> str:
    """YYYYMMDD of day, month and year."""
    day, month, year = struct.unpack_from("<3h", header, at)
    return f"{year:04d}{month:02d}{day:02d}"


def _checked(path: Path, header: bytes, variable: int) -> tuple[str, ...]:
    """What the checksum over header and variable block says, where there is one."""
    (stated,) = struct.unpack_from("<H", header, 8)
    with path.open("rb") as stream:
        covered = stream.read(_HEADER_BYTES + min(variable, 1 << 20))[10:]
    if stated in (0, binascii.crc_hqx(covered, 0xFFFF)):
        return ()
    return ("checksum of the header disagrees: the file may be damaged",)


READER = Reader("ishne", "ISHNE Holter", _sniff, _read, experimental=True)
