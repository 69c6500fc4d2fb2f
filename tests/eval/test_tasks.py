"""One contract for all tasks."""

import itertools
import math
from pathlib import Path

import pytest

from eval.sample import Answer, Sample
from eval.task import SCORINGS, Task, task_of, tasks
from gem.errors import ConfigError, GemError
from tests.eval.made_sets import MADE

RUBBISH = ("", "I cannot help with that.", "yes no A. B. NORM ABNORMAL lead III 120-200 ms", "{}[](\\", "ü" * 2000)
FEW = 6

pytestmark = pytest.mark.data


def made(name: str, data: Path, folder: Path) -> tuple[Task, list[Sample]]:
    """The task and its first samples, from small files in the published shape where the set itself is not here."""
    task = MADE[name](folder) if name in MADE else task_of(name)
    return task, list(itertools.islice(task.samples(data), FEW))


@pytest.mark.parametrize("name", sorted(tasks()))
def test_a_task_has_a_version_and_says_which_scoring_each_key_belongs_to(name: str) -> None:
    task = tasks()[name]
    assert task.version
    assert task.about
    assert task.keys
    assert all(key.split(".")[0] in SCORINGS and "." in key for key in task.keys)


@pytest.mark.parametrize("name", sorted(tasks()))
def test_samples_are_the_same_every_time_and_no_two_are_alike(name: str, data: Path, tmp_path: Path) -> None:
    task, samples = made(name, data, tmp_path)
    again = list(itertools.islice(task.samples(data), FEW))
    assert samples
    assert [s.doc_hash for s in samples] == [s.doc_hash for s in again]
    assert len({s.id for s in samples}) == len(samples)
    assert all(Sample.model_validate_json(s.model_dump_json()).doc_hash == s.doc_hash for s in samples)


@pytest.mark.parametrize("name", sorted(tasks()))
def test_rubbish_gets_a_score_or_a_reason_and_never_a_fault(name: str, data: Path, tmp_path: Path) -> None:
    task, samples = made(name, data, tmp_path)
    for sample, said in itertools.product(samples[:2], RUBBISH):
        answers = [Answer(text=said, likelihoods=(0.0,) * len(turn.options) if turn.ask != "text" else None) for turn in sample.turns]
        try:
            scores = task.score(sample, answers)
        except GemError:
            continue
        assert set(scores) == set(task.keys)
        for score in scores.values():
            assert (score.value is None and score.why) or (score.value is not None and math.isfinite(score.value))
        assert {key: s.value for key, s in scores.items()} == {key: s.value for key, s in task.score(sample, answers).items()}


@pytest.mark.parametrize("name", sorted(tasks()))
def test_a_wrong_option_of_a_task_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match="no_such_option"):
        task_of(name, {"no_such_option": 1})


def test_a_task_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="no such task"):
        task_of("no_such_task")
