"""Which recordings a data set is made from: rows of a CSV, a folder, or a list, below one folder of data."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gem.errors import ConfigError
from gem.files import data_folder
from gem.measure.batch import items_of

_OLDEST = 120.0
"""PTB-XL writes 300 for patients older than 89 (Wagner et al. 2020); that is no age."""


def listed(records: str, where: Mapping[str, Sequence[Any]], text: str | None) -> list[dict[str, Any]]:
    """What `records` names, below the data folder: one {"path", "age", "sex", "text"} a recording; path is relative where it can be.

    records  a CSV with a column `path` beside its files, a folder, a list of paths, or one recording
    where    only rows of the CSV whose column has one of these values
    text     column of the CSV that holds a text; rows without one are left out

    Raises `ConfigError` when nothing is there, or a column is missing.
    """
    base = data_folder()
    named = base / records
    if named.suffix.lower() == ".csv" and named.is_file():
        return _rows(named, base, where, text)
    if where or text:
        raise ConfigError(f"{named}: `where` and `text` name columns, but this is no CSV")
    if not named.exists() and not named.with_name(named.name + ".hea").exists():
        raise ConfigError(f"{named}: no such CSV, folder or recording; `records` is a path below the data folder")
    found = [json.loads(item) for item in items_of([str(named)])]
    return [item | {"path": _below(Path(item["path"]), base)} for item in found]


def _rows(table: Path, base: Path, where: Mapping[str, Sequence[Any]], text: str | None) -> list[dict[str, Any]]:
    with table.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = sorted({"path", *where, *([text] if text else [])} - set(reader.fieldnames or []))
        if missing:
            raise ConfigError(f"{table}: column {', '.join(missing)} is needed, but it has {', '.join(reader.fieldnames or [])}")
        wanted = {column: {str(value) for value in values} for column, values in where.items()}
        rows = [row for row in reader if all(row[column] in values for column, values in wanted.items())]
    out = []
    for row in rows:
        item: dict[str, Any] = {"path": _below(table.parent / row["path"], base)}
        age = row.get("age") or ""
        if age.replace(".", "", 1).isdigit() and float(age) <= _OLDEST:
            item["age"] = float(age)
        if (row.get("sex") or "").lower() in ("female", "male"):
            item["sex"] = row["sex"].lower()
        if text:
            item["text"] = " ".join(row[text].split())
        if not text or item["text"]:
            out.append(item)
    if not out:
        raise ConfigError(f"{table}: no row with {dict(where)}{f' and a text in {text}' if text else ''}")
    return out


def _below(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)
