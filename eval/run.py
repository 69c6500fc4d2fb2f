"""Asking: samples x model -> the log. What is there is skipped, what failed is asked again, what is answered is on the disk."""

import contextlib
import fcntl
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.config import Recipe
from eval.control import controlled
from eval.load import path_of
from eval.log import Row, hashes, log_path, rows_of, sample_key
from eval.models.model import Model, Prompt
from eval.sample import Answer, Sample, Score, file_digest, unscored
from eval.task import Task
from gem.errors import ConfigError, GemError
from gem.jsonl import Appender, appending
from gem.llm.message import CeilingReached, ModelDown


@dataclass(frozen=True)
class Tally:
    """asked: samples of this part of a task; new: rows written now; failed: rows with an error; doubled: ids that were there twice."""

    asked: int
    new: int
    failed: int
    doubled: int


@dataclass(frozen=True)
class _Case:
    """A sample, what the model is shown in its place, and its row's key."""

    sample: Sample
    shown: Sample
    key: str
    files: dict[str, str]


def listed(task: Task, data: Path, limit: int | None) -> tuple[list[Sample], int]:
    """The samples of a task, and how many of them have an id that was there before.

    A sample that is there twice to the letter is one; another with the same id is kept under `id#2`.
    """
    out: dict[str, Sample] = {}
    seen: set[str] = set()
    doubled = 0
    for sample in task.samples(data):
        if limit is not None and len(out) >= limit:
            break
        if sample.id in out:
            doubled += 1
            if sample.doc_hash in seen:
                continue
            number = next(k for k in range(2, 10**9) if f"{sample.id}#{k}" not in out)
            seen.add(sample.doc_hash)
            sample = sample.model_copy(update={"id": f"{sample.id}#{number}"})
        seen.add(sample.doc_hash)
        out[sample.id] = sample
    if not out:
        raise ConfigError(f"{task.name}: no samples with these options")
    return list(out.values()), doubled


def ask_all(recipe: Recipe, task: Task, model: Model, samples: Sequence[Sample], folder: Path, part: tuple[int, int]) -> tuple[int, int]:
    """Ask every sample of this part that has no good row yet; returns (asked in this part, rows written now).

    Raises `ModelDown` or `CeilingReached` when the model is gone for good; what was answered is kept.
    """
    shown = controlled(samples, recipe.control, recipe.seed)
    prepare = getattr(model, "prepare", None)
    if prepare is not None:
        prepare(samples)
    good = {row.key for row in rows_of(folder, task.name) if row.error is None}
    cases = [
        _case(task, sample, other, model) for k, (sample, other) in enumerate(zip(samples, shown, strict=True)) if k % part[1] == part[0]
    ]
    todo = [case for case in cases if case.key not in good]
    bar = _Progress(task.name, len(cases), len(cases) - len(todo))
    with alone(log_path(folder, task.name, part)), appending(log_path(folder, task.name, part)) as log:
        for at in range(0, len(todo), recipe.batch_size):
            some = todo[at : at + recipe.batch_size]
            _answer_some(recipe, task, model, some, log)
            bar.step(len(some))
    return len(cases), len(todo)


def _case(task: Task, sample: Sample, shown: Sample, model: Model) -> _Case:
    files = {name: file_digest(path_of(name)) for name in dict.fromkeys((*sample.files(), *shown.files()))}
    return _Case(sample, shown, sample_key(task.name, sample, files, model.fingerprint), files)


def _answer_some(recipe: Recipe, task: Task, model: Model, cases: Sequence[_Case], log: Appender) -> None:
    begun = time.perf_counter()
    answers: dict[str, dict[int, Answer]] = {case.key: {} for case in cases}
    prompts: dict[str, dict[int, str]] = {case.key: {} for case in cases}
    for case in cases:
        gone = [name for name, there in case.files.items() if there == "absent"]
        if gone:
            answers[case.key] = {
                k: Answer(error=f"{gone[0]}: no such file, or its signal file is not there") for k in range(len(case.sample.turns))
            }
    while ready := [(case, prompt) for case in cases for prompt in _ready(case.shown, answers[case.key])]:
        for (case, prompt), answer in zip(ready, _answers(model, [prompt for _, prompt in ready]), strict=True):
            answers[case.key][prompt.number] = answer
            prompts[case.key][prompt.number] = prompt.hash
    seconds = (time.perf_counter() - begun) / len(cases)
    for case in cases:
        given = tuple(answers[case.key][k] for k in range(len(case.sample.turns)))
        log.write(_row(recipe, task, case, given, list(prompts[case.key].values()), seconds).to_json())


def _ready(sample: Sample, answers: dict[int, Answer]) -> Iterator[Prompt]:
    """Turns not yet asked whose history is known."""
    for number, turn in enumerate(sample.turns):
        if number in answers:
            continue
        history: list[tuple[str, str]] = []
        for k in [] if turn.alone else range(number):
            before = sample.turns[k]
            if before.alone and before.given is None:
                continue
            said = before.given if before.given is not None else answers[k].text if k in answers else None
            if said is None and k not in answers:
                break
            history.append((before.question, said or ""))
        else:
            yield Prompt(sample, number, tuple(history))


def _answers(model: Model, prompts: list[Prompt]) -> list[Answer]:
    """All together; where that fails one by one, so that one sample does not take the others with it."""
    try:
        return model.answer(prompts)
    except (ModelDown, CeilingReached):
        raise
    except GemError as fault:
        if len(prompts) == 1:
            return [Answer(error=str(fault))]
    return [answer for prompt in prompts for answer in _answers(model, [prompt])]


def _row(recipe: Recipe, task: Task, case: _Case, answers: tuple[Answer, ...], prompts: list[str], seconds: float) -> Row:
    error, scores = (None, {}) if recipe.predict_only else scored_or_why(task, case.sample, answers)
    if recipe.predict_only:
        error = next((answer.error for answer in answers if answer.error), None)
    doc, prompt, target = hashes(case.sample, prompts)
    kept = case.sample.model_dump(mode="json") if recipe.log_samples else None
    who = (task.name, task.version, case.key, case.sample.id)
    return Row(*who, doc, prompt, target, case.files, answers, scores, case.sample.meta, error, seconds, kept)


def scored_or_why(task: Task, sample: Sample, answers: Sequence[Answer]) -> tuple[str | None, dict[str, Score]]:
    """(error, scores): every key has a score; without an answer, or where scoring raises `GemError`, all are unscored for that reason."""
    error = next((answer.error for answer in answers if answer.error), None)
    if error is None:
        try:
            scores = task.score(sample, answers)
            if set(scores) != set(task.keys):
                raise ValueError(f"{task.name}: score() gave {sorted(scores)}, but the task declares {sorted(task.keys)}")
            return None, scores
        except GemError as fault:
            error = str(fault)
    return error, {key: unscored(error) for key in task.keys}


@contextlib.contextmanager
def alone(log: Path) -> Iterator[None]:
    """One writer a log. Raises `ConfigError` when another run holds it."""
    with log.with_suffix(".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            raise ConfigError(f"{log}: another run is writing it; wait for it, or give each its own --shard i/n") from fault
        yield


class _Progress:
    """Samples done and time left, on stderr: a line every 30 seconds."""

    def __init__(self, name: str, total: int, done: int) -> None:
        self.name, self.total, self.done, self.begun = name, total, done, done
        self.start = self.shown = time.monotonic()

    def step(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if now - self.shown > 30:
            self.shown = now
            left = (now - self.start) / max(1, self.done - self.begun) * (self.total - self.done)
            sys.stderr.write(f"{self.name}: {self.done}/{self.total}, {left:.0f} s left\n")
