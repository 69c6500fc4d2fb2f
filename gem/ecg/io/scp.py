"""SCP-ECG: raw or Huffman coded leads, first or second differences, reference beat subtracted, bimodal or not.

Source: EN 1064:2005 / ISO 11073-91064 (sections 0 to 8, annex C), the OpenECG tutorials on it, and what devices
write: sample counts from 0 or from 1, byte counts that overflow 16 bits, checksums left out. A file whose pointers do not
lead to the sections they name is refused: it is no EN 1064 record, whatever its name says.
"""

import binascii
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gem.ecg.io.codes import lead_of
from gem.ecg.io.huffman import DEFAULT_TABLE, CodeFault, Table, checked_table, decode, default_table, undifferenced
from gem.ecg.io.reader import MOST_VALUES, Asked, Reader, checked_rate, whole
from gem.ecg.io.scp_text import age_of, device_of, sex_of
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_HEADER = struct.Struct("<HHIBB6s")
_POINTER = struct.Struct("<HII")
_NV = 1e-6
"""Amplitudes are in nV; millivolts of one."""
_LARGEST_FACTOR = 16
_MOST_CODED = 1 << 20
"""Huffman coded bytes of all leads: 60 s of 12 leads at 500 Hz take half of it."""
_MOST_BEATS = 5000


@dataclass
class _Sections:
    """path: the file, for messages; body: section number -> its bytes after the header; notes: for the history."""

    path: Path
    body: dict[int, bytes]
    notes: list[str] = field(default_factory=list)

    def fields(self, number: int, layout: str, at: int = 0) -> tuple[int, ...]:
        """Little-endian numbers of a section. Raises `ECGReadError` (truncated) where it ends before them."""
        found = self.body.get(number)
        if found is None:
            raise ECGReadError(self.path, f"section {number} is needed, but the file has none", "malformed")
        try:
            return struct.unpack_from(f"<{layout}", found, at)
        except struct.error as fault:
            raise ECGReadError(self.path, f"section {number} ends at byte {len(found)}, before what it declares", "truncated") from fault


@dataclass(frozen=True)
class _Lead:
    """start: number of its first sample; samples: how many section 3 declares."""

    name: str
    start: int
    samples: int


def _sniff(path: Path, head: bytes) -> str | None:
    if len(head) < 32 or head[8:10] != b"\0\0":
        return None
    if head[16:22] == b"SCPECG":
        return "SCPECG in the pointer section"
    number, length, index = _POINTER.unpack_from(head, 22)
    if number == 0 and length >= 26 and head[10:14] == struct.pack("<I", length) and index in (6, 7):
        return "pointer section of SCP-ECG, without its mark"
    return None


def _sections(path: Path, content: bytes) -> _Sections:
    """Every section that the pointers name, checked against its own header."""
    _, _, length, *_ = _HEADER.unpack_from(content, 6)
    found = _Sections(path, {})
    for at in range(22, min(6 + length, len(content)) - _POINTER.size + 1, _POINTER.size):
        number, size, index = _POINTER.unpack_from(content, at)
        if not 1 <= number <= 11 or size <= _HEADER.size:
            continue
        start = index - 1
        if start < 0 or start + size > len(content):
            raise ECGReadError(path, f"section {number} should end at byte {start + size}, but the file has {len(content)}", "truncated")
        crc, named, *_ = _HEADER.unpack_from(content, start)
        if named != number:
            raise ECGReadError(
                path, f"section {number} is not where the pointers say (section {named} is): not a conforming SCP-ECG file", "malformed"
            )
        found.body[number] = content[start + _HEADER.size : start + size]
        if 2 <= number <= 6 and crc not in (0, 0xFFFF, binascii.crc_hqx(content[start + 2 : start + size], 0xFFFF)):
            found.notes.append(f"checksum of section {number} disagrees: the file may be damaged")
    return found


def _read(path: Path, asked: Asked) -> Recording:
    content = whole(path)
    if len(content) < 32:
        raise ECGReadError(path, "ends inside its pointer section", "truncated")
    sections = _sections(path, content)
    leads, subtracted = _leads(sections)
    tables = _tables(sections)
    signal, fs = _rhythm(sections, leads, tables, subtracted)
    first, last = asked.window(path, signal.shape[1], fs, len(leads))
    return Recording(
        signal=signal[:, first:last],
        fs=fs,
        leads=tuple(lead.name for lead in leads),
        source=str(path),
        history=tuple(sections.notes),
        age=age_of(sections.body.get(1, b"")),
        sex=sex_of(sections.body.get(1, b"")),
        start_s=first / fs,
        total_s=signal.shape[1] / fs,
        device_said=device_of(sections.body),
    )


