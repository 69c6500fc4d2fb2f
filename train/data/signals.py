"""Recordings prepared once: read, brought to one rate, kept as whole microvolts in packs that are memory-mapped.

Reading a file, resampling and measuring cost tens of milliseconds, an epoch would pay them again, and a training step on a small model
takes no longer. One microvolt is finer than the recorders' own steps (PTB-XL: 1 or 5 uV). Packs are made in shards by `gem.runner`, so a
run that was killed goes on, and several processes or machines may share the work.
"""

import hashlib
import json
import mmap
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gem.conversation import Ecg
from gem.ecg.filter import resample
from gem.ecg.io import read
from gem.ecg.recording import Recording
from gem.errors import ConfigError, GemError, NotReadable
from gem.files import write_whole, writing_whole
from gem.image.header import Header
from gem.infer.facts import fact_block
from gem.measure.measure import measure_recording
from gem.runner import Shard, plan, run

SCHEMA = "gem.signals/1"
_UV = 1000.0
_MISSING = np.iinfo(np.int16).min
_PER_SHARD = 256
_INDEX, _META = "index.npy", "meta.jsonl"
_INDEX_TYPE = np.dtype([("key", "u8"), ("at", "i8"), ("bytes", "i8")])


@dataclass(frozen=True)
class Kept:
    """One prepared recording.

    facts   what was measured, as a text before the question; "" where it was not asked for or nothing could be
    header  what a cart would print; None likewise
    """

    recording: Recording
    facts: str
    header: Header | None


@dataclass(frozen=True)
class Preparation:
    """What decides the packs: rate in Hz, seconds from the beginning, and whether everything is measured."""

    fs: float
    longest_s: float
    measured: bool


def key_of(ecg: Ecg) -> str:
    """The name of a recording below the data folder; a row of a file that holds many has its number in it."""
    return ecg.path if ecg.row is None else f"{ecg.path}#{ecg.row}"


