"""Conversations -> questions: what is shown and asked as in the other stages, and the answer kept back as the reference."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gem.errors import ConfigError
from gem.model.processor import Row
from train.data.examples import Example, Maker
from train.data.signals import key_of
from train.grpo.reward import Trace

_KEPT = 512
"""Measured recordings that are held; the answers to one question need theirs at the same time."""


@dataclass(frozen=True)
class Asked(Example):
    """A question: `row` ends where the assistant is to speak.

    key  of the recording that the answer is judged by
    """

    text: str = ""
    reference: str = ""
    key: str = ""


class Asker(Maker):
    """Makes the question of a conversation about one recording."""

    tasks: Sequence[str] = ()

    def example(self, dataset: int, row: int, rng: np.random.Generator) -> Asked:
        """Raises `GemError` when it cannot be made, or is not of a task that is asked."""
        conversation = self.conversation(dataset, row)
        if self.tasks and conversation.task not in self.tasks:
            raise ConfigError(f"{conversation.id}: task {conversation.task!r} is not asked (tasks)")
        if len(conversation.ecgs) != 1:
            raise ConfigError(f"{conversation.id}: about {len(conversation.ecgs)} recordings, but an answer is judged by one")
        messages = self.messages(conversation, dataset, rng)
        first = next(k for k, message in enumerate(messages) if message["role"] == "assistant")
        asked: Row = self.processor.row(messages[:first], generation_prompt=True)
        text = conversation.turns[0].text
        return Asked(asked, conversation.id, conversation.task, text, conversation.turns[1].text, key_of(conversation.ecgs[0]))


class Traces:
    """Recordings as measured, each once while it is held."""

    def __init__(self, signals: Any) -> None:
        self._signals, self._held = signals, OrderedDict[str, Trace]()

    def of(self, key: str) -> Trace:
        """Raises `GemError` when the recording is gone."""
        if key not in self._held:
            self._held[key] = Trace.of(self._signals.get(key).recording)
            if len(self._held) > _KEPT:
                self._held.popitem(last=False)
        return self._held[key]