def _leads(sections: _Sections) -> tuple[list[_Lead], bool]:
    """Section 3: the leads, and whether a reference beat was subtracted from them."""
    count, flags = sections.fields(3, "BB")
    if count == 0:
        raise ECGReadError(sections.path, "declares no leads", "no_signal")
    leads = []
    for k in range(count):
        start, end, code = sections.fields(3, "IIB", 2 + 9 * k)
        if end < start:
            raise ECGReadError(sections.path, f"lead {k + 1} ends at sample {end}, before it begins ({start})", "malformed")
        leads.append(_Lead(lead_of(code) or f"lead {code}", start, end - start + 1))
    span = max(lead.start + lead.samples for lead in leads) - min(lead.start for lead in leads)
    if span * count > MOST_VALUES:
        raise ECGReadError(sections.path, f"declares {count} leads over {span} samples, which no such file holds", "malformed")
    return leads, bool(flags & 1)


def _tables(sections: _Sections) -> list[Table]:
    """Section 2: the Huffman tables; none for samples of 16 plain bits."""
    if 2 not in sections.body:
        return []
    (count,) = sections.fields(2, "H")
    if count == DEFAULT_TABLE:
        return [default_table()]
    tables, at = [], 2
    try:
        for _ in range(count):
            (rows,) = sections.fields(2, "H", at)
            read = [sections.fields(2, "BBBhI", at + 2 + 9 * k) for k in range(rows)]
            tables.append(checked_table([(a, b, c, d, e) for a, b, c, d, e in read], count))
            at += 2 + 9 * rows
    except CodeFault as fault:
        raise ECGReadError(sections.path, f"its Huffman tables hold {fault}", "malformed") from fault
    return tables


def _rhythm(sections: _Sections, leads: list[_Lead], tables: list[Table], subtracted: bool) -> tuple[np.ndarray, float]:
    """[L, T] mV at full rate, NaN where a lead was not recorded, and the rate in Hz."""
    avm, interval, order, bimodal = sections.fields(6, "HHBB")
    beat_avm, beat_interval = sections.fields(5, "HH") if 5 in sections.body else (avm, interval)
    factor = 1
    if (bimodal or subtracted) and 5 in sections.body and beat_interval:
        factor = round(interval / beat_interval)
        if not 1 <= factor <= _LARGEST_FACTOR or abs(factor * beat_interval - interval) > factor:
            raise ECGReadError(sections.path, f"rhythm every {interval} us does not fit a beat every {beat_interval} us", "malformed")
    elif bimodal:
        raise ECGReadError(sections.path, "bimodal compression needs the rate of section 5, which is not there", "malformed")
    fs = _rate(sections.path, beat_interval if factor > 1 else interval)
    beats, zones = _beats(sections) if bimodal or subtracted else ([], [])
    origin = min(lead.start for lead in leads)
    signal = np.full((len(leads), max(lead.start + lead.samples for lead in leads) - origin), np.nan)
    packed = _packed(sections, 6, leads, tables)
    for row, lead, content in zip(signal, leads, packed, strict=True):
        free = _zones_of(lead, zones) if bimodal else []
        samples = _decoded(sections, content, tables, _stored(lead.samples, free, factor), order, lead)
        whole_rate = _expanded(samples, free, lead.samples, factor)
        row[lead.start - origin : lead.start - origin + len(whole_rate)] = whole_rate * (avm * _NV)
    if subtracted:
        _add_beats(sections, signal, leads, tables, beats, beat_avm * _NV, beat_interval)
    return signal, fs


def _rate(path: Path, interval_us: int) -> float:
    """Hz of an interval in whole us; 1667 us is 600 Hz, not 599.88, where a whole rate rounds to it."""
    if interval_us == 0:
        raise ECGReadError(path, "states a sampling interval of 0 us", "bad_rate")
    rate = round(1e6 / interval_us)
    return checked_rate(rate if rate and round(1e6 / rate) == interval_us else 1e6 / interval_us, path)


def _packed(sections: _Sections, number: int, leads: list[_Lead], tables: list[Table]) -> list[bytes]:
    """The bytes of each lead of section 5 or 6."""
    sizes = list(sections.fields(number, f"{len(leads)}H", 6))
    body, at = sections.body[number], 6 + 2 * len(leads)
    plain = [2 * lead.samples for lead in leads]
    if not tables and number == 6 and sizes != plain and all(a == b % 65536 for a, b in zip(sizes, plain, strict=True)):
        sizes = plain
        sections.notes.append("byte counts of the leads overflow 16 bits; the sample counts of section 3 taken")
    if at + sum(sizes) > len(body):
        raise ECGReadError(
            sections.path, f"section {number} declares {sum(sizes)} bytes of samples but holds {max(0, len(body) - at)}", "truncated"
        )
    if tables and sum(sizes) > _MOST_CODED:
        raise ECGReadError(sections.path, f"holds {sum(sizes)} coded bytes; at most {_MOST_CODED} are decoded", "too_large")
    ends = at + np.cumsum([0, *sizes])
    return [body[a:b] for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]


