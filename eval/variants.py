"""The same recording shown in several ways: how often the answer changes, and how good the worst way is."""

from collections.abc import Callable, Sequence

import numpy as np

from eval.metric import Array, Metric, macro_f1, mean
from eval.ptbxl import SUPER
from eval.sample import Score

Group = Callable[[Array], Array]


def variant_metrics(key: str, ways: Sequence[str]) -> dict[str, Metric]:
    """Metrics of scores whose `parsed` has record, way, predicted (labels) and reference.

    inconsistency  records whose answers are not all the same set (what cannot be read is an answer of its own)
    worst_way      exact sets in the way that fares worst
    all_right      records that are right in every way
    """
    of_way = {f"strict.exact_{way}": _of_way(key, way) for way in ways}
    f1_way = {f"strict.macro_f1_{way}": _of_way(key, way, macro_f1(key, tuple(SUPER))) for way in ways}
    groups = {"strict.inconsistency": _grouped(key, _differ), "strict.all_right": _grouped(key, _all_right)}
    whole = {"strict.exact": mean(key), "strict.macro_f1": macro_f1(key, tuple(SUPER))}
    return whole | groups | {"strict.worst_way": _worst(key, ways)} | of_way | f1_way


def _of_way(key: str, way: str, metric: Metric | None = None) -> Metric:
    inner = metric or mean(key)

    def function(scores: Sequence[Score], weights: Array) -> Array:
        mine = [k for k, score in enumerate(scores) if score.parsed["way"] == way]
        if not mine:
            return np.full(len(weights), np.nan)
        return inner.function([scores[k] for k in mine], weights[:, mine])

    return Metric(key, function)


def _worst(key: str, ways: Sequence[str]) -> Metric:
    def function(scores: Sequence[Score], weights: Array) -> Array:
        return np.asarray(np.fmin.reduce([_of_way(key, way).function(scores, weights) for way in ways]))

    return Metric(key, function)


def _grouped(key: str, of: Callable[[Sequence[Score]], float]) -> Metric:
    """Mean over records; a record weighs what its first sample weighs, for all of one patient are drawn together."""

    def function(scores: Sequence[Score], weights: Array) -> Array:
        groups: dict[str, list[int]] = {}
        for k, score in enumerate(scores):
            groups.setdefault(score.parsed["record"], []).append(k)
        several = [some for some in groups.values() if len(some) > 1]
        if not several:
            return np.full(len(weights), np.nan)
        values = np.array([of([scores[k] for k in some]) for some in several])
        w = weights[:, [some[0] for some in several]]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((w @ values) / w.sum(axis=1))

    return Metric(key, function)


def _differ(some: Sequence[Score]) -> float:
    return float(len({(score.outcome, tuple(score.parsed["predicted"])) for score in some}) > 1)


def _all_right(some: Sequence[Score]) -> float:
    return float(all(score.value == 1.0 for score in some))
