"""Controls that see no ECG: chance, and the prior."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from eval.models.config import Baseline
from eval.models.model import Prompt
from eval.sample import Answer, Sample, Turn

_LEAST = 1e-6


def _references(turn: Turn) -> tuple[str, ...]:
    return turn.reference if isinstance(turn.reference, tuple) else (turn.reference,)


def _place(sample: Sample, number: int) -> str:
    """Which question it is: turns that ask the same of other samples share it."""
    turn = sample.turns[number]
    return f"{number}|{turn.meta.get('label', '')}|{'' if turn.options else turn.question}"


class Random:
    """One of the options by a seed and the prompt's hash; a free answer is the reference of some other sample. No dice in the scores:
    the same prompt always gets the same choice.
    """

    def __init__(self, config: Baseline) -> None:
        self.name, self.fingerprint = "random", config.model_dump(mode="json")
        self._seed = config.seed
        self._said: dict[str, list[str]] = {}

    def prepare(self, samples: Sequence[Sample]) -> None:
        """Texts to choose from."""
        self._said = {}
        for sample in samples:
            for number, turn in enumerate(sample.turns):
                self._said.setdefault(_place(sample, number), []).append("; ".join(_references(turn)))

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        return [self._one(prompt) for prompt in prompts]

    def _one(self, prompt: Prompt) -> Answer:
        turn = prompt.turn
        rng = np.random.default_rng([self._seed, int(prompt.hash, 16) % 2**32])
        likely = tuple(float(x) for x in np.log(rng.dirichlet(np.ones(len(turn.options))) + _LEAST)) if turn.options else None
        pool = turn.options or self._said.get(_place(prompt.sample, prompt.number), [""])
        return Answer(text=str(pool[rng.integers(len(pool))]) if turn.ask != "likelihood" else None, likelihoods=likely)


class Majority:
    """The most common reference of each question, over the very samples that are asked: more than a model without an ECG can know."""

    def __init__(self, config: Baseline) -> None:
        self.name, self.fingerprint = "majority", config.model_dump(mode="json")
        self._count: dict[str, Counter[tuple[str, ...]]] = {}

    def prepare(self, samples: Sequence[Sample]) -> None:
        """Counts references."""
        self._count = {}
        for sample in samples:
            for number, turn in enumerate(sample.turns):
                self._count.setdefault(_place(sample, number), Counter())[_references(turn)] += 1

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        return [self._one(prompt) for prompt in prompts]

    def _one(self, prompt: Prompt) -> Answer:
        turn, counts = prompt.turn, self._count[_place(prompt.sample, prompt.number)]
        said: Any = "; ".join(counts.most_common(1)[0][0]) if turn.ask != "likelihood" else None
        total = sum(counts.values())
        shares = [sum(n for key, n in counts.items() if option in key) / total for option in turn.options]
        return Answer(text=said, likelihoods=tuple(math.log(share + _LEAST) for share in shares) if turn.options else None)
