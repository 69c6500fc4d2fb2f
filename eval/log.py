"""The log is the result: one row a sample, appended as it is answered, read back by hash.

RUN/samples_TASK.jsonl, or samples_TASK.i-of-n.jsonl of each shard. Names of keys follow lm-evaluation-harness where it has them
(doc, doc_hash, prompt_hash, target_hash, resps). A sample that failed is a row with `error`; it is asked again on the next start, and
the last row of a key counts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.sample import Answer, Sample, Score, digest
from gem.errors import ConfigError
from gem.files import write_whole
from gem.jsonl import read_rows

SCHEMA = "gem.eval/1"


@dataclass(frozen=True)
class Row:
    """One sample's line: who it is, what was asked, answered and made of it."""

    task: str
    version: str
    key: str
    id: str
    doc_hash: str
    prompt_hash: str
    target_hash: str
    files: Mapping[str, str]
    answers: tuple[Answer, ...]
    scores: Mapping[str, Score]
    meta: Mapping[str, Any]
    error: str | None
    seconds: float
    doc: Mapping[str, Any] | None = None

    @property
    def patient(self) -> str:
        return str(self.meta.get("patient") or self.id)

    @property
    def sample(self) -> Sample | None:
        """The sample as it was asked, where the log keeps it."""
        return None if self.doc is None else Sample.model_validate(self.doc)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "task": self.task,
            "version": self.version,
            "key": self.key,
            "doc_id": self.id,
            "doc_hash": self.doc_hash,
            "prompt_hash": self.prompt_hash,
            "target_hash": self.target_hash,
            "files": dict(self.files),
            "resps": [answer.model_dump(exclude_none=True) for answer in self.answers],
            "scores": {key: score.model_dump(exclude_defaults=True) for key, score in self.scores.items()},
            "meta": dict(self.meta),
            "error": self.error,
            "seconds": round(self.seconds, 4),
        } | ({"doc": dict(self.doc)} if self.doc is not None else {})

    @classmethod
    def from_json(cls, row: Mapping[str, Any], where: Path) -> "Row":
        """Raises `ConfigError` when the row is none of ours."""
        if row.get("schema") != SCHEMA:
            raise ConfigError(f"{where}: a row of schema {row.get('schema')!r}, but {SCHEMA} is needed; is it a log of python -m eval?")
        return cls(
            task=row["task"],
            version=row["version"],
            key=row["key"],
            id=row["doc_id"],
            doc_hash=row["doc_hash"],
            prompt_hash=row["prompt_hash"],
            target_hash=row["target_hash"],
            files=row["files"],
            answers=tuple(Answer.model_construct(**(one | _tuple(one))) for one in row["resps"]),
            scores={key: Score.model_construct(**score) for key, score in row["scores"].items()},
            meta=row["meta"],
            error=row["error"],
            seconds=row["seconds"],
            doc=row.get("doc"),
        )


def _tuple(resp: Mapping[str, Any]) -> dict[str, Any]:
    """The likelihoods as the class has them; the log is ours, so answers are not validated one by one."""
    return {"likelihoods": tuple(resp["likelihoods"])} if resp.get("likelihoods") else {}


def log_path(folder: Path, task: str, part: tuple[int, int] = (0, 1)) -> Path:
    return folder / (f"samples_{task}.jsonl" if part[1] == 1 else f"samples_{task}.{part[0]}-of-{part[1]}.jsonl")


def log_paths(folder: Path, task: str) -> list[Path]:
    """The logs of a task, of every shard."""
    return [path for path in (log_path(folder, task), *sorted(folder.glob(f"samples_{task}.*-of-*.jsonl"))) if path.exists()]


def logged_tasks(folder: Path) -> list[str]:
    """Tasks that have a log in a run folder."""
    return sorted({path.name.removeprefix("samples_").split(".")[0] for path in folder.glob("samples_*.jsonl")})


def rows_of(folder: Path, task: str) -> list[Row]:
    """One row a sample, the last good one where several were written, in the order of the first.

    A sample keeps its doc_hash when a file that was absent has come: its row with the error is superseded.
    """
    found: dict[str, Row] = {}
    for path in log_paths(folder, task):
        for raw in read_rows(path):
            row = Row.from_json(raw, path)
            if row.doc_hash not in found or row.error is None or found[row.doc_hash].error is not None:
                found[row.doc_hash] = row
    return list(found.values())


def rewrite(folder: Path, task: str, rows: Mapping[str, Row]) -> None:
    """Put rows (by key) with new scores in the place of the old, file by file, each whole or not at all; superseded ones go."""
    for path in log_paths(folder, task):
        kept = [rows[key] for key in dict.fromkeys(row["key"] for row in read_rows(path)) if key in rows]
        lines = (json.dumps(row.to_json(), ensure_ascii=False, allow_nan=False) for row in kept)
        write_whole(path, "".join(f"{line}\n" for line in lines))


def sample_key(task: str, sample: Sample, files: Mapping[str, str], fingerprint: Any) -> str:
    """What makes a row that of this sample, answered by this model: another question, file or model is another row."""
    return digest([task, sample.doc_hash, dict(files), fingerprint])


def hashes(sample: Sample, prompts: Sequence[str]) -> tuple[str, str, str]:
    """doc_hash, prompt_hash, target_hash."""
    return sample.doc_hash, digest(list(prompts)), digest([sample.reference, *(turn.reference for turn in sample.turns)])
