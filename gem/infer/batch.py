"""Many records -> one row each in a JSONL file, which goes on where it stopped; a record that failed is a row with its reason."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gem.ecg.io import read
from gem.ecg.quality import inspect
from gem.ecg.recording import Recording
from gem.errors import ConfigError, GemError
from gem.infer.pipeline import interpret, verified
from gem.jsonl import Appender, appending, read_rows
from gem.knowledge.find import find
from gem.measure.measure import measure_recording
from gem.measure.measurement import Measurements
from gem.report.report import Report, VerifiedReport
from gem.report.write import WRITER

if TYPE_CHECKING:
    from gem.infer.writer import Writer


@dataclass(frozen=True)
class Tally:
    """rows in the file, those of them that failed, and how many this run wrote."""

    rows: int
    failed: int
    new: int


def batch(items: Sequence[str], out: Path, writer: "Writer | None" = None, size: int = 8) -> Tally:
    """Interpret every item that has no row yet.

    items   JSON objects {"path", "age", "sex"} (`gem.measure.batch.items_of`)
    writer  a model, or None for the template
    size    records that a model answers together

    Raises `ConfigError` when `out` holds rows of another writer.
    """
    name = writer.name if writer else WRITER
    there = list(read_rows(out)) if out.exists() else []
    others = sorted({str(row.get("writer")) for row in there} - {name})
    if others:
        raise ConfigError(f"{out}: holds rows of another writer ({', '.join(others)}, not {name}); choose another file")
    done = {str(row["source"]) for row in there}
    todo = list({item["path"]: item for item in map(json.loads, items) if item["path"] not in done}.values())
    failed = sum("error" in row for row in there)
    with appending(out) as rows:
        for at in range(0, len(todo), size):
            failed += _some(todo[at : at + size], rows, writer, name)
            _progress(min(at + size, len(todo)), len(todo))
    return Tally(len(there) + len(todo), failed, len(todo))


def _some(items: list[dict[str, Any]], rows: Appender, writer: "Writer | None", name: str) -> int:
    """Rows of a few records; returns how many failed."""
    failed = 0
    for path, result in _reports(items, writer):
        if isinstance(result, GemError):
            failed += 1
            rows.write({"source": path, "writer": name, "error": {"code": result.code, "message": str(result)}})
        else:
            rows.write(result.to_json() | {"source": path})
    return failed


def _reports(items: list[dict[str, Any]], writer: "Writer | None") -> Iterator[tuple[str, VerifiedReport | GemError]]:
    cases: list[tuple[str, Recording, Measurements]] = []
    for item in items:
        known = {key: item[key] for key in ("age", "sex") if key in item}
        try:
            recording = read(item["path"], **known)
            if writer is None:
                yield item["path"], interpret(recording)
            else:
                cases.append((item["path"], recording, measure_recording(recording, inspect(recording))))
        except GemError as fault:
            yield item["path"], fault
    if writer is None or not cases:
        return
    for (path, recording, measurements), written in zip(cases, _written(writer, cases), strict=True):
        yield path, written if isinstance(written, GemError) else _verified(recording, measurements, written)


def _written(writer: "Writer", cases: Sequence[tuple[str, Recording, Measurements]]) -> list[Report | GemError]:
    """All together; where that fails one by one, so that one record does not take the others with it."""
    try:
        return list(writer.write_all([case[1:] for case in cases], len(cases)))
    except GemError:
        out: list[Report | GemError] = []
        for _, recording, measurements in cases:
            try:
                out.append(writer.write(recording, measurements))
            except GemError as fault:
                out.append(fault)
        return out


def _verified(recording: Recording, measurements: Measurements, report: Report) -> VerifiedReport:
    return verified(recording.source, report, measurements, find(measurements))


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done}/{total} records{chr(10) if done == total else ''}")
