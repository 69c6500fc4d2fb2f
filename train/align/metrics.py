"""How well statements are told apart."""

import math

import numpy as np
from sklearn.metrics import roc_auc_score


def auroc(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """Mean over the columns that have both answers among the records that say."""
    found = []
    for z, y, w in zip(scores.T, labels.T, weights.T, strict=True):
        if 0 < y[w > 0].sum() < (w > 0).sum():
            found.append(roc_auc_score(y[w > 0], z[w > 0]))
    return round(float(np.mean(found)), 4) if found else math.nan
