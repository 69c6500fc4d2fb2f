"""The texts to be judged: from the log of a run, or from a file."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.judge.config import Judging
from eval.log import Row, rows_of
from eval.official.free import joined
from eval.results import tasks_of
from eval.task import Task
from gem.errors import ConfigError
from gem.jsonl import read_rows

_TEXTS = ("answer", "text", "response")


@dataclass(frozen=True)
class Item:
    """One text. error: why there is none to judge (its sample failed), else None."""

    task: str
    id: str
    question: str
    reference: str
    answer: str
    patient: str
    rubrics: tuple[str, ...]
    data_class: str
    error: str | None = None


def items_of(recipe: Judging) -> list[Item]:
    """Raises `ConfigError` for a run without such tasks, or rows without what is needed."""
    found = list(_of_file(recipe)) if recipe.answers else list(_of_run(recipe))
    if not found:
        raise ConfigError(f"{recipe.answers or recipe.run}: nothing to judge there")
    return found[: recipe.limit]


def _of_run(recipe: Judging) -> Iterator[Item]:
    folder = Path(recipe.run or "")
    asked = [task for task in tasks_of(folder) if not recipe.tasks or task.name in recipe.tasks]
    known = [task for task in asked if recipe.rubrics or getattr(task, "rubrics", ())]
    if not known:
        there = ", ".join(task.name for task in asked) or "none of them"
        raise ConfigError(f"{folder}: no task with a rubric ({there}); name `rubrics` to judge the free texts of another")
    for task in known:
        for row in rows_of(folder, task.name):
            yield _of_row(recipe, task, row)


def _of_row(recipe: Judging, task: Task, row: Row) -> Item:
    sample = row.sample
    if sample is None:
        raise ConfigError(f"{task.name}: the log keeps no samples (log_samples: false); run it again with log_samples: true")
    guard = recipe.data_class or getattr(task, "data_class", "open")
    rubrics = recipe.rubrics or getattr(task, "rubrics", ())
    turns = list(zip(sample.turns, row.answers, strict=True))
    questions = [turn.question for turn, _ in turns]
    references = [joined(turn.reference) or str(sample.reference or "") for turn, _ in turns]
    answers = [answer.text or "" for _, answer in turns]
    return Item(task.name, row.id, _turns(questions), _turns(references), _turns(answers), row.patient, rubrics, guard, row.error)


def _turns(texts: list[str]) -> str:
    """One text as it is, several as numbered turns; nothing at all stays nothing."""
    if len(texts) == 1 or not any(text.strip() for text in texts):
        return texts[0] if len(texts) == 1 else ""
    return "\n\n".join(f"Turn {k}: {text}" for k, text in enumerate(texts, start=1))


def _of_file(recipe: Judging) -> Iterator[Item]:
    path = Path(recipe.answers or "")
    if not path.is_file():
        raise ConfigError(f"{path}: no such file of answers")
    for number, row in enumerate(read_rows(path), start=1):
        text = next((row[key] for key in _TEXTS if key in row), None)
        if text is None or not all(key in row for key in ("id", "reference")):
            raise ConfigError(f"{path}: line {number}: id, reference and {' or '.join(_TEXTS)} are needed, found {', '.join(row)}")
        name = str(row["id"])
        patient = str(row.get("patient") or name)
        yield Item(
            recipe.task,
            name,
            str(row.get("question", "")),
            str(row["reference"]),
            str(text),
            patient,
            recipe.rubrics,
            str(recipe.data_class),
        )


def shown(item: Item) -> Mapping[str, Any]:
    """What a log row says of an item."""
    return {"task": item.task, "doc_id": item.id, "patient": item.patient, "answer_words": len(item.answer.split())}


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
