"""The one thing the harness asks of a model: answers to prompts, one each, in order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from eval.sample import Answer, Sample, Turn, digest


@dataclass(frozen=True)
class Prompt:
    """One turn as it is asked.

    history  (question, answer) of the turns before it, as the task wants them
    """

    sample: Sample
    number: int
    history: tuple[tuple[str, str], ...] = ()

    @property
    def turn(self) -> Turn:
        return self.sample.turns[self.number]

    @cached_property
    def hash(self) -> str:
        """Of what the model is asked and shown."""
        shown = [part.model_dump(mode="json") for part in (*self.sample.ecgs, *self.sample.pictures)]
        turn = self.turn
        return digest([self.history, turn.question, turn.options, turn.ask, shown])


def refused(prompt: Prompt) -> Answer:
    """The answer where the recording forbids an interpretation, and even odds.

    It holds no word and no number that could be taken for an answer: a first wording, "No signal to read", scored as No.
    """
    count = len(prompt.turn.options)
    return Answer(text="This recording cannot be interpreted.", likelihoods=(math.log(1 / count),) * count if count else None)


class Model(Protocol):
    """What is tested. `name` says which, in tables; `fingerprint` everything that decides an answer, for resuming."""

    name: str

    @property
    def fingerprint(self) -> Any: ...

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        """One answer a prompt, in order.

        A prompt that cannot be answered gets an Answer with `error`; a `GemError` that is raised ends the run (what was answered
        is kept). A model without likelihoods gives None for them.
        """
        ...
