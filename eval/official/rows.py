"""The rows of published files (JSON list, JSONL, parquet) and the conversations in them."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eval.sample import needed
from gem.errors import ConfigError, GemError

_MEDIA = re.compile(r"\s*<(?:image|ecg|\|ecg_start\|>.*?<\|ecg_end\|)>\s*", re.DOTALL)
_PTBXL_RECORD = re.compile(r"(?<!\d)(\d{5})_[hl]r")


class BrokenRow(GemError):
    """A row of a published file that lacks what its set says it has."""

    code = "broken_row"


@dataclass(frozen=True)
class Row:
    """A row and its id as published: the harness counts an id that is there twice and keeps both."""

    id: str
    raw: Mapping[str, Any]


def read_file(path: Path, download: str) -> Iterator[dict[str, Any]]:
    """Every row of a published file, by its ending.

    Raises `ConfigError` that says what to download and where to put it, or which line is not JSON.
    """
    needed(path, download, str(path))
    if path.suffix == ".jsonl":
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield _object(_parsed(line, f"{path}: line {number}"), f"{path}: line {number}")
    elif path.suffix == ".parquet":
        import pyarrow.parquet as pq

        try:
            for batch in pq.ParquetFile(path).iter_batches(batch_size=64):
                yield from batch.to_pylist()
        except (OSError, ValueError) as fault:  # pyarrow's own errors are of these
            raise ConfigError(f"{path}: no parquet file; download {download} again") from fault
    else:
        rows = _parsed(path.read_text(encoding="utf-8"), str(path))
        if not isinstance(rows, list):
            raise ConfigError(f"{path}: a list of rows is needed; is it another file than {download}?")
        for number, row in enumerate(rows, start=1):
            yield _object(row, f"{path}: row {number}")


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as fault:
        raise ConfigError(f"{where} is not JSON ({fault}); download the file again") from fault


def _object(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise ConfigError(f"{where} is not a JSON object")
    return row


def rows(raw: Iterable[Mapping[str, Any]], keys: tuple[str, ...] = ("id", "No", "question_id")) -> Iterator[Row]:
    """Rows with an id each: the first of `keys` that a row has, else its number."""
    for number, one in enumerate(raw):
        yield Row(next((str(one[key]) for key in keys if one.get(key) not in (None, "")), f"row-{number}"), one)


def turns(row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """(question, reference) pairs of any published form, without place-holders of media.

    LLaVA's `conversations` (from/value), swift's `messages` (role/content, a system message left out), Arena's (question/answer). The
    reference keeps its type: some sets have lists. Raises `BrokenRow`.
    """
    said = row.get("conversations") or row.get("messages")
    said = json.loads(said) if isinstance(said, str) else said
    if not isinstance(said, list) or not said or not all(isinstance(one, dict) for one in said):
        raise BrokenRow("the row has no conversations and no messages")
    if "question" in said[0]:
        return [(plain(str(one.get("question", ""))), one.get("answer", "")) for one in said]
    parts = [(one.get("from", one.get("role")), one.get("value", one.get("content"))) for one in said]
    parts = [(who, what) for who, what in parts if who != "system"]
    pairs = list(zip(parts[::2], parts[1::2], strict=False))
    if not pairs or any(a[0] not in ("human", "user") or b[0] not in ("gpt", "assistant") for a, b in pairs):
        raise BrokenRow("the conversation does not go from a question to an answer")
    return [(plain(str(question)), answer) for (_, question), (_, answer) in pairs]


def plain(text: str) -> str:
    """A question without the place-holders that stand for a picture or a signal."""
    return _MEDIA.sub("\n", text).strip() if "<" in text else text.strip()


def picture_of(row: Mapping[str, Any]) -> str | None:
    """Name of the first picture: `image`, `images`, or `image_path`."""
    for key in ("image", "images", "image_path"):
        found = row.get(key)
        found = found[0] if isinstance(found, list) and found else found
        found = found.get("path") if isinstance(found, dict) else found
        if isinstance(found, str) and found:
            return found
    return None


def signal_of(row: Mapping[str, Any]) -> str | None:
    """Name of the signal (WFDB, without ending): `ecg`, `ecgs`, or `objects.ecg` of ECG-R1."""
    objects = row.get("objects")
    for found in (row.get("ecg"), row.get("ecgs"), objects.get("ecg") if isinstance(objects, dict) else None):
        found = found[0] if isinstance(found, list) and found else found
        if isinstance(found, str) and found:
            return found
    return None


@cache
def ptbxl_index(path: Path) -> Mapping[int, Mapping[str, str]]:
    """PTB-XL's records by ecg_id, from the index beside them; {} where there is none (its figures are then by sample, not by patient)."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        return {int(float(row["ecg_id"])): row for row in csv.DictReader(stream)}


def who(index: Mapping[int, Mapping[str, str]], ecg_id: int) -> dict[str, Any]:
    """Patient, fold, age and sex of a PTB-XL record, as far as known."""
    row = index.get(ecg_id)
    if row is None:
        return {"record": ecg_id}
    known = {
        "record": ecg_id,
        "patient": row.get("patient_id"),
        "fold": row.get("strat_fold"),
        "sex": row.get("sex"),
        "age": age_of(row),
    }
    return {key: value for key, value in known.items() if value not in (None, "")}


def age_of(row: Mapping[str, str]) -> float | None:
    """Years, or None; PTB-XL writes 300 for everybody above 89."""
    age = float(row["age"]) if row.get("age") else None
    return age if age is not None and age < 120 else None


def ptbxl_record(name: str | None) -> int | None:
    """The ecg_id in a file name of PTB-XL ("ptb_test_v4/07190_hr-0.png"), or None."""
    found = _PTBXL_RECORD.search(name or "")
    return int(found[1]) if found else None
