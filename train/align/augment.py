"""An ECG, changed as recorders and patients change it, so that an encoder does not learn a small corpus by heart."""

import numpy as np

from gem.model.config import EcgConfig
from gem.model.ecg_input import EcgArray
from train.align.config import Changes

_STRETCH = (0.85, 1.18)
_COVER_S = (0.5, 3.0)
_LEAD_GONE = 0.08
_NOISE_MV, _WANDER_MV, _WANDER_HZ = 0.04, 0.15, (0.05, 0.5)


def changed(array: EcgArray, rng: np.random.Generator, how: Changes, config: EcgConfig) -> EcgArray:
    """A changed copy; the mask says where a lead was taken away."""
    values, mask = array.values.copy(), array.mask.copy()
    samples = values.shape[1]
    if rng.random() < how.stretch:
        values = _stretched(values, rng)
    if rng.random() < how.cover:
        long = int(rng.uniform(*_COVER_S) * config.fs)
        at = int(rng.integers(0, max(1, samples - long)))
        values[:, at : at + long] = 0
    values *= rng.uniform(1 - how.gain, 1 + how.gain)
    if rng.random() < how.noise:
        values += rng.normal(0, rng.uniform(0, _NOISE_MV), values.shape)
    if rng.random() < how.wander:
        t = np.arange(samples) / config.fs
        size, phase = rng.uniform(-_WANDER_MV, _WANDER_MV, (len(values), 1)), rng.uniform(0, 2 * np.pi, (len(values), 1))
        values += size * np.sin(2 * np.pi * rng.uniform(*_WANDER_HZ) * t + phase)
    if rng.random() < how.leads:
        kept = rng.random(len(values)) > _LEAD_GONE
        if kept.any():
            mask[~kept] = False
    values *= np.repeat(mask, config.patch, axis=1)
    return EcgArray(values.astype(np.float32), mask, array.tokens)


def _stretched(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another heart rate: a stretch of the signal read faster or slower, zeros where it ends early."""
    samples = values.shape[1]
    factor = rng.uniform(*_STRETCH)
    long = int(samples * factor)
    at = np.arange(long) / factor
    longer = np.stack([np.interp(at, np.arange(samples), row) for row in values])
    if long >= samples:
        start = int(rng.integers(0, long - samples + 1))
        return longer[:, start : start + samples]
    out = np.zeros_like(values)
    start = int(rng.integers(0, samples - long + 1))
    out[:, start : start + long] = longer
    return out
