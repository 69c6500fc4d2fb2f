"""One example changed at random, and its targets: scores that a sample is covered by a wave."""

import numpy as np
from scipy.signal import resample_poly

from gem.measure.scores import RATE_HZ, WAVES
from gem.simulate.noise import noise_12
from train.delineator.config import Augment
from train.delineator.examples import Example

_NOISES = ("muscle", "mains_50", "mains_60", "motion", "wander", "white")
_STRETCH = (0.75, 1.3)
_SWAPS = (
    (("I", -1), ("III", 1), ("II", 1), ("aVL", 1), ("aVR", 1), ("aVF", 1)),  # LA/RA
    (("III", -1), ("II", -1), ("I", -1), ("aVF", 1), ("aVL", 1), ("aVR", 1)),  # RA/LL
    (("II", 1), ("I", 1), ("III", -1), ("aVR", 1), ("aVF", 1), ("aVL", 1)),  # LA/LL
)
"""What I, II, III, aVR, aVL, aVF show when two limb electrodes are swapped (Sensors 2019, 19:2920)."""
_LIMB = {"I": 0, "II": 1, "III": 2, "aVR": 3, "aVL": 4, "aVF": 5}


def drawn(example: Example, crop: int, leads: int, how: Augment, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A stretch of an example with its targets.

    Returns signal [leads, crop] normalised, lead [leads, 3, crop] and joint [3, crop] targets in 0-1, and the weights of
    both in the loss (0 where the truth is not known).
    """
    factor = float(rng.uniform(*_STRETCH)) if rng.random() < how.stretch else 1.0
    x = _at_rate(example, factor)
    if rng.random() < how.low_rate:
        x = resample_poly(resample_poly(x, 2, 5, axis=1, padtype="line"), 5, 2, axis=1, padtype="line")[:, : x.shape[1]]
    x = _noisy(x, how, rng)
    first = int(rng.integers(0, max(1, x.shape[1] - crop)))
    rows, signs = _rows(leads, how, rng)
    order = np.array([row for row, _ in rows])
    x = x[order, first : first + crop] * signs[:, None]
    x = np.pad(x, ((0, 0), (0, crop - x.shape[1])))
    x = x - np.median(x, axis=1, keepdims=True)
    x = x / np.maximum(x.std(axis=1, keepdims=True), 1e-4)
    lead, joint, lead_weight, joint_weight = _targets(example, factor, first, crop, order)
    return {
        "signal": x.astype(np.float32),
        "lead": lead,
        "joint": joint,
        "lead_weight": lead_weight,
        "joint_weight": joint_weight,
    }


def _at_rate(example: Example, factor: float) -> np.ndarray:
    """[12, T] at `RATE_HZ`, time stretched by `factor`."""
    x = example.signal
    if factor != 1.0:
        at = np.arange(int(x.shape[1] * factor)) / factor
        x = np.stack([np.interp(at, np.arange(x.shape[1]), row) for row in x])
    out: np.ndarray = resample_poly(x, 1, round(example.fs / RATE_HZ), axis=1, padtype="line")
    return out


def _noisy(x: np.ndarray, how: Augment, rng: np.random.Generator) -> np.ndarray:
    power = float(np.mean(np.var(x, axis=1)))
    for _ in range(2):
        if rng.random() < how.noise:
            kind = _NOISES[int(rng.integers(len(_NOISES)))]
            made = noise_12(kind, x.shape[1], RATE_HZ, rng)
            x = x + made * np.sqrt(power / 10 ** (float(rng.uniform(*how.snr_db)) / 10))
    return x


def _rows(leads: int, how: Augment, rng: np.random.Generator) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Which leads, in which order, and their signs: sometimes with limb electrodes swapped or single leads upside down."""
    rows = [(k, 1) for k in range(12)]
    if rng.random() < 0.08:
        swap = _SWAPS[int(rng.integers(len(_SWAPS)))]
        rows[:6] = [(_LIMB[name], sign) for name, sign in swap]
    chosen = sorted(rng.permutation(12)[:leads].tolist())
    rows = [rows[k] for k in chosen]
    signs = np.array([sign for _, sign in rows], dtype=float)
    signs *= np.where(rng.random(leads) < how.flip, -1.0, 1.0)
    return rows, signs


def _targets(
    example: Example, factor: float, first: int, crop: int, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    lead = np.stack([np.stack([_cover(example.lead[wave][row], factor, first, crop) for wave in WAVES]) for row in order])
    joint = np.stack([_cover(example.joint[wave], factor, first, crop) for wave in WAVES])
    valid = _cover(np.array([example.valid]), factor, first, crop) >= 1.0
    known = np.stack([_cover(example.unknown[wave], factor, first, crop) == 0 for wave in WAVES])

    def weight(edges: np.ndarray) -> np.ndarray:
        """[crop] where a score is taught: in the marked stretch, away from vague edges."""
        if not example.vague_s:
            return valid
        around = np.stack([edges.ravel() - example.vague_s, edges.ravel() + example.vague_s], axis=1)
        out: np.ndarray = valid & (_cover(around, factor, first, crop) == 0)
        return out

    lead_weight = np.stack([np.stack([weight(example.lead[wave][row]) for wave in WAVES]) for row in order]) & known
    joint_weight = np.stack([weight(example.joint[wave]) for wave in WAVES])
    return lead, joint, lead_weight.astype(np.float32), joint_weight.astype(np.float32)


def _cover(edges: np.ndarray, factor: float, first: int, crop: int) -> np.ndarray:
    """[crop] share of each sample's interval that lies between a pair of edges."""
    out = np.zeros(crop, np.float32)
    for a, b in edges * factor * RATE_HZ - first:
        low, high = int(np.floor(a + 0.5)), int(np.floor(b + 0.5))
        if high < 0 or low >= crop or b <= a:
            continue
        k = np.arange(max(0, low), min(crop, high + 1))
        out[k] = np.maximum(out[k], np.clip(np.minimum(b, k + 0.5) - np.maximum(a, k - 0.5), 0, 1))
    return out
