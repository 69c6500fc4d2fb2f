"""What SCP-ECG says in words: age and sex (section 1), the device's measurements and statements (sections 7 and 8).

Names, numbers and dates of the patient are never returned. Source: EN 1064, sections 1, 7 and 8.
"""

import struct
from collections.abc import Iterator, Mapping

from gem.ecg.device import DeviceSaid, device_said
from gem.ecg.io.reader import age_between

_NOT_MEASURED = 19999
"""From here on a measurement means: not computed, rejected, or not there."""
_PER_YEAR = {1: 1.0, 2: 12.0, 3: 52.18, 4: 365.25, 5: 8766.0}
_QTC = {1: "qtc_bazett", 2: "qtc_hodges"}
_MOST_STATEMENTS = 255


def _tags(header: bytes) -> dict[int, bytes]:
    """The fields of section 1; the first of each number."""
    tags: dict[int, bytes] = {}
    at = 0
    while at + 3 <= len(header) and header[at] != 255:
        (length,) = struct.unpack_from("<H", header, at + 1)
        tags.setdefault(header[at], header[at + 3 : at + 3 + length])
        at += 3 + length
    return tags


def _date(value: bytes) -> str:
    if len(value) < 4:
        return ""
    year, month, day = struct.unpack_from("<HBB", value)
    return f"{year:04d}{month:02d}{day:02d}"


def age_of(header: bytes) -> float | None:
    """Years, stated or from the date of birth to that of the recording."""
    tags = _tags(header)
    if len(tags.get(4, b"")) >= 3:
        value, unit = struct.unpack_from("<HB", tags[4])
        years: float = value / _PER_YEAR.get(unit, float("inf"))
        if 0 < years <= 130:
            return round(years, 1)
    return age_between(_date(tags.get(5, b"")), _date(tags.get(25, b"")))


def sex_of(header: bytes) -> str | None:
    return {b"\x01": "male", b"\x02": "female"}.get(_tags(header).get(8, b"")[:1])


def device_of(body: Mapping[int, bytes]) -> DeviceSaid:
    """What the device measured and stated. Sections cut short say less; they are no reason to refuse the signal."""
    return device_said(_model(body.get(1, b"")), _measured(body.get(7, b"")), _statements(body.get(8, b"")))


def _model(header: bytes) -> str:
    """Maker (the last text of tag 14) and model."""
    machine = _tags(header).get(14, b"")
    texts = [_text(part) for part in machine[36:].split(b"\0") if len(part) > 3]
    return f"{texts[-1] if texts else ''} {_text(machine[8:14].split(bytes(1))[0])}"


def _measured(section: bytes) -> dict[str, int]:
    """Section 7: of the first reference beat, onsets and offsets in ms as intervals."""
    if len(section) < 22:
        return {}
    beats, spikes, rr = struct.unpack_from("<BBH", section)
    edges = struct.unpack_from("<5H3h", section, 6)
    found = {"rr_interval": rr} if rr < _NOT_MEASURED else {}
    if beats:
        p_on, p_off, qrs_on, qrs_off, t_off = edges[:5]
        spans = {"p_duration": (p_on, p_off), "pr_interval": (p_on, qrs_on), "qrs_duration": (qrs_on, qrs_off)}
        spans["qt_interval"] = (qrs_on, t_off)
        found |= {name: last - first for name, (first, last) in spans.items() if max(first, last) < _NOT_MEASURED}
        found |= {name: axis for name, axis in zip(("p_axis", "qrs_axis", "t_axis"), edges[5:], strict=True) if abs(axis) <= 180}
    at = 6 + 16 * beats + 10 * spikes
    if at + 2 <= len(section):
        (count,) = struct.unpack_from("<H", section, at)
        at += 2 + count
        if at + 7 <= len(section):
            rate, atrial, qtc, formula = struct.unpack_from("<HHHB", section, at)
            named = {"heart_rate": rate, "atrial_rate": atrial, _QTC.get(formula, "qtc"): qtc}
            found |= {name: value for name, value in named.items() if value < _NOT_MEASURED}
    return found


def _statements(section: bytes) -> Iterator[str]:
    """Section 8: after date and time, numbered lines of text."""
    if len(section) < 9:
        return
    at = 9
    for _ in range(min(section[8], _MOST_STATEMENTS)):
        if at + 3 > len(section):
            return
        (length,) = struct.unpack_from("<H", section, at + 1)
        yield _text(section[at + 3 : at + 3 + length])
        at += 3 + length


def _text(content: bytes) -> str:
    """Text up to its zero byte: UTF-8 where it is, else Latin-1."""
    content = content.split(b"\0")[0]
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")
