"""The data of a recipe, opened: rows indexed, recordings prepared, what cannot be read counted before the first step."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gem.conversation import Conversation, Ecg
from gem.errors import ConfigError
from gem.files import data_folder, write_whole
from gem.jsonl import read_rows
from train.data.config import Data
from train.data.index import Rows, file_hash, open_rows
from train.data.signals import Preparation, Signals, key_of, prepare

_SHOWN = 3


def opened(data: Data, files: Mapping[str, float]) -> list[Rows]:
    """One index a file. Raises `ConfigError`."""
    return [open_rows(Path(name), data.cache / "rows") for name in files]


def hashes(data: Data) -> dict[str, str]:
    """SHA-256 of every data file, by name."""
    return {name: file_hash(Path(name), data.cache / "rows") for name in (*data.train, *data.valid)}


def prepared(data: Data, rows: list[Rows], fs: float) -> Signals:
    """All recordings that the rows name, prepared.

    fs  Hz of the prepared recordings, where the recipe names none

    Raises `ConfigError` when more than the tolerated share cannot be read.
    """
    base = data.records or data_folder()
    how = Preparation(data.fs or fs, data.longest_s, data.show.facts or "measured" in data.show.headers or "wrong" in data.show.headers)
    files = [file_hash(one.source, data.cache / "rows") for one in rows]
    digest = hashlib.sha256(json.dumps([str(base), asdict(how), *files]).encode()).hexdigest()[:16]
    known = data.cache / f"signals-of-{digest}"  # so that the rows are read through for their recordings only once
    if known.is_file():
        signals = Signals(data.cache / known.read_text(encoding="utf-8"))
    else:
        signals = prepare(_keys(rows), base, data.cache, how, data.prepare_jobs)
        write_whole(known, signals.folder.name)
    failed = signals.failed()
    if len(failed) > data.tolerate * len(signals):
        first = "; ".join(f"{key}: {why}" for key, why in failed[:_SHOWN])
        raise ConfigError(
            f"{len(failed)} of {len(signals)} recordings cannot be read, more than data.tolerate {data.tolerate:g} allows: {first}"
        )
    return signals


def readings_of(data: Data) -> dict[str, str]:
    """Lines of `show.readings` by recording. Raises `ConfigError` when the file is not there or not as stage align writes it."""
    path = data.show.readings
    if path is None:
        return {}
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; the stage align writes readings.jsonl into its run folder")
    try:
        return {row["recording"]: row["text"] for row in read_rows(path)}
    except KeyError as fault:
        raise ConfigError(f"{path}: rows with recording and text are needed, but one has no {fault}") from fault


def _keys(rows: list[Rows]) -> Iterator[str]:
    for one in rows:
        for k in range(len(one)):
            for ecg in one[k].get("ecgs", ()):
                yield _key(ecg, one, k)


def _key(ecg: Any, rows: Rows, k: int) -> str:
    try:
        return key_of(Ecg.model_validate(ecg))
    except ValueError as fault:
        raise ConfigError(f"{rows.source}: row {k + 1}: ecgs is not a list of recordings ({str(fault).splitlines()[0]})") from fault


def conversation_of(rows: Rows, k: int) -> Conversation:
    """Raises `ConfigError` when the row is no conversation."""
    return Conversation.from_row(rows[k], f"{rows.source}: row {k + 1}")
