"""Delimited text: any separator, decimal comma, header or none, comments, a time column or none.

The file is streamed: only the stretch asked for is kept.
"""

import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gem.ecg.io.reader import HEAD_BYTES, TEXT_CAP_BYTES, Asked, Reader, whole
from gem.ecg.io.table import MOST_COLUMNS, Table, rate_of, split_time, to_recording
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_SEPARATORS = (";", "\t", ",", " ")
_STATED = re.compile(r"^[#%]\s*([A-Za-z_ ]+?)\s*[:=]\s*(.+?)\s*$")
_MISSING = ("", "nan", "NaN", "NA", "N/A", "null", "None", "-", "inf", "-inf", "Inf", "-Inf")


@dataclass(frozen=True)
class _Dialect:
    separator: str
    comma: bool
    """Numbers are written 0,123."""
    header: int
    """Lines before the first row of numbers."""
    names: tuple[str, ...] | None
    width: int
    stated: dict[str, str]
    encoding: str


def _text(head: bytes) -> tuple[str, str] | None:
    """The head as text and its encoding; None when it is binary."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", errors="ignore"), "utf-16"
    if b"\x00" in head:
        return None
    try:
        return head.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as fault:
        if fault.start > len(head) - 4:
            return head[: fault.start].decode("utf-8-sig"), "utf-8"
        return head.decode("latin-1"), "latin-1"


def _fields(line: str, separator: str) -> list[str]:
    parts = line.split() if separator == " " else line.split(separator)
    return [part.strip().strip('"').strip() for part in parts]


def _is_row(fields: list[str], comma: bool) -> bool:
    """Whether most fields are numbers and none is a word."""
    numbers = 0
    for field in fields:
        if field in _MISSING:
            continue
        try:
            float(field.replace(",", ".") if comma else field)
        except ValueError:
            return False
        numbers += 1
    return numbers * 2 >= len(fields) and numbers > 0


def _dialect(head: bytes) -> _Dialect | None:
    """Separator, decimal sign and header of a text whose rows are numbers; None when it is no such text."""
    decoded = _text(head)
    if decoded is None:
        return None
    text, encoding = decoded
    lines = text.splitlines()
    if len(head) == HEAD_BYTES and lines:
        lines = lines[:-1]
    for separator in _SEPARATORS:
        for comma in (False, True):
            if comma and separator == ",":
                continue
            found = _try(lines, separator, comma, encoding)
            if found:
                return found
    return None


def _try(lines: list[str], separator: str, comma: bool, encoding: str) -> _Dialect | None:
    for at in range(min(len(lines) - 1, 60)):
        first, second = _fields(lines[at], separator), _fields(lines[at + 1], separator)
        single = len(first) == 1 and separator == ","
        if len(first) != len(second) or not (len(first) > 1 or single):
            continue
        if not (_is_row(first, comma) and _is_row(second, comma)):
            continue
        names = None
        if at > 0 and not lines[at - 1].startswith(("#", "%")):
            above = _fields(lines[at - 1], separator)
            if len(above) == len(first) and any(name for name in above):
                names = tuple(above)
        stated = {m[1].strip().lower(): m[2] for m in map(_STATED.match, lines[:at]) if m}
        return _Dialect(separator, comma, at, names, len(first), stated, encoding)
    return None


def _sniff(path: Path, head: bytes) -> str | None:
    dialect = _dialect(head)
    if dialect is None or dialect.width > MOST_COLUMNS:
        return None
    sign = "comma" if dialect.comma else "point"
    named = "named" if dialect.names else "unnamed"
    separator = {"\t": "tab", " ": "blank"}.get(dialect.separator, dialect.separator)
    return f"text of {dialect.width} {named} columns, separator {separator!r}, decimal {sign}"


def _read(path: Path, asked: Asked) -> Recording:
    with path.open("rb") as stream:
        dialect = _dialect(stream.read(HEAD_BYTES))
    if dialect is None:
        raise ECGReadError(path, "no rows of numbers", "no_signal")
    names = dialect.names
    keep = [k for k in range(dialect.width) if not (names and names[k] == "" and k > 0)]
    squeezed = _squeezed(path, dialect) if dialect.separator == " " else None
    first_rows = _rows(path, dialect, 0, 1000, squeezed)[0].T
    keep = [k for k in keep if not np.isnan(first_rows[k]).all()] or keep
    kept_names = tuple(names[k] for k in keep) if names else None
    time, time_rate = split_time(kept_names, first_rows[keep])
    if time is not None:
        keep = keep[1:]
        kept_names = kept_names[1:] if kept_names else None
    stated = next((dialect.stated[k] for k in ("fs", "sampling rate", "sampling_rate", "sample rate") if k in dialect.stated), None)
    fs = rate_of(path, _leading_number(stated) or time_rate, asked)
    total = _rows(path, dialect, 0, 0, squeezed)[1]
    first, last = asked.window(path, total, fs, len(keep))
    values = _rows(path, dialect, first, last, squeezed)[0].T[keep]
    table = Table(values, kept_names, fs, dialect.stated.get("unit") or dialect.stated.get("units"), first, total)
    return to_recording(path, table, fs, asked)


def _leading_number(text: str | None) -> float | None:
    found = re.match(r"\d+(\.\d+)?", text or "")
    return float(found.group()) if found else None


def _rows(path: Path, dialect: _Dialect, first: int, last: int, squeezed: bytes | None) -> tuple[np.ndarray, int]:
    """Rows first to last as [rows, width], and how many rows the whole file has (counted only when last = 0).

    squeezed  the file with single blanks, where blanks separate; else it is streamed from the disk
    """
    import pyarrow as pa
    from pyarrow import csv

    columns = [str(k) for k in range(dialect.width)]
    try:
        reader = csv.open_csv(
            str(path) if squeezed is None else io.BytesIO(squeezed),
            read_options=csv.ReadOptions(column_names=columns, skip_rows=dialect.header, encoding=dialect.encoding, block_size=4 << 20),
            parse_options=csv.ParseOptions(delimiter=dialect.separator, ignore_empty_lines=True),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.float64()),
                null_values=list(_MISSING),
                decimal_point="," if dialect.comma else ".",
            ),
        )
        parts, at = [], 0
        for batch in reader:
            begin, end = max(first - at, 0), min(last - at, batch.num_rows)
            if begin < end:
                parts.append(np.stack([c.to_numpy(zero_copy_only=False) for c in batch.slice(begin, end - begin).columns], axis=1))
            at += batch.num_rows
            if 0 < last <= at:
                break
    except (pa.ArrowException, UnicodeError) as fault:
        line = str(fault).splitlines()[0]
        raise ECGReadError(path, f"not a table of numbers throughout: {line}", "malformed") from fault
    return np.concatenate(parts) if parts else np.empty((0, dialect.width)), at


def _squeezed(path: Path, dialect: _Dialect) -> bytes:
    """The file with runs of blanks reduced to one, for rows that are aligned by blanks."""
    text = whole(path, TEXT_CAP_BYTES).decode(dialect.encoding, errors="replace")
    return re.sub(r"[ \t]*(\r?\n)[ \t]*", r"\1", re.sub(r"[ \t]+", " ", text)).strip().encode(dialect.encoding)


READER = Reader("csv", "CSV, TSV and other delimited text (a column a lead)", _sniff, _read)
