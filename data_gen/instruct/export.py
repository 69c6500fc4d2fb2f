"""Shards -> the files that trainers read, one pass, flat memory: a file a split and form.

conversations/SPLIT.jsonl   rows of `gem.conversation.Conversation`
parquet/SPLIT.parquet       the same; `datasets.load_dataset("parquet", data_files=...)` reads it; meta is JSON text
llava/SPLIT.json            LLaVA's and GEM's list: id, image, ecg, conversations of human and gpt
sharegpt/SPLIT.jsonl        id, conversations of human and gpt, images
rejected.jsonl, records_known.jsonl, failed.jsonl   why something is not there, and what is known of each record
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from data_gen.instruct.config import Instructions
from gem.conversation import Conversation
from gem.errors import ConfigError
from gem.files import writing_whole

IMAGE = "<image>"
"""Where LLaVA and GEM put the ECG and its page: the first line of the first question, once a recording."""
_FORMS = {"rejected": "rejected.jsonl", "record": "records_known.jsonl", "failed": "failed.jsonl"}
_PAIR = pa.struct([("role", pa.string()), ("text", pa.string())])
_ECG = pa.struct([("record", pa.string()), ("path", pa.string()), ("row", pa.int64()), ("picture", pa.string())])
_ORIGIN = pa.struct([("kind", pa.string()), ("name", pa.string()), ("version", pa.string())])
PARQUET = pa.schema(
    [
        ("id", pa.string()), ("task", pa.string()), ("ecgs", pa.list_(_ECG)), ("turns", pa.list_(_PAIR)), ("origin", _ORIGIN),
        ("patient", pa.string()), ("split", pa.string()), ("licence", pa.string()), ("data_class", pa.string()), ("meta", pa.string()),
    ]
)  # fmt: skip
_GROUP = 4096


def rows_of(shards: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Rows of all shards in order. Raises `ConfigError` for one that is not there or not as it was written."""
    for path in shards:
        try:
            with path.open(encoding="utf-8") as stream:
                for line in stream:
                    yield json.loads(line)
        except (OSError, ValueError) as fault:
            raise ConfigError(f"{path}: cannot be read ({fault}); delete it and start again") from fault


def export(shards: Sequence[Path], folder: Path, recipe: Instructions) -> None:
    """Write every form that the recipe asks for."""
    with ExitStack() as stack:
        writers: dict[str, _Forms] = {}
        streams = {kind: stack.enter_context(writing_whole(folder / name)) for kind, name in _FORMS.items()}
        for split in recipe.splits:
            writers[split] = stack.enter_context(_Forms(folder, split, recipe.exports))
        for row in rows_of(shards):
            kind = row.pop("row")
            if kind == "conversation":
                writers[row["split"]].add(row)
            else:
                streams[kind].write(_line(row))


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


class _Forms:
    """The files of one split."""

    def __init__(self, folder: Path, split: str, exports: Sequence[str]) -> None:
        self._folder, self._split, self._exports = folder, split.replace(" ", "_"), exports
        self._stack = ExitStack()
        self._held: list[dict[str, Any]] = []
        self._first = True
        self._parquet: pq.ParquetWriter | None = None
        self._streams: dict[str, IO[bytes]] = {}

    def __enter__(self) -> "_Forms":
        for form, suffix in (("conversations", "jsonl"), ("llava", "json"), ("sharegpt", "jsonl"), ("parquet", "parquet")):
            if form == "conversations" or form in self._exports:
                (self._folder / form).mkdir(exist_ok=True)
                self._streams[form] = self._stack.enter_context(writing_whole(self._folder / form / f"{self._split}.{suffix}"))
        if "parquet" in self._streams:
            self._parquet = pq.ParquetWriter(self._streams["parquet"], PARQUET, compression="zstd")
        return self

    def add(self, row: dict[str, Any]) -> None:
        conversation = Conversation.from_row(row, "a shard")
        self._streams["conversations"].write(_line(row))
        if "llava" in self._streams:
            self._streams["llava"].write((b"[\n" if self._first else b",\n") + _line(llava(conversation)).rstrip(b"\n"))
        if "sharegpt" in self._streams:
            self._streams["sharegpt"].write(_line(sharegpt(conversation)))
        self._first = False
        self._held.append({key: row[key] for key in PARQUET.names if key != "meta"} | {"meta": json.dumps(row["meta"], sort_keys=True)})
        if len(self._held) >= _GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._parquet is not None and self._held:
            self._parquet.write_table(pa.Table.from_pylist(self._held, PARQUET))
        self._held = []

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is None:
            self._flush()
            if "llava" in self._streams:
                self._streams["llava"].write(b"[]\n" if self._first else b"\n]\n")
        if self._parquet is not None:
            self._parquet.close()
        self._stack.__exit__(kind, value, trace)


def _turns(conversation: Conversation) -> list[dict[str, str]]:
    """Human and gpt by turns; the first question begins with one placeholder a recording."""
    head = f"{IMAGE}\n" * len(conversation.ecgs)
    names = {"user": "human", "assistant": "gpt"}
    return [{"from": names[t.role], "value": f"{head if k == 0 else ''}{t.text}"} for k, t in enumerate(conversation.turns)]


def llava(conversation: Conversation) -> dict[str, Any]:
    """GEM's row: `image` and `ecg` are paths, or lists of them where there are several recordings."""
    images = [ecg.picture or "" for ecg in conversation.ecgs]
    ecgs = [ecg.path if ecg.row is None else f"{ecg.path}#{ecg.row}" for ecg in conversation.ecgs]
    several = len(ecgs) > 1
    row: dict[str, Any] = {"id": conversation.id, "image": images if several else images[0], "ecg": ecgs if several else ecgs[0]}
    return row | {"conversations": _turns(conversation), "metadata": {"task": conversation.task, "origin": conversation.origin.kind}}


def sharegpt(conversation: Conversation) -> dict[str, Any]:
    images = [ecg.picture for ecg in conversation.ecgs if ecg.picture]
    return {"id": conversation.id, "conversations": _turns(conversation), "images": images, "ecgs": [ecg.path for ecg in conversation.ecgs]}
