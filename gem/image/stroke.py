"""Strokes of any width, anti-aliased exactly, in plain numpy.

A trace is the graph of a function, so a round pen drawn along it covers, over every x, one interval of y: the graph's own
interval, widened by the pen's half circle (a dilation by a disk, hence round joins and ends). The intervals are taken on
`fine` sub-columns a pixel, and each adds its overlap with the pixels it crosses. Only pixels that ink touches are ever
visited: the cost grows with the length of the trace, not with the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_FINEST, _COARSEST = 16, 8
"""Sub-columns a pixel: many for thin strokes on small pictures, few where a stroke is pixels wide."""
_CHOICES = 4


@dataclass(frozen=True)
class Ink:
    """What strokes (or glyphs) cover, pixel by pixel.

    at      [N] positions in the flat picture, row * width + column
    alpha   [N] uint8, the covered share of the pixel, 255 for all of it
    begins  [K + 1]: stroke k owns the entries begins[k] to begins[k + 1]; a pixel stands once in a stroke
    """

    at: np.ndarray
    alpha: np.ndarray
    begins: np.ndarray

    def of(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Positions and coverage of stroke k."""
        part = slice(self.begins[k], self.begins[k + 1])
        return self.at[part], self.alpha[part]


def strokes(lines: Sequence[tuple[np.ndarray, np.ndarray]], width: float, size: tuple[int, int]) -> Ink:
    """The ink of polylines drawn with a round pen.

    lines  (x, y) of each polyline, [n] each, px from the top left corner; x does not decrease, all finite
    width  of the pen, px; any positive number
    size   (height, width) of the picture; what falls outside is cut
    """
    radius = width / 2
    fine = _fineness(radius)
    first = np.array([np.floor(x[0] - radius) for x, _ in lines], dtype=np.int64)
    last = np.array([np.ceil(x[-1] + radius) for x, _ in lines], dtype=np.int64)
    offset = np.concatenate([[0], np.cumsum(last - first)])
    low, high = _dilated(*_intervals(lines, first, offset, fine), radius, fine)
    height, breadth = size
    rows, alpha, count = _overlaps(np.clip(low, -1, height + 1), np.clip(high, -1, height + 1), fine)
    columns = np.arange(offset[-1]) + np.repeat(first - offset[:-1], last - first)
    columns = np.repeat(columns, count)
    kept = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < breadth) & (alpha > 0)
    ends = np.concatenate([[0], np.cumsum(kept)])
    pixels = np.concatenate([[0], np.cumsum(count)])
    return Ink((rows * breadth + columns)[kept], alpha[kept], ends[pixels[offset]])


def _fineness(radius: float) -> int:
    """Sub-columns a pixel. A vertical line covers 2 floor(radius * fine) + 1 of them, which is right where that product ends in .5."""
    least = int(np.clip(np.ceil(4 / radius), _COARSEST, _FINEST))
    return min(range(least, least + _CHOICES), key=lambda fine: abs(radius * fine % 1 - 0.5))


def _intervals(
    lines: Sequence[tuple[np.ndarray, np.ndarray]], first: np.ndarray, offset: np.ndarray, fine: int
) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest y of the graph over every sub-column, all polylines side by side; inf and -inf where there is none."""
    x = np.concatenate([(x - begin + at) * fine for (x, _), begin, at in zip(lines, first, offset[:-1], strict=True)])
    y = np.concatenate([y for _, y in lines])
    edges = np.arange(offset[-1] * fine + 1)
    at_edge = np.interp(edges, x, y)
    outside = np.ones(edges.size, dtype=bool)
    ends = np.cumsum([0] + [x.size for x, _ in lines])
    for begin, end in zip(x[ends[:-1]], x[ends[1:] - 1], strict=True):
        outside[int(np.ceil(begin)) : int(np.floor(end)) + 1] = False
    low, high = np.where(outside, np.inf, at_edge), np.where(outside, -np.inf, at_edge)
    low, high = np.minimum(low[:-1], low[1:]), np.maximum(high[:-1], high[1:])
    cell = np.minimum(x.astype(np.int64), low.size - 1)
    np.minimum.at(low, cell, y)
    np.maximum.at(high, cell, y)
    return low, high


def _dilated(low: np.ndarray, high: np.ndarray, radius: float, fine: int) -> tuple[np.ndarray, np.ndarray]:
    """The intervals after dilation by a disk."""
    below, above = low - radius, high + radius
    for d in range(1, int(radius * fine) + 1):
        half = np.sqrt(radius**2 - (d / fine) ** 2)
        for source, target in ((slice(d, None), slice(None, -d)), (slice(None, -d), slice(d, None))):
            np.minimum(below[target], low[source] - half, out=below[target])
            np.maximum(above[target], high[source] + half, out=above[target])
    return below, above


def _overlaps(low: np.ndarray, high: np.ndarray, fine: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row and coverage of every pixel that the intervals touch, column after column, and how many each column has.

    The overlap of [a, b] with pixel j is F(b - j) - F(a - j), F clamped to 0..1: it changes in two pixels at either end,
    so the changes are summed where they fall and added up down the column. Columns follow each other in one array; as the
    changes of a column sum to zero, one running sum serves all of them.
    """
    drawn = high > low
    blank = ~drawn.reshape(-1, fine).any(axis=1)
    top = np.floor(np.where(drawn, low, np.inf).reshape(-1, fine).min(axis=1))
    bottom = np.floor(np.where(drawn, high, -np.inf).reshape(-1, fine).max(axis=1))
    top[blank] = bottom[blank] = 0
    count = np.where(blank, 0, bottom - top + 2).astype(np.int64)
    begin = np.cumsum(count) - count
    shift = np.repeat(begin - top.astype(np.int64), fine)[drawn]
    at, weight = [], []
    for edge, sign in ((low[drawn], 1.0), (high[drawn], -1.0)):
        whole = np.floor(edge)
        part = edge - whole
        place = whole.astype(np.int64) + shift
        at += [place, place + 1]
        weight += [sign * (1 - part), sign * part]
    change = np.bincount(np.concatenate(at), np.concatenate(weight), minlength=int(count.sum()))
    alpha = np.rint(np.cumsum(change) * (255 / fine)).astype(np.uint8)
    rows = np.arange(change.size) - np.repeat(begin - top.astype(np.int64), count)
    return rows, alpha, count