def _decoded(sections: _Sections, content: bytes, tables: list[Table], wanted: int, order: int, lead: _Lead) -> np.ndarray:
    """`wanted` samples of one lead. One fewer is accepted: devices that count from 0 declare one too many."""
    if order > 2:
        raise ECGReadError(sections.path, f"samples are coded as differences of order {order}; 0 to 2 are known", "unsupported")
    try:
        values = decode(content, tables, wanted) if tables else np.frombuffer(content[: len(content) // 2 * 2], "<i2")[:wanted]
    except CodeFault as fault:
        raise ECGReadError(sections.path, f"lead {lead.name} cannot be decoded: {fault}", "malformed") from fault
    if len(values) < wanted - 1 or not len(values):
        raise ECGReadError(sections.path, f"lead {lead.name} declares {wanted} samples but holds {len(values)}", "truncated")
    return undifferenced(values, order)


def _beats(sections: _Sections) -> tuple[list[tuple[int, int, int]], list[tuple[int, int]]]:
    """Section 4: (first, fiducial, last) sample of every beat of type 0, and the protected zones (first, last)."""
    _, _, count = sections.fields(4, "HHH")
    if count > _MOST_BEATS:
        raise ECGReadError(sections.path, f"declares {count} beats; at most {_MOST_BEATS} are read", "too_large")
    found = [sections.fields(4, "HIII", 6 + 14 * k) for k in range(count)]
    try:
        zones = [sections.fields(4, "II", 6 + 14 * count + 8 * k) for k in range(count)]
    except ECGReadError:
        zones = []  # left out where nothing is compressed bimodally
    return [(start, fiducial, end) for kind, start, fiducial, end in found if kind == 0], [(a, b) for a, b in zones]


def _zones_of(lead: _Lead, zones: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Protected zones as [first, last) from the lead's first sample, inside it, in order, none overlapping."""
    out: list[tuple[int, int]] = []
    for first, last in sorted(zones):
        begin = max(first - lead.start, out[-1][1] if out else 0)
        end = min(last - lead.start + 1, lead.samples)
        if begin < end:
            out.append((begin, end))
    return out


def _stored(samples: int, zones: list[tuple[int, int]], factor: int) -> int:
    """How many samples of a lead are stored: all inside zones, between them one for each `factor`, then the odd ones."""
    count, at = 0, 0
    for begin, end in [*zones, (samples, samples)]:
        count += sum(divmod(begin - at, factor)) + end - begin
        at = end
    return count


def _expanded(stored: np.ndarray, zones: list[tuple[int, int]], samples: int, factor: int) -> np.ndarray:
    """Samples at full rate. A stored mean stands in the middle of its `factor` samples, with straight lines between."""
    if factor == 1:
        return stored
    out = np.zeros(samples)
    taken = at = 0
    padded = np.concatenate([stored, stored[-1:]])  # the one sample that may be missing
    for begin, end in [*zones, (samples, samples)]:
        groups, odd = divmod(begin - at, factor)
        if groups:
            middle = np.arange(groups) * factor + factor // 2
            out[at : at + groups * factor] = np.interp(np.arange(groups * factor), middle, padded[taken : taken + groups])
        plain = odd + end - begin
        out[end - plain : end] = padded[taken + groups : taken + groups + plain]
        taken, at = taken + groups + plain, end
    return out


def _add_beats(
    sections: _Sections,
    signal: np.ndarray,
    leads: list[_Lead],
    tables: list[Table],
    beats: list[tuple[int, int, int]],
    mv: float,
    interval_us: int,
) -> None:
    """Put the reference beat (section 5) back where it was subtracted."""
    length_ms, fiducial, _ = sections.fields(4, "HHH")
    (order,) = sections.fields(5, "B", 4)
    wanted = length_ms * 1000 // max(interval_us, 1)
    origin = min(lead.start for lead in leads)
    for row, lead, content in zip(signal, leads, _packed(sections, 5, leads, tables), strict=True):
        beat = _decoded(sections, content, tables, wanted, order, lead) * mv
        for start, at, end in beats:
            source = fiducial - 1 - (at - start)
            target = start - origin
            first = max(0, -source, -target)
            count = min(end - start + 1 - first, len(beat) - source - first, len(row) - target - first)
            if count > 0:
                row[target + first : target + first + count] += beat[source + first : source + first + count]


READER = Reader("scp", "SCP-ECG (EN 1064)", _sniff, _read)
