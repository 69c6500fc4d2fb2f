"""A draft: turns with what each answer asserts of which recording, before `accept` has judged it."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import yaml

from gem.conversation import Origin

T = TypeVar("T")
WRITER = Origin(kind="template", name="gem template writer", version="1")


@dataclass(frozen=True)
class Answer:
    """What the assistant says.

    text      the answer
    asserts   (number of the recording, text) to be verified in its place, where the answer alone says too little ("162 ms");
              by default the answer itself, of the first recording
    known     sentences true by construction that the ruler does not read (the quality of the recording, what it cannot show),
              or a number worked out from what is asserted (a difference)
    knowledge the answer quotes a criterion: its numbers are limits, not measurements
    """

    text: str
    asserts: tuple[tuple[int, str], ...] = ()
    known: tuple[str, ...] = ()
    knowledge: bool = False

    @property
    def checks(self) -> tuple[tuple[int, str], ...]:
        return self.asserts or ((0, self.text),)


@dataclass(frozen=True)
class Draft:
    """One sample: questions and answers by turns. `free` answers may lose a sentence; others are accepted or rejected whole."""

    task: str
    pairs: tuple[tuple[str, Answer], ...]
    free: bool = False
    origin: Origin = WRITER
    meta: Mapping[str, Any] = field(default_factory=dict)


@cache
def phrases() -> dict[str, list[str]]:
    """Key -> phrasings (phrases.yaml)."""
    found: dict[str, list[str]] = yaml.safe_load((files("data_gen") / "instruct" / "phrases.yaml").read_text(encoding="utf-8"))
    return found


class Voice:
    """Seeded choices: phrasings, orders, subsets. The same seed says the same."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)

    def say(self, key: str, **values: object) -> str:
        """One phrasing of `key`, filled, beginning with a capital."""
        text = self.rng.choice(phrases()[key]).format(**values)
        return text[:1].upper() + text[1:]

    def one(self, items: Sequence[T]) -> T:
        return self.rng.choice(items)

    def some(self, items: Sequence[T], most: int) -> list[T]:
        """Up to `most` of them, in their order."""
        kept = sorted(self.rng.sample(range(len(items)), min(most, len(items))))
        return [items[k] for k in kept]

    def mixed(self, items: Sequence[T]) -> list[T]:
        return self.rng.sample(list(items), len(items))


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
