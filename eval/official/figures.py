"""Figures over a whole set as the published scripts make them, and their strict counterparts that `eval.metric` does not have.

Source: PULSE evaluation/evaluate_ecgbench.py: MultiLabelBinarizer fitted on the reference only, F1 as the plain mean over classes, "AUC" as
the mean of roc_auc_score on predictions of 0 and 1 (so the mean balanced accuracy), Hamming loss. The same numbers as scikit-learn's,
under any weights.
"""

from collections.abc import Sequence

import numpy as np

from eval.metric import Array, Metric
from eval.official.compat import with_dice
from eval.sample import Score


def _tables(scores: Sequence[Score], labels: Sequence[str] | None) -> tuple[Array, Array]:
    """([N, K] predicted, [N, K] reference) of 0 and 1; without `labels`, those of the reference (others are dropped)."""
    space = sorted({one for score in scores for one in score.parsed["reference"]}) if labels is None else list(labels)
    at = {label: k for k, label in enumerate(space)}
    tables = []
    for name in ("predicted", "reference"):
        table = np.zeros((len(scores), len(space)))
        for row, score in enumerate(scores):
            table[row, [at[one] for one in score.parsed[name] if one in at]] = 1
        tables.append(table)
    return tables[0], tables[1]


def macro_f1(key: str, labels: Sequence[str] | None = None) -> Metric:
    """Mean F1 over classes; without `labels` over those of the reference, as published."""

    def function(scores: Sequence[Score], weights: Array) -> Array:
        said, true = _tables(scores, labels)
        hit, p, r = weights @ (said * true), weights @ said, weights @ true
        with np.errstate(invalid="ignore", divide="ignore"):
            f1 = np.where(p + r > 0, 2 * hit / (p + r), 0.0)
        return np.asarray(f1.mean(axis=1))

    return Metric(key, function)


def hard_auc(key: str, labels: Sequence[str] | None = None) -> Metric:
    """The published "AUC": mean over classes of (sensitivity + specificity) / 2. NaN when a class has no or only cases."""

    def function(scores: Sequence[Score], weights: Array) -> Array:
        said, true = _tables(scores, labels)
        with np.errstate(invalid="ignore", divide="ignore"):
            sensitivity = (weights @ (said * true)) / (weights @ true)
            specificity = (weights @ ((1 - said) * (1 - true))) / (weights @ (1 - true))
        return np.asarray(((sensitivity + specificity) / 2).mean(axis=1))

    return Metric(key, function)


def hamming_loss(key: str, labels: Sequence[str] | None = None) -> Metric:
    """Share of wrong label decisions."""

    def function(scores: Sequence[Score], weights: Array) -> Array:
        said, true = _tables(scores, labels)
        return np.asarray((weights @ (said != true).mean(axis=1)) / weights.sum(axis=1))

    return Metric(key, function)


def dice_accuracy(key: str, letters: Sequence[str]) -> Metric:
    """As published: dice for what could not be read, thrown in the order of the samples. `parsed`: letter or None, reference."""

    def function(scores: Sequence[Score], weights: Array) -> Array:
        said = with_dice([score.parsed["letter"] for score in scores], letters)
        hits = np.array([one == score.parsed["reference"] for one, score in zip(said, scores, strict=True)], dtype=float)
        return np.asarray((weights @ hits) / weights.sum(axis=1))

    return Metric(key, function)


def survivors(key: str) -> Metric:
    """Mean over the items that the published report scorer keeps: the last one of each key (see `compat.report_survivors`)."""

    def function(scores: Sequence[Score], weights: Array) -> Array:
        last = {score.parsed["key"]: k for k, score in enumerate(scores)}
        kept = np.array(sorted(last.values()))
        values = np.array([scores[k].value for k in kept], dtype=float)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((weights[:, kept] @ values) / weights[:, kept].sum(axis=1))

    return Metric(key, function)


def unparsed_rate(key: str) -> Metric:
    """Share of answers nothing could be read from."""

    def function(scores: Sequence[Score], weights: Array) -> Array:
        lost = np.array([score.outcome == "unparsed" for score in scores], dtype=float)
        return np.asarray((weights @ lost) / weights.sum(axis=1))

    return Metric(key, function)
