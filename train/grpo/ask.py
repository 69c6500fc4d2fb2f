"""Conversations -> questions: what is shown and asked as in the other stages, and the answer kept back as the reference."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gem.errors import ConfigError
from gem.infer.quote import quotes, told_in
from train.data.examples import Example, Maker
from train.data.index import Rows
from train.data.signals import key_of
from train.grpo.reward import Trace

_KEPT = 512
"""Measured recordings that are held; the answers to one question need theirs at the same time."""


@dataclass(frozen=True)
class Asked(Example):
    """A question: `row` ends where the assistant is to speak.

    key   of the recording that the answer is judged by
    told  numbers that the answer may quote (gem.infer.quote)
    """

    text: str = ""
    reference: str = ""
    key: str = ""
    told: Mapping[str, str] = field(default_factory=dict)


class Chosen:
    """The rows of a file that are asked: of these tasks (all where empty), about one recording."""

    def __init__(self, rows: Rows, tasks: Sequence[str]) -> None:
        self.source, self._rows = rows.source, rows
        self._numbers = [k for k in range(len(rows)) if _is_asked(rows[k], tasks)]
        if not self._numbers:
            raise ConfigError(f"{rows.source}: no row of {', '.join(tasks) or 'any task'} about one recording; change tasks or data.train")

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, k: int) -> dict[str, Any]:
        return self._rows[self._numbers[k]]


def _is_asked(row: dict[str, Any], tasks: Sequence[str]) -> bool:
    return (not tasks or row.get("task") in tasks) and len(row.get("ecgs", ())) == 1


class Asker(Maker):
    """Makes the question of a conversation about one recording."""

    def example(self, dataset: int, row: int, rng: np.random.Generator) -> Asked:
        """Raises `GemError` when it cannot be made."""
        conversation = self.conversation(dataset, row)
        messages = self.messages(conversation, dataset, rng)
        first = next(k for k, message in enumerate(messages) if message["role"] == "assistant")
        prompt = self.processor.row(messages[:first], generation_prompt=True)
        text = conversation.turns[0].text
        told = told_in(messages[:first]) if quotes(self.processor.tokenizer) else {}
        return Asked(prompt, conversation.id, conversation.task, text, conversation.turns[1].text, key_of(conversation.ecgs[0]), told)


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
