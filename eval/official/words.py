"""How alike two texts are: exact match, token F1, BLEU-4, ROUGE-L, METEOR.

They reward the wording of a template as much as its sense (PTB-XL's reports have 14 words on average), so they are shown for
comparability with ECG-Bench (ELM-Research/ECG-Language-Models), never alone.

BLEU-4 is the corpus BLEU of Papineni 2002 on white-space tokens, with the smoothing "method 1" of Chen & Cherry 2014 (an order without a
match counts 0.1) that ECG-Bench uses; like nltk it counts a text of fewer than n tokens as one n-gram without a match. ROUGE-L is the
F1 of Lin 2004 on lower-cased tokens of letters and digits, as rouge-score has it.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from eval.metric import Array, Metric
from eval.sample import Score

ORDER = 4
EPSILON = 0.1
_ROUGE_TOKEN = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True)
class BleuCounts:
    """What corpus BLEU needs of one answer: (matches, n-grams) of orders 1 to 4, and both lengths in tokens."""

    matches: tuple[int, ...]
    totals: tuple[int, ...]
    length: int
    reference: int

    def row(self) -> list[int]:
        return [*self.matches, *self.totals, self.length, self.reference]


def bleu_counts(answer: str, reference: str) -> BleuCounts:
    """Clipped n-gram matches on white-space tokens."""
    said, true = answer.split(), reference.split()
    matches, totals = [], []
    for n in range(1, ORDER + 1):
        mine = Counter(zip(*(said[k:] for k in range(n)), strict=False))
        theirs = Counter(zip(*(true[k:] for k in range(n)), strict=False))
        matches.append(sum(min(mine[gram], theirs[gram]) for gram in mine.keys() & theirs.keys()))
        totals.append(max(1, len(said) - n + 1))
    return BleuCounts(tuple(matches), tuple(totals), len(said), len(true))


def bleu(sums: Array) -> Array:
    """[D, 10] sums of `BleuCounts.row` -> [D] BLEU-4."""
    sums = np.atleast_2d(np.asarray(sums, dtype=float))
    matches, totals, said, true = sums[:, :ORDER], sums[:, ORDER : 2 * ORDER], sums[:, -2], sums[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(matches > 0, matches, EPSILON) / totals
        short = np.where(said > true, 1.0, np.exp(1 - true / np.where(said > 0, said, 1)))
        value = short * np.exp(np.log(precision).mean(axis=1))
    return np.asarray(np.where(matches[:, 0] > 0, value, 0.0))


def corpus_bleu(key: str) -> Metric:
    """BLEU-4 of all answers together; `parsed["bleu"]` is a `BleuCounts.row`."""

    def function(scores: Sequence[Score], weights: Array) -> Array:
        return bleu(weights @ np.array([score.parsed["bleu"] for score in scores], dtype=float))

    return Metric(key, function)


def rouge_l(answer: str, reference: str) -> float:
    """F1 of the longest common subsequence."""
    said, true = _ROUGE_TOKEN.findall(answer.lower()), _ROUGE_TOKEN.findall(reference.lower())
    if not said or not true:
        return 0.0
    common = _common_subsequence(said, true)
    return 2 * common / (len(said) + len(true))


def _common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Its length, a row of the table held as the bits of one integer (Hyyro 2004): 100,000 reports in seconds, not minutes."""
    places: dict[str, int] = {}
    for k, token in enumerate(a):
        places[token] = places.get(token, 0) | 1 << k
    full = (1 << len(a)) - 1
    row = full
    for token in b:
        hit = row & places.get(token, 0)
        row = ((row + hit) | (row - hit)) & full
    return len(a) - row.bit_count()


def token_f1(answer: str, reference: str) -> float:
    """F1 of bags of lower-cased white-space tokens (as in SQuAD, without its removal of articles)."""
    said, true = Counter(answer.lower().split()), Counter(reference.lower().split())
    common = sum((said & true).values())
    return 2 * common / (said.total() + true.total()) if common else 0.0


def meteor(answer: str, reference: str, alpha: float = 0.9, beta: float = 3.0, gamma: float = 0.5) -> float:
    """METEOR of Banerjee & Lavie 2005 with exact matches only (nltk's parameters).

    Published figures also match stems and WordNet synonyms; WordNet is a download, so this is a lower bound of them and is named so
    (`meteor_exact`).
    """
    said, true = answer.lower().split(), reference.lower().split()
    pairs = _aligned(said, true)
    if not pairs:
        return 0.0
    precision, recall = len(pairs) / len(said), len(pairs) / len(true)
    mean = precision * recall / (alpha * precision + (1 - alpha) * recall)
    chunks = 1 + sum(b != (a[0] + 1, a[1] + 1) for a, b in pairwise(pairs))
    return mean * (1 - gamma * (chunks / len(pairs)) ** beta)


def _aligned(said: Sequence[str], true: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of equal tokens, each used once, from the last to the first as nltk pairs them."""
    free = {}
    for k, token in enumerate(true):
        free.setdefault(token, []).append(k)
    pairs = [(k, free[token].pop()) for k, token in reversed(list(enumerate(said))) if free.get(token)]
    return sorted(pairs)


def bits(answer: str, reference: str) -> dict[str, float | list[int]]:
    """Everything about one pair that the figures of a set are made of."""
    return {
        "exact": float(answer == reference),
        "token_f1": token_f1(answer, reference),
        "rouge_l": rouge_l(answer, reference),
        "meteor_exact": meteor(answer, reference),
        "bleu": bleu_counts(answer, reference).row(),
    }


def bleu_of(answers: Sequence[str], references: Sequence[str]) -> float:
    """Corpus BLEU-4 of pairs."""
    rows = [bleu_counts(a, r).row() for a, r in zip(answers, references, strict=True)]
    return bleu_of_sums([sum(column) for column in zip(*rows, strict=True)])


def bleu_of_sums(row: Sequence[int]) -> float:
    """BLEU-4 of one sum of `BleuCounts.row`, without arrays: they would cost more than the rest of a short report."""
    matches, totals, said, true = row[:ORDER], row[ORDER : 2 * ORDER], row[-2], row[-1]
    if matches[0] == 0:
        return 0.0
    precision = sum(math.log((hit or EPSILON) / all_) for hit, all_ in zip(matches, totals, strict=True)) / ORDER
    return math.exp(precision) * (1.0 if said > true else math.exp(1 - true / said))
