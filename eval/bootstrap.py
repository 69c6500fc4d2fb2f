"""Intervals by bootstrap over patients: all samples of a patient are drawn together, whatever the metric.

A draw is a weight a sample (how often its patient was drawn), so every figure is computed for many draws at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.metric import Metric
from eval.sample import Score

_CELLS = 4_000_000
"""Weights in memory at once."""
LEVEL = 95.0


@dataclass(frozen=True)
class Figure:
    """A metric over samples with its 95 % interval; `value` is None with a reason where it is not defined.

    n, patients          samples it is made of, and how many people they are
    unparsed, unscored   samples nothing could be read from (they count), and those without a value (they do not)
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    patients: int
    unparsed: int
    unscored: int
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


def draws(patients: Sequence[str], iters: int, seed: int) -> Iterator[np.ndarray]:
    """Weights [D, N] of `iters` draws, in blocks that fit into memory."""
    _, of = np.unique(np.asarray(patients), return_inverse=True)
    people = int(of.max()) + 1
    rng = np.random.default_rng(seed)
    block = max(1, _CELLS // max(people, len(of)))
    for at in range(0, iters, block):
        many = min(block, iters - at)
        chosen = rng.integers(0, people, (many, people), dtype=np.int32) + np.arange(many, dtype=np.int32)[:, None] * people
        counts = np.bincount(chosen.ravel(), minlength=many * people).reshape(many, people)
        yield counts.astype(np.float32).T[of].T  # a sample's weights lie together in memory


def figure(scores: Sequence[Score], patients: Sequence[str], metric: Metric, iters: int, seed: int) -> Figure:
    """One metric of scores [N] of patients [N]."""
    kept = [(score, who) for score, who in zip(scores, patients, strict=True) if score.outcome != "unscored"]
    lost = len(scores) - len(kept)
    unread = sum(score.outcome == "unparsed" for score, _ in kept)
    if not kept:
        why = next((score.why for score in scores if score.why), "no samples")
        return Figure(None, None, None, 0, 0, unread, lost, why)
    some, who = [score for score, _ in kept], [name for _, name in kept]
    people = len(set(who))
    value = float(metric.function(some, np.ones((1, len(some)), dtype=np.float32))[0])
    if not np.isfinite(value):
        return Figure(None, None, None, len(some), people, unread, lost, "not defined: no case, or no counter-case")
    if iters == 0 or people < 2:
        return Figure(value, None, None, len(some), people, unread, lost)
    drawn = np.concatenate([metric.function(some, weights) for weights in draws(who, iters, seed)])
    low, high = np.nanpercentile(drawn, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return Figure(value, float(low), float(high), len(some), people, unread, lost)


@dataclass(frozen=True)
class Difference:
    """Second run less first on the samples that both have, with the 95 % interval of the paired bootstrap.

    p  two-sided: twice the smaller share of draws on one side of 0
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    n: int
    patients: int


def difference(
    first: Mapping[str, Score], second: Mapping[str, Score], patients: Mapping[str, str], metric: Metric, iters: int, seed: int
) -> Difference | None:
    """Both runs under the same draws; scores by the sample's hash. None where the figure is not defined on what both scored."""
    common = [key for key in first if key in second and "unscored" not in (first[key].outcome, second[key].outcome)]
    if not common:
        return None
    one, two, who = [first[k] for k in common], [second[k] for k in common], [patients[k] for k in common]
    ones = np.ones((1, len(common)), dtype=np.float32)
    a, b = (float(metric.function(scores, ones)[0]) for scores in (one, two))
    if not np.isfinite([a, b]).all():
        return None
    moved = np.concatenate([metric.function(two, w) - metric.function(one, w) for w in draws(who, iters, seed)])
    moved = moved[np.isfinite(moved)]
    low, high = np.percentile(moved, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    p = min(1.0, 2 * min(float((moved <= 0).mean()), float((moved >= 0).mean())) + 1 / len(moved))
    return Difference(a, b, b - a, float(low), float(high), p, len(common), len(set(who)))
