"""Rows of a large file by number: where each line begins is kept, memory-mapped; the lines stay on the disk.

A file of 1.2 million rows costs 10 MB of address space that all processes share, and nothing when no row is asked for. Parquet, which
cannot be entered at any row, is written out as JSON lines once.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from gem.errors import ConfigError
from gem.files import write_whole, writing_whole

_CHUNK = 1 << 24


class Rows:
    """The rows of one file; `len`, and `rows[k]` as a dictionary."""

    def __init__(self, source: Path, path: Path, offsets: np.ndarray) -> None:
        self.source, self._path, self._offsets = source, path, offsets
        self._handle: int | None = None
        self._process = -1

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def sizes(self, rows: np.ndarray) -> np.ndarray:
        """Bytes of each row: what sorts rows by length without reading them."""
        return np.asarray(self._offsets[rows + 1] - self._offsets[rows])

    def __getitem__(self, k: int) -> dict[str, Any]:
        """Raises `ConfigError` when the line is no JSON object."""
        if self._handle is None or self._process != os.getpid():  # a worker process opens its own
            self._handle, self._process = os.open(self._path, os.O_RDONLY), os.getpid()
        begin, end = int(self._offsets[k]), int(self._offsets[k + 1])
        try:
            row = json.loads(os.pread(self._handle, end - begin, begin))
        except ValueError as fault:
            raise ConfigError(f"{self.source}: row {k + 1} is not JSON; take that line out") from fault
        if not isinstance(row, dict):
            raise ConfigError(f"{self.source}: row {k + 1} is not a JSON object; take that line out")
        return row

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_handle": None, "_process": -1}


def open_rows(source: Path, cache: Path) -> Rows:
    """Index a .jsonl or .parquet file, or take the index that is there; it is made anew when the file has changed.

    cache  folder for indices. Raises `ConfigError` when the file is not there, of another kind, or has no rows.
    """
    facts = _facts(source)
    if source.suffix not in (".jsonl", ".parquet"):
        raise ConfigError(f"{source}: rows are read from .jsonl or .parquet")
    key = f"{source.resolve()} {facts.st_size} {facts.st_mtime_ns}"
    name = f"{source.stem}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    cache.mkdir(parents=True, exist_ok=True)
    path = source
    if source.suffix == ".parquet":
        path = cache / f"{name}.jsonl"
        if not path.exists():
            _written_out(source, path)
    index = cache / f"{name}.offsets.npy"
    if not index.exists():
        _write_offsets(path, index)
    offsets = np.load(index, mmap_mode="r")
    if len(offsets) < 2:
        raise ConfigError(f"{source}: no rows in it")
    return Rows(source, path, offsets)


def _facts(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read ({fault.strerror}); name a .jsonl or .parquet file of conversations") from fault


def _write_offsets(path: Path, index: Path) -> None:
    """Beginnings of all lines and the end of the last whole one; a last line that a killed run left unfinished is left out."""
    parts, at = [np.zeros(1, np.int64)], 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            parts.append(np.flatnonzero(np.frombuffer(chunk, np.uint8) == ord("\n")) + at + 1)
            at += len(chunk)
    with writing_whole(index) as out:
        np.save(out, np.concatenate(parts), allow_pickle=False)


def _written_out(source: Path, path: Path) -> None:
    import pyarrow.parquet as pq

    with writing_whole(path) as out:
        for batch in pq.ParquetFile(source).iter_batches(batch_size=1024):
            for row in batch.to_pylist():
                row = row if not isinstance(row.get("meta"), str) else row | {"meta": json.loads(row["meta"])}
                out.write(json.dumps({"schema": "gem.conversation/1"} | row, ensure_ascii=False).encode() + b"\n")


def file_hash(path: Path, cache: Path) -> str:
    """SHA-256 of a file, kept beside its size and time so that a corpus is read for it once. Raises `ConfigError`."""
    facts = _facts(path)
    cache.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(f"{path.resolve()} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()[:24]
    kept = cache / f"{key}.sha256"
    if kept.is_file():
        return kept.read_text(encoding="utf-8").strip()
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    write_whole(kept, digest + "\n")
    return digest
