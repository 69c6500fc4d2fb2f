"""Bumps with compact support, so that every wave begins and ends somewhere exactly.

One form serves all waves: it rises along half a cosine, may stay on top, and falls along half
a cosine. It is smooth, zero outside its support, and may rise slower than it falls, as T does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from gem.simulate.leads import project


@dataclass(frozen=True, eq=False)
class Wave:
    """A sum of K bumps as eight independent leads see it.

    times    [K, 4] s: begins, reaches the top, leaves the top, ends
    weights  [8, K] mV
    """

    times: np.ndarray
    weights: np.ndarray

    @property
    def begin(self) -> float:
        return float(self.times[:, 0].min()) if len(self.times) else 0.0

    @property
    def end(self) -> float:
        return float(self.times[:, 3].max()) if len(self.times) else 0.0

    def bumps(self, t: np.ndarray) -> np.ndarray:
        """The bumps alone, 0 to 1, at the times `t` [..., n] s: [..., K, n]."""
        begin, top, leave, end = (self.times[:, k, None] for k in range(4))
        at = t[..., None, :]
        least = np.minimum((at - begin) / (top - begin), (end - at) / (end - leave))
        np.clip(least, 0.0, 1.0, out=least)
        shape: np.ndarray = 0.5 - 0.5 * np.cos(np.pi * least)
        return shape

    def at(self, t: np.ndarray) -> np.ndarray:
        """[8, n] mV at the times `t` [n] s."""
        values: np.ndarray = self.weights @ self.bumps(t)
        return values

    def area(self) -> np.ndarray:
        """[8] mV s. Half a cosine has half the area of its box."""
        begin, top, leave, end = self.times.T
        total: np.ndarray = self.weights @ (leave - top + 0.5 * (top - begin + end - leave))
        return total

    def stretched(self, factor: float) -> "Wave":
        return replace(self, times=self.times * factor)

    def moved(self, by_s: float) -> "Wave":
        return replace(self, times=self.times + by_s)

    def grid(self, step_s: float) -> np.ndarray:
        """Times from just before the beginning to just after the end, `step_s` apart."""
        return self.begin - step_s + step_s * np.arange(int(np.ceil((self.end - self.begin) / step_s)) + 3)


@dataclass(frozen=True, eq=False)
class Vectors:
    """Bumps of a dipole, before projection.

    times  [K, 4] s, as in `Wave`
    xyz    [K, 3] mV, Frank axes
    turns  [K] bool: whether the bump follows when the mean axis is turned
    """

    times: np.ndarray
    xyz: np.ndarray
    turns: np.ndarray

    def wave(self, turn_deg: float = 0.0) -> Wave:
        weights = project(self.xyz)
        if turn_deg:
            weights = np.where(self.turns, project(self.xyz, turn_deg), weights)
        return Wave(self.times, weights)

    def varied(self, rng: np.random.Generator, variety: float) -> "Vectors":
        """Every bump a little longer or shorter, turned and moved, as hearts differ.

        variety  1: 12 % in size, 6 degrees in direction, 3 % of the wave's length in time; 0: unchanged
        """
        count = len(self.times)
        size = np.exp(0.12 * variety * rng.standard_normal((count, 1)))
        direction = np.radians(6.0) * variety * rng.standard_normal((count, 3))
        late = 0.03 * variety * rng.standard_normal(count)
        length = self.times[:, 3].max() - self.times[:, 0].min()
        xyz = size * (self.xyz + np.cross(direction, self.xyz))
        times = self.times.copy()
        # the outer edges stay, or the wave would change its length
        times[:, 1:3] = np.clip(times[:, 1:3] + (late * length)[:, None], times[:, :1] + 0.02 * length, times[:, 3:] - 0.02 * length)
        return replace(self, times=times, xyz=xyz)


def vectors(rows: Iterable[tuple[float, ...]]) -> Vectors:
    """From rows (begin, top, end, x, y, z) or (..., turns): times in any unit, mV; turns 1 unless 0 is said."""
    listed = [(*row, 1.0) if len(row) == 6 else row for row in rows]
    table = np.array(listed, dtype=float).reshape(-1, 7)
    return Vectors(table[:, [0, 1, 1, 2]], table[:, 3:6], table[:, 6] > 0)


def joined(*waves: Wave) -> Wave:
    return Wave(np.concatenate([w.times for w in waves]), np.concatenate([w.weights for w in waves], axis=1))
