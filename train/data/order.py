"""Which row is drawn when: all epochs as one long, seeded list that nobody stores.

Draw k of a run is the same row on every machine, in every process, after any interruption: it follows from the seed and k alone. Batch b
of the run holds the draws b * B to (b + 1) * B, however many processes share it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

_WINDOW = 64
"""Batches among which rows of like length look for each other."""


@dataclass(frozen=True)
class Place:
    """dataset: its number; row: in it; epoch: of the run."""

    dataset: int
    row: int
    epoch: int


class Order:
    """The mixture.

    sizes    rows of each dataset
    weights  how often each is drawn per epoch: 0.5 half of its rows (other ones next time), 2 all of them twice
    batch    draws per step, all processes together
    lengths  `lengths(dataset, rows)` gives sizes to group by, or None: no grouping
    """

    def __init__(self, sizes: Sequence[int], weights: Sequence[float], seed: int, batch: int = 1, lengths: object = None) -> None:
        self._sizes, self._seed, self._batch, self._lengths = list(sizes), seed, batch, lengths
        self.counts = [max(1, round(size * weight)) if weight > 0 else 0 for size, weight in zip(sizes, weights, strict=True)]
        self.epoch_draws = sum(self.counts)
        self._kept: tuple[int, np.ndarray, np.ndarray] | None = None

    def place(self, draw: int) -> Place:
        """The row of one draw."""
        epoch, at = divmod(draw, self.epoch_draws)
        datasets, rows = self._epoch(epoch)
        return Place(int(datasets[at]), int(rows[at]), epoch)

    def _epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """[N] dataset and [N] row of an epoch's draws; the last one asked for is kept."""
        if self._kept is not None and self._kept[0] == epoch:
            return self._kept[1], self._kept[2]
        datasets = np.repeat(np.arange(len(self.counts), dtype=np.int16), self.counts)
        rows = np.concatenate([self._stream(k, epoch) for k in range(len(self.counts))])
        order = np.random.default_rng([self._seed, 1, epoch]).permutation(self.epoch_draws)
        datasets, rows = datasets[order], rows[order]
        if self._lengths is not None:
            grouped = self._grouped(datasets, rows, epoch)
            datasets, rows = datasets[grouped], rows[grouped]
        self._kept = (epoch, datasets, rows)
        return datasets, rows

    def _stream(self, dataset: int, epoch: int) -> np.ndarray:
        """The rows that one dataset gives to an epoch: the next stretch of its permutations, one after the other."""
        size, count = self._sizes[dataset], self.counts[dataset]
        if count == 0:
            return np.zeros(0, np.int64)
        begin, parts = epoch * count, []
        while count:
            turn, at = divmod(begin, size)
            part = np.random.default_rng([self._seed, 2, dataset, turn]).permutation(size)[at : at + count]
            parts.append(part)
            begin, count = begin + len(part), count - len(part)
        return np.concatenate(parts)

    def _grouped(self, datasets: np.ndarray, rows: np.ndarray, epoch: int) -> np.ndarray:
        """An order in which each batch holds rows of like length: sorted within windows, the batches of a window shuffled."""
        lengths = np.zeros(len(rows), np.int64)
        for k in range(len(self.counts)):
            mine = datasets == k
            lengths[mine] = self._lengths(k, rows[mine])  # type: ignore[operator]
        rng, out = np.random.default_rng([self._seed, 3, epoch]), []
        offset = -(epoch * self.epoch_draws) % self._batch  # batches do not begin where epochs do
        bounds = [0, *range(offset or 0, len(rows), _WINDOW * self._batch), len(rows)]
        for begin, end in pairwise(bounds):
            window = begin + np.argsort(-lengths[begin:end], kind="stable")
            whole = len(window) // self._batch * self._batch
            batches = window[:whole].reshape(-1, self._batch)
            out += [batches[rng.permutation(len(batches))].ravel(), window[whole:]]
        return np.concatenate(out)
