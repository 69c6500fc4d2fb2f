"""Whether the patients of a benchmark were trained on: records and patients of a training set against those of the samples."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.sample import Sample
from gem.errors import ConfigError
from gem.jsonl import read_rows

_FILES = ("records.jsonl", "conversations.jsonl", "split.json")
_TRAINED = ("train", "valid")
"""Splits a model has learned from, or was chosen by."""


@dataclass(frozen=True)
class Leaked:
    """Samples whose record or whose patient is in the training set (ids), of how many, against how many trained records and patients."""

    records: tuple[str, ...]
    patients: tuple[str, ...]
    samples: int
    trained: tuple[int, int]

    @property
    def any(self) -> bool:
        return bool(self.records or self.patients)

    def to_json(self) -> dict[str, Any]:
        return {
            "samples": self.samples,
            "trained_records": self.trained[0],
            "trained_patients": self.trained[1],
            "leaked_records": list(self.records),
            "leaked_patients": list(self.patients),
        }


def leaked(samples: Sequence[Sample], training: Iterable[str]) -> Leaked:
    """Compare samples with training sets: files (`_FILES`) or folders that hold them. Raises `ConfigError` where there is none."""
    records: set[str] = set()
    patients: set[str] = set()
    for named in training:
        for path in _sets(Path(named)):
            more_records, more_patients = _trained(path)
            records |= more_records
            patients |= more_patients
    by_record = tuple(s.id for s in samples if records & {_stem(name) for name in s.files()})
    by_patient = tuple(s.id for s in samples if "patient" in s.meta and patients & _spellings(str(s.meta["patient"]), s.meta.get("source")))
    return Leaked(by_record, by_patient, len(samples), (len(records), len(patients)))


def _sets(path: Path) -> list[Path]:
    found = [path] if path.is_file() else sorted(p for name in _FILES for p in path.rglob(name))
    if not found:
        raise ConfigError(f"{path}: no training set in it; name a folder or file of data_gen ({', '.join(_FILES)})")
    return found


def _trained(path: Path) -> tuple[set[str], set[str]]:
    """Record names without folder and suffix, and patients, of the rows that were trained on."""
    if path.name == "split.json":
        try:
            return _of_split(json.loads(path.read_text(encoding="utf-8")), path)
        except ValueError as fault:
            raise ConfigError(f"{path}: not JSON") from fault
    records: set[str] = set()
    patients: set[str] = set()
    for row in read_rows(path):
        if row.get("split", "train") not in _TRAINED:
            continue
        patients.add(str(row.get("patient")))
        records |= {_stem(ecg["path"]) for ecg in row.get("ecgs", ())} | ({_stem(row["path"])} if "path" in row else set())
    return records, patients


def _of_split(whole: Any, path: Path) -> tuple[set[str], set[str]]:
    """{"train": [...], ...} of records or patients, or {"patients": {name: split}, "records": {name: split}}."""
    if not isinstance(whole, dict):
        raise ConfigError(f"{path}: an object is needed")
    records: set[str] = set()
    patients: set[str] = set()
    for key, into in (("records", records), ("patients", patients)):
        part = whole.get(key)
        if isinstance(part, dict):
            into |= {_stem(name) if into is records else name for name, split in part.items() if split in _TRAINED}
    for split in _TRAINED:
        if isinstance(whole.get(split), list):
            records |= {_stem(str(name)) for name in whole[split]}
            patients |= {str(name) for name in whole[split]}
    return records, patients


def _stem(path: str) -> str:
    return Path(path).name.split(".")[0]


def _spellings(patient: str, source: Any) -> set[str]:
    """A patient as several files write it: 15709.0, 15709, ptbxl/15709."""
    bare = patient.removesuffix(".0")
    return {patient, bare, f"{source}/{bare}", f"{source}/{patient}"} if source else {patient, bare}
