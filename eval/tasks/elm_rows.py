"""Rows of ECG-Bench / ECG-Language-Models (willxxy, MIT): QA and dialogues on .npy signals at 250 Hz in their own order of leads."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.metric import Array, Metric, ratio
from eval.official import rows, words
from eval.official.sets import kept, text_of
from eval.sample import Answer, Ecg, Sample, Score, Turn, scored, unparsed, unscored
from eval.task import Task

LEADS = ("I", "II", "III", "aVL", "aVR", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The order of their signals, which is not the usual one: aVL stands before aVR."""
RATE_HZ = 250.0
FIGURES = ("exact", "token_f1", "rouge_l", "meteor_exact")


class ElmRows(Task):
    """Every answer of a dialogue is asked with the true answers before it, as published.

    file     a split as parquet or jsonl with columns ecg_path, text, name
    signals  folder that `ecg_path` is relative to

    compat leaves out empty answers, as their older code does (which raises the figures); strict counts them as wrong.
    """

    name = "elm_rows"
    version = "1"
    about = "rows of ECG-Bench (willxxy/*-250-*): exact match, token F1, BLEU-4, ROUGE-L"
    keys = ("strict.text", "compat.text")
    file: str = "elm/test.parquet"
    signals: str = "elm"

    def samples(self, data: Path) -> Iterable[Sample]:
        download = "a set of huggingface.co/willxxy (e.g. ecg-qa-ptbxl-250-2500, split fold1_test) and its .npy signals"
        for row in rows.rows(rows.read_file(data / self.file, download), ("id",)):
            meta: dict[str, Any] = {"source": str(row.raw.get("name", ""))}
            try:
                asked = tuple(_turns(row.raw))
                path = str(Path(self.signals) / str(row.raw["ecg_path"]))
            except (rows.BrokenRow, KeyError, ValueError, TypeError) as fault:
                yield Sample(id=row.id, turns=(Turn(question="(broken row)"),), meta=meta | {"broken": str(fault)})
                continue
            # Their folds split PTB-XL by record, not by patient; a patient is known only where the index of PTB-XL is there.
            record = rows.ptbxl_record(path)
            meta |= rows.who(rows.ptbxl_index(data / "ptbxl" / "index.csv"), record) if record is not None else {}
            yield Sample(id=row.id, turns=asked, ecgs=(Ecg(path=path, fs=RATE_HZ, lead_order=LEADS),), meta=meta)

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        if "broken" in sample.meta:
            raise rows.BrokenRow(str(sample.meta["broken"]))
        pairs = [(text_of(answer), str(turn.reference)) for turn, answer in zip(sample.turns, answers, strict=True)]
        there = [(text, gold) for text, gold in pairs if text and gold]
        whole = _parsed(pairs)
        value = whole["exact"] / whole["n"]
        published = (
            scored(_parsed(there)["exact"] / len(there), _parsed(there)) if there else unscored("an empty answer, left out as published")
        )
        empty = not any(text.strip() for text, _ in pairs)
        return {"strict.text": unparsed("an empty answer", value, whole) if empty else scored(value, whole), "compat.text": published}

    def metrics(self) -> dict[str, Metric]:
        out: dict[str, Metric] = {}
        for scoring in ("strict", "compat"):
            out |= {f"{scoring}.{name}": ratio(f"{scoring}.text", name, "n") for name in FIGURES}
            out[f"{scoring}.bleu4"] = _bleu(f"{scoring}.text")
        return out


def _bleu(key: str) -> Metric:
    def function(scores: Sequence[Score], weights: Array) -> Array:
        return words.corpus_bleu(key).function(scores, weights)

    return Metric(key, function)


def _parsed(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Sums over turns, from which the figures of a set are made."""
    found = [words.bits(text, gold) for text, gold in pairs]
    out: dict[str, Any] = {"n": len(found)} | {name: sum(float(one[name]) for one in found) for name in FIGURES}  # type: ignore[arg-type]
    rows_of: list[Any] = [one["bleu"] for one in found]
    return out | {"bleu": [sum(column) for column in zip(*rows_of, strict=True)]}


def _turns(raw: Mapping[str, Any]) -> Iterable[Turn]:
    """`text` is JSON: a conversation, or [question type, question, answer]. Raises `BrokenRow` or `ValueError`."""
    said = raw["text"]
    said = json.loads(said) if isinstance(said, str) else said
    if isinstance(said, list) and len(said) == 3 and not isinstance(said[0], dict):
        answer = ", ".join(map(str, said[2])) if isinstance(said[2], list) else str(said[2])
        yield Turn(question=rows.plain(str(said[1])), reference=answer, given=answer, meta={"question_type": str(said[0])})
        return
    for question, answer in rows.turns({"conversations": said}):
        yield Turn(question=question, reference=kept(answer), given=str(answer))
