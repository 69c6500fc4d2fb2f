"""What the reader would say of each recording, as a line for a prompt (readings.jsonl: recording, text).

Of recordings that it was trained on it knows too much, so each of those borrows the probabilities of a held-out recording with the most
similar labels; where a label differs still, the probability of that statement comes from another held-out recording that has it right.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import expit

from gem.files import writing_whole
from gem.report.reading import Reading

_CANDIDATES = 5
"""So many of the most similar held-out recordings are drawn from."""


def borrowed(labels: np.ndarray, held_labels: np.ndarray, held_probabilities: np.ndarray, seed: int) -> np.ndarray:
    """[N, S] labels, [M, S] labels and probabilities of held-out recordings -> [N, S] probabilities."""
    out = np.empty(labels.shape, np.float32)
    for n, mine in enumerate(labels):
        rng = np.random.default_rng((seed, 4, n))
        far = np.abs(held_labels - mine).sum(1) + rng.random(len(held_labels)) * 0.5
        near = int(rng.choice(np.argsort(far)[:_CANDIDATES]))
        out[n] = held_probabilities[near]
        for k in np.flatnonzero(held_labels[near] != mine):
            alike = np.flatnonzero(held_labels[:, k] == mine[k])
            if len(alike):
                out[n, k] = held_probabilities[int(rng.choice(alike)), k]
    return out


def write_readings(path: Path, keys: Sequence[str], probabilities: np.ndarray, statements: Sequence[str]) -> None:
    """One line a recording: {"recording", "text"}."""
    with writing_whole(path) as out:
        for key, row in zip(keys, probabilities, strict=True):
            reading = Reading(dict(zip(statements, map(float, row), strict=True)), dict.fromkeys(statements, 0.5), "")
            out.write(json.dumps({"recording": key, "text": reading.text}).encode() + b"\n")


def mixed(ecg: np.ndarray, measured: np.ndarray, mix: np.ndarray) -> np.ndarray:
    """Probabilities from both logits [N, S] and the mixture [3, S]."""
    probabilities: np.ndarray = expit(ecg * mix[0] + measured * mix[1] + mix[2])
    return probabilities
