"""The mixture of the reader: how much each of its two parts counts, and from which probability a statement is said.

Per statement a logistic regression on the two logits, on recordings that neither part was trained on, held towards equal parts by an
L2 penalty (a rare statement has a handful of cases). Thresholds maximise F1 on the same recordings, shrunk towards 0.4 where cases are few.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

_PENALTY = 3.0
_START = np.array([0.6, 0.6, 0.0])
_FEW = 10.0


def mixture(ecg: np.ndarray, measured: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[N, S] logits of both parts, labels, weights -> mix [3, S] (ecg, measured, constant) and alone [2, S] (ecg, constant)."""
    mix = np.zeros((3, labels.shape[1]), np.float32)
    alone = np.zeros((2, labels.shape[1]), np.float32)
    for k in range(labels.shape[1]):
        there = weights[:, k] > 0
        inputs = np.stack([ecg[there, k], measured[there, k], np.ones(there.sum())], axis=1)
        mix[:, k] = _fitted(inputs, labels[there, k], _START)
        alone[:, k] = _fitted(inputs[:, [0, 2]], labels[there, k], np.array([1.0, 0.0]))
    return mix, alone


def _fitted(inputs: np.ndarray, labels: np.ndarray, towards: np.ndarray) -> np.ndarray:
    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = inputs @ w
        p = expit(z)
        held = _PENALTY * (w - towards)
        held[-1] *= 0.1
        value = float(np.logaddexp(0, z).sum() - (labels * z).sum() + 0.5 * held @ (w - towards))
        return value, inputs.T @ (p - labels) + held

    bounds = [(0.0, None)] * (len(towards) - 1) + [(None, None)]
    found: np.ndarray = minimize(loss, towards, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found


def thresholds(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> list[float]:
    """[N, S] -> the probability that gives each statement the best F1, drawn towards 0.4 where it has few cases."""
    out = []
    for p, y, w in zip(probabilities.T, labels.T, weights.T, strict=True):
        p, y = p[w > 0], y[w > 0] > 0
        tried = np.linspace(0.1, 0.8, 71)
        f1 = np.array([2 * (y & (p >= t)).sum() / max(1, y.sum() + (p >= t).sum()) for t in tried])
        best = float(tried[f1 >= f1.max() - 1e-9].mean()) if y.any() else 0.5
        out.append(round((y.sum() * best + _FEW * 0.4) / (y.sum() + _FEW), 3))
    return out
