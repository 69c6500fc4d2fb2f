"""Many questions on one ECG: what stands before the question is computed once and kept."""

import copy
from collections.abc import Sequence
from typing import Any

import torch

from gem.infer.engine import GREEDY, Decoding, Engine
from gem.infer.quote import quotes, spelled, told_numbers
from gem.model.processor import Row
from gem.model.tokens import user


class About:
    """ECGs and pictures that were read by a model, for any number of questions.

    facts  a text before every question, e.g. what was measured
    """

    def __init__(self, engine: Engine, ecgs: Sequence[Any] = (), images: Sequence[Any] = (), facts: str = "") -> None:
        self._engine, self._facts = engine, facts
        self._ecgs, self._images = ecgs, images
        one, two = self._row("a"), self._row("0")
        self._ecgs, self._images = one.ecgs, one.images
        self._ids = one.ids[: _alike(one.ids, two.ids)]
        batch = engine.processor.batch([Row(self._ids, [], one.ecgs, one.images)])
        inputs = {name: tensor.to(engine.model.device) for name, tensor in batch.items()}
        with torch.no_grad():
            self._cache = engine.model(**inputs, use_cache=True, logits_to_keep=1).past_key_values

    def ask(self, questions: Sequence[str], decoding: Decoding = GREEDY, batch: int = 16) -> list[str]:
        """One answer a question, in order: those of `Engine.answer`, without reading the ECG again."""
        rows = [self._row(question).ids for question in questions]
        answers: list[str] = []
        for at in range(0, len(rows), batch):
            answers += self._some(rows[at : at + batch], decoding)
        return answers

    def _some(self, rows: list[list[int]], decoding: Decoding) -> list[str]:
        """Answers to rows that begin alike: the common beginning, then padding, then what is each row's own."""
        shared = min(_alike(self._ids, row[:-1]) for row in rows)
        cache = copy.deepcopy(self._cache)
        if shared < len(self._ids):
            cache.crop(shared - len(self._ids))
        cache.batch_repeat_interleave(len(rows))
        width, pad = max(len(row) for row in rows), self._engine.processor.tokenizer.pad_token_id or 0
        gaps = [width - len(row) for row in rows]
        ids = [[*self._ids[:shared], *[pad] * gap, *row[shared:]] for row, gap in zip(rows, gaps, strict=True)]
        mask = [[1] * shared + [0] * gap + [1] * (len(row) - shared) for row, gap in zip(rows, gaps, strict=True)]
        batch = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
        told = told_numbers(self._facts) if quotes(self._engine.processor.tokenizer) else {}
        return [spelled(text, told) for text in self._engine.generate(batch, decoding, past_key_values=cache)]

    def _row(self, question: str) -> Row:
        text = f"{self._facts}\n{question}" if self._facts else question
        row: Row = self._engine.processor.row([user(text, self._ecgs, self._images)], generation_prompt=True)
        return row


def _alike(one: Sequence[int], two: Sequence[int]) -> int:
    """How many tokens two rows have in common at their beginning."""
    differ = (k for k, (a, b) in enumerate(zip(one, two, strict=False)) if a != b)
    return next(differ, min(len(one), len(two)))