def _number(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")


def prepare(keys: Iterable[str], base: Path, cache: Path, how: Preparation, jobs: int) -> "Signals":
    """Prepare every recording that is not there yet.

    base   the folder that the keys lie below
    cache  folder for packs

    A recording that cannot be read is kept with its reason (`Signals.failed`). Raises `ConfigError` when there is none at all.
    """
    items = sorted(set(keys))
    if not items:
        raise ConfigError("the rows name no recordings")
    digest = hashlib.sha256(json.dumps([SCHEMA, asdict(how), items]).encode()).hexdigest()[:12]
    folder = cache / f"signals-{digest}"
    if not (folder / _INDEX).exists():
        shards = plan(items, folder / "shards", _PER_SHARD, ".pack", {"schema": SCHEMA} | asdict(how))
        run(partial(_write, base=base, how=how), shards, jobs)
        _join(shards, folder)
    return Signals(folder)


def _write(shard: Shard, base: Path, how: Preparation) -> None:
    """A pack: a line of JSON with all entries and where their samples lie, then the samples."""
    entries, blobs, at = [], [], 0
    for key in shard.items:
        try:
            entry, samples = _prepared(key, base, how)
        except (GemError, OSError) as fault:
            entries.append({"key": key, "failed": str(fault).replace(f"{base}{os.sep}", "")})
            continue
        entries.append(entry | {"at": at, "shape": list(samples.shape)})
        blobs.append(samples.tobytes())
        at += samples.nbytes
    head = json.dumps(entries, ensure_ascii=False).encode() + b"\n"
    with writing_whole(shard.path) as out:
        out.write(head)
        for blob in blobs:
            out.write(blob)


def _prepared(key: str, base: Path, how: Preparation) -> tuple[dict[str, Any], np.ndarray]:
    path, _, row = key.partition("#")
    if row:
        raise ConfigError(f"{key}: one row of a file that holds many; write the recordings out as WFDB first (gem.ecg.io.write)")
    recording = read(base / path, duration_s=how.longest_s).standardised()
    entry: dict[str, Any] = {"key": key, "fs": how.fs, "leads": list(recording.leads), "age": recording.age, "sex": recording.sex}
    entry |= _measured(recording) if how.measured else {"facts": "", "header": None}
    signal = resample(recording, how.fs).signal
    whole = np.where(np.isfinite(signal), np.clip(np.rint(signal * _UV), _MISSING + 1, -(_MISSING + 1)), _MISSING)
    return entry, whole.astype(np.int16)


def _measured(recording: Recording) -> dict[str, Any]:
    """The facts that a prompt may carry and the header that a page may bear; nothing on a recording that is not readable."""
    try:
        measured = measure_recording(recording)
    except NotReadable as fault:
        return {"facts": "", "header": None, "unmeasured": str(fault)}
    names = {"rate_bpm": "heart_rate", "pr_ms": "pr_interval", "qrs_ms": "qrs_duration", "qt_ms": "qt_interval", "qtc_ms": "qtc_bazett"}
    names |= {"p_axis": "p_axis", "qrs_axis": "qrs_axis", "t_axis": "t_axis"}
    values = {field: measured.of_all[name].value for field, name in names.items()}
    return {"facts": fact_block(measured), "header": values | {"age": recording.age, "sex": recording.sex}}


def _join(shards: Sequence[Shard], folder: Path) -> None:
    """One index over all packs: sorted 64-bit names -> a line of meta.jsonl."""
    rows, at = np.zeros(sum(len(shard.items) for shard in shards), _INDEX_TYPE), 0
    k = 0
    with writing_whole(folder / _META) as out:
        for shard in shards:
            with shard.path.open("rb") as stream:
                head = stream.readline()
            for entry in json.loads(head):
                place = {} if "failed" in entry else {"pack": shard.path.name, "at": entry["at"] + len(head)}
                line = json.dumps(entry | place, ensure_ascii=False).encode() + b"\n"
                out.write(line)
                rows[k] = (_number(entry["key"]), at, len(line))
                at, k = at + len(line), k + 1
    with writing_whole(folder / _INDEX) as out:
        np.save(out, np.sort(rows, order="key"), allow_pickle=False)


class Signals:
    """Prepared recordings by key; nothing is held in memory but what the operating system keeps of the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index = np.load(folder / _INDEX, mmap_mode="r")
        self._files: dict[str, mmap.mmap] = {}

    def __len__(self) -> int:
        return len(self._index)

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["folder"])  # type: ignore[misc]

    def failed(self) -> list[tuple[str, str]]:
        """(key, reason) of the recordings that could not be prepared."""
        with (self.folder / _META).open(encoding="utf-8") as stream:
            found = [json.loads(line) for line in stream if '"failed"' in line]
        return [(entry["key"], entry["failed"]) for entry in found if "failed" in entry]

    def keys(self) -> list[str]:
        """Those of the recordings that were prepared, in order."""
        with (self.folder / _META).open(encoding="utf-8") as stream:
            entries = (json.loads(line) for line in stream)
            return [entry["key"] for entry in entries if "failed" not in entry]

    def entry(self, key: str) -> dict[str, Any]:
        """What is known of a recording. Raises `ConfigError`, with the reason, when it could not be prepared."""
        k = int(np.searchsorted(self._index["key"], np.uint64(_number(key))))
        line = self._index[k] if k < len(self._index) else None
        if line is not None and int(line["key"]) == _number(key):
            at = int(line["at"])
            entry: dict[str, Any] = json.loads(self._file(_META)[at : at + int(line["bytes"])])
            if entry["key"] == key:
                if "failed" in entry:
                    raise ConfigError(entry["failed"])
                return entry
        raise ConfigError(f"{key}: is not among the prepared recordings; was the data set changed while it was read?")

    def has(self, key: str) -> bool:
        """Whether it could be prepared."""
        try:
            self.entry(key)
        except ConfigError:
            return False
        return True

    def get(self, key: str) -> Kept:
        """Raises `ConfigError` as `entry`."""
        entry = self.entry(key)
        count = int(np.prod(entry["shape"]))
        whole = np.frombuffer(self._file(f"shards/{entry['pack']}"), np.int16, count, entry["at"]).reshape(entry["shape"])
        signal = whole.astype(np.float32) / np.float32(_UV)
        if (missing := whole == _MISSING).any():
            signal[missing] = np.nan
        known = {"age": entry["age"], "sex": entry["sex"]}
        recording = Recording(signal, entry["fs"], tuple(entry["leads"]), key, ("prepared",), **known)
        return Kept(recording, entry["facts"], None if entry["header"] is None else Header(**entry["header"]))

    def _file(self, name: str) -> mmap.mmap:
        if name not in self._files:
            with (self.folder / name).open("rb") as stream:
                self._files[name] = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        return self._files[name]


def write_failed(path: Path, failed: Iterable[dict[str, Any]]) -> int:
    """failed.jsonl of a run folder; returns how many rows it has."""
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in failed]
    write_whole(path, "".join(lines))
    return len(lines)
