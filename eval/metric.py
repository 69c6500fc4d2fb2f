"""Scores of many samples -> one figure, under any weights: the bootstrap gives weights, the figure itself has all ones.

A metric's `function` takes what it needs of N scored samples and weights [D, N] (D draws), and returns [D] figures; a draw in which
the figure is not defined (a class without a case) is NaN there and left out of the interval, never shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.sample import Score

Array = np.ndarray
Function = Callable[[Sequence[Score], Array], Array]


@dataclass(frozen=True)
class Metric:
    """of: key of the scores it is made from; function: ([N] scores, weights [D, N]) -> [D]; percent: the table shows it x 100."""

    of: str
    function: Function
    percent: bool = True


def mean(key: str, percent: bool = True) -> Metric:
    """Mean of the values."""
    return Metric(key, weighted_mean, percent)


def weighted_mean(scores: Sequence[Score], weights: Array) -> Array:
    values = np.array([score.value for score in scores], dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weights @ values) / weights.sum(axis=1))


def ratio(key: str, above: str, below: str, percent: bool = True) -> Metric:
    """Sum of one count over the sum of another (`parsed` is a dictionary of counts): a rate over claims, not over samples."""

    def function(scores: Sequence[Score], weights: Array) -> Array:
        up = np.array([score.parsed[above] for score in scores], dtype=float)
        down = np.array([score.parsed[below] for score in scores], dtype=float)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((weights @ up) / (weights @ down))

    return Metric(key, function, percent)


def macro_f1(key: str, labels: Sequence[str], predicted: str = "predicted", reference: str = "reference") -> Metric:
    """Mean over labels of F1; `parsed` holds lists of labels. A label with neither case nor prediction counts 0, as in scikit-learn."""

    def function(scores: Sequence[Score], weights: Array) -> Array:
        guess, truth = (_binary(scores, name, labels) for name in (predicted, reference))
        hit, said, there = weights @ (guess * truth), weights @ guess, weights @ truth
        with np.errstate(invalid="ignore", divide="ignore"):
            f1 = np.where(said + there > 0, 2 * hit / (said + there), 0.0)
        return np.asarray(f1.mean(axis=1))

    return Metric(key, function)


def macro_auroc(key: str, labels: Sequence[str], soft: str = "soft", reference: str = "reference") -> Metric:
    """Mean over labels of the area under the ROC curve; `parsed[soft]` is label -> score, ties count half."""

    def function(scores: Sequence[Score], weights: Array) -> Array:
        truth = _binary(scores, reference, labels)
        areas = [
            weighted_auroc(np.array([score.parsed[soft][label] for score in scores], dtype=float), truth[:, k], weights)
            for k, label in enumerate(labels)
        ]
        return np.asarray(np.mean(areas, axis=0))

    return Metric(key, function)


def weighted_auroc(soft: Array, truth: Array, weights: Array) -> Array:
    """[D] areas under the ROC curve of N samples: soft [N], truth [N] of 0 and 1, weights [D, N]. NaN without both classes."""
    order = np.argsort(soft, kind="stable")
    ranked, w = soft[order], weights.T[order]  # [N, D]: rows are gathered and summed as wholes
    starts = np.flatnonzero(np.r_[True, np.diff(ranked) != 0])
    is_case = truth[order] > 0
    negatives, positives = w.copy(), w
    negatives[is_case], positives[~is_case] = 0, 0
    if len(starts) < len(ranked):
        negatives, positives = np.add.reduceat(negatives, starts, axis=0), np.add.reduceat(positives, starts, axis=0)
    below = np.cumsum(negatives, axis=0)
    won = np.einsum("nd,nd->d", positives, below, dtype=np.float64) - np.einsum("nd,nd->d", positives, negatives, dtype=np.float64) / 2
    pairs = positives.sum(axis=0, dtype=np.float64) * negatives.sum(axis=0, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(won / pairs)


def _binary(scores: Sequence[Score], name: str, labels: Sequence[str]) -> Array:
    """[N, labels] of 0 and 1."""
    at = {label: k for k, label in enumerate(labels)}
    out = np.zeros((len(scores), len(labels)))
    for row, score in enumerate(scores):
        parsed: Any = score.parsed
        for label in parsed[name]:
            if label in at:
                out[row, at[label]] = 1
    return out


def hard_auc(key: str, labels: Sequence[str], predicted: str = "predicted", reference: str = "reference") -> Metric:
    """What tables of this field call AUC: the area over 0/1 predictions, which is balanced accuracy, as a mean over labels."""

    def function(scores: Sequence[Score], weights: Array) -> Array:
        guess, truth = (_binary(scores, name, labels) for name in (predicted, reference))
        with np.errstate(invalid="ignore", divide="ignore"):
            caught = (weights @ (guess * truth)) / (weights @ truth)
            spared = (weights @ ((1 - guess) * (1 - truth))) / (weights @ (1 - truth))
        return np.asarray(((caught + spared) / 2).mean(axis=1))

    return Metric(key, function)


def hamming(key: str, labels: Sequence[str], predicted: str = "predicted", reference: str = "reference") -> Metric:
    """Share of labels that are wrong."""

    def function(scores: Sequence[Score], weights: Array) -> Array:
        guess, truth = (_binary(scores, name, labels) for name in (predicted, reference))
        return np.asarray((weights @ (guess != truth).mean(axis=1)) / weights.sum(axis=1))

    return Metric(key, function)
