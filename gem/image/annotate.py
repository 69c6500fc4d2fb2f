"""Labels of a picture, pushed through the same warp as its pixels: boxes, masks, grid crossings, and where each sample lies.

Points go through the closed form of the warp; masks are resampled by the very map that made the picture. Pixels count from
the top left corner: the centre of the first one is (0.5, 0.5).
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil, floor
from typing import Any

import cv2
import numpy as np

from gem.ecg.lead import STANDARD
from gem.image.draw import Drawn, Trace
from gem.image.grid import MAJOR_MM
from gem.image.photo.picture import Picture

SCHEMA = "gem.page/1"
Box = tuple[float, float, float, float]
"""left, top, right, bottom, px."""
_LEAST_SHARE = 0.3
"""A box of which less lies inside the frame shows nothing."""
_ENOUGH, _ENOUGH_RESAMPLED = 0.49, 0.35
"""Shares of what a pen can cover: a thin line between two rows of pixels covers half of each, and resampling spreads it once more."""
_NAME_PAD_MM = 0.5
"""Around a printed name, so that the box of an I is more than a line."""


@dataclass(frozen=True)
class Mask:
    """How far one trace covers each pixel of a rectangle: left, top and alpha [h, w] uint8; it covers nothing elsewhere.

    enough  alpha from which on a pixel belongs to the trace: half of what the pen can cover, less where it was resampled
    """

    left: int
    top: int
    alpha: np.ndarray
    enough: int

    def full(self, size: tuple[int, int]) -> np.ndarray:
        """[H, W] bool over the whole picture."""
        out = np.zeros(size, dtype=bool)
        height, width = self.alpha.shape
        out[self.top : self.top + height, self.left : self.left + width] = self.alpha >= self.enough
        return out

    def runs(self) -> list[int]:
        """Lengths of runs along the rows of the rectangle, beginning with one of pixels that do not belong to the trace."""
        flat = np.concatenate([[False], (self.alpha >= self.enough).ravel()])
        edges = np.flatnonzero(np.diff(flat))
        ends: list[int] = np.diff(np.concatenate([[0], edges, [flat.size - 1]])).tolist()
        return ends


@dataclass(frozen=True, eq=False)
class LeadLabels:
    """One cell of the page in the picture.

    points   [n, 2] where samples `trace.first` to `trace.first + n` lie, px; y is NaN where one is missing
    region   [4, 2] corners of its cell, clockwise from the top left
    name     around the printed name, and `box` around trace and name; cut at the frame, None outside of it
    """

    picture: Picture
    trace: Trace
    points: np.ndarray
    region: np.ndarray
    name: Box | None
    box: Box | None

    @cached_property
    def mask(self) -> Mask:
        """The pixels of the trace, resampled as those of the picture were; made when first asked for."""
        return _mask(self.picture, self.trace, self.points)


@dataclass(frozen=True)
class Labels:
    """All labels of a picture of `size` (height, width).

    crossings  [rows, columns, 2] where the 5 mm lines cross, px, also outside the frame
    """

    size: tuple[int, int]
    leads: tuple[LeadLabels, ...]
    crossings: np.ndarray

    def yolo(self) -> str:
        """One line a box: class, middle and size as shares of the frame; class 0 a lead, 1 to 12 the names I to V6."""
        lines = []
        for lead in self.leads:
            kinds = [(0, lead.box)]
            if lead.trace.cell.lead in STANDARD:
                kinds.append((1 + STANDARD.index(lead.trace.cell.lead), lead.name))
            for number, box in kinds:
                if box is not None:
                    (height, width), (x0, y0, x1, y1) = self.size, box
                    shares = ((x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height)
                    lines.append(f"{number} {' '.join(f'{share:.6f}' for share in shares)}")
        return "".join(f"{line}\n" for line in lines)


def annotate(picture: Picture) -> Labels:
    """The labels of a picture."""
    drawn = picture.drawn
    size = picture.image.shape[:2]
    paper = drawn.page.paper
    scale, pen = paper.px_per_mm, drawn.style.trace_mm * paper.px_per_mm
    grid = _crossings(paper.width_mm, paper.height_mm) * scale
    edges = _outlines(drawn, scale)
    traced = [np.column_stack([trace.x, trace.y]) for trace in drawn.traces]
    moved_edges, crossings, *moved = _moved(picture, [edges.reshape(-1, 2), grid.reshape(-1, 2), *traced])
    leads = []
    for trace, points, region, name_edge in zip(drawn.traces, moved, *moved_edges.reshape(edges.shape), strict=True):
        name = _hull(name_edge, size)
        both = [box for box in (name, _around(points, pen, size)) if box is not None]
        box = (min(b[0] for b in both), min(b[1] for b in both), max(b[2] for b in both), max(b[3] for b in both)) if both else None
        leads.append(LeadLabels(picture, trace, points, region[::_SIDE], name, box))
    return Labels((size[0], size[1]), tuple(leads), crossings.reshape(grid.shape))


_SIDE = 8
"""Points along a side of a rectangle: enough to follow a bent one."""
_WALK = np.concatenate([np.column_stack([t, u]) for t, u in (
    (np.arange(_SIDE) / _SIDE, np.zeros(_SIDE)), (np.ones(_SIDE), np.arange(_SIDE) / _SIDE),
    (1 - np.arange(_SIDE) / _SIDE, np.ones(_SIDE)), (np.zeros(_SIDE), 1 - np.arange(_SIDE) / _SIDE),
)])  # fmt: skip
"""Around the unit square, clockwise from the top left corner."""


def _outlines(drawn: Drawn, scale: float) -> np.ndarray:
    """[2, K, 4 * _SIDE, 2] points around the cells of all traces, and around their names, px of the page."""
    cells = [(c.x_mm * scale, c.top_mm * scale, (c.x_mm + c.width_mm) * scale, c.bottom_mm * scale) for c in (t.cell for t in drawn.traces)]
    names = np.array([trace.name for trace in drawn.traces]) + _NAME_PAD_MM * scale * np.array([-1, -1, 1, 1])
    sides = np.stack([np.array(cells), names])
    outlines: np.ndarray = sides[:, :, None, :2] + _WALK * (sides[:, :, None, 2:] - sides[:, :, None, :2])
    return outlines


@lru_cache(maxsize=8)
def _crossings(width_mm: float, height_mm: float) -> np.ndarray:
    """[rows, columns, 2] the crossings of the 5 mm lines on the sheet, mm."""
    x, y = np.arange(0, width_mm + 1e-6, MAJOR_MM), np.arange(0, height_mm + 1e-6, MAJOR_MM)
    return np.stack(np.meshgrid(x, y), axis=-1)


def _moved(picture: Picture, parts: list[np.ndarray]) -> list[np.ndarray]:
    """Points of the page as points of the picture, all in one go."""
    if picture.warp is None:
        return parts
    moved = picture.warp.forward(np.concatenate(parts))
    return np.split(moved, np.cumsum([len(part) for part in parts])[:-1])


def _hull(points: np.ndarray, size: tuple[int, ...]) -> Box | None:
    """The box around points, cut at the frame."""
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    left, top, right, bottom = max(x0, 0.0), max(y0, 0.0), min(x1, float(size[1])), min(y1, float(size[0]))
    inside = max(right - left, 0.0) * max(bottom - top, 0.0)
    return (left, top, right, bottom) if inside >= _LEAST_SHARE * (x1 - x0) * (y1 - y0) else None


def _around(points: np.ndarray, pen: float, size: tuple[int, ...]) -> Box | None:
    """The box around what a pen of this width leaves along the samples inside the frame, whole pixels."""
    x, y = points.T
    inside = (x > -pen) & (x < size[1] + pen) & (y > -pen) & (y < size[0] + pen)
    if not inside.any():
        return None
    x, y = x[inside], y[inside]
    reach = pen / 2 + 1
    left, top = max(0, floor(x.min() - reach)), max(0, floor(y.min() - reach))
    return left, top, min(size[1], ceil(x.max() + reach)), min(size[0], ceil(y.max() + reach))


def _mask(picture: Picture, trace: Trace, points: np.ndarray) -> Mask:
    """The ink of one trace in the picture."""
    ink, page_size = picture.drawn.ink, picture.drawn.image.shape[:2]
    pen = picture.drawn.style.trace_mm * picture.drawn.page.paper.px_per_mm
    share = _ENOUGH if picture.maps is None else _ENOUGH_RESAMPLED
    enough = max(1, round(share * 255 * min(1.0, pen)))
    own = slice(ink.begins[trace.lines.start], ink.begins[trace.lines.stop])
    at, alpha = ink.at[own], ink.alpha[own]
    height, width = picture.image.shape[:2]
    if picture.maps is None:
        rows, columns = np.divmod(at.astype(np.int32), np.int32(width))
        left, top = int(columns.min(initial=width)), int(rows.min(initial=height))
        part = np.zeros((max(0, int(rows.max(initial=0)) + 1 - top), max(0, int(columns.max(initial=0)) + 1 - left)), np.uint8)
        part[rows - top, columns - left] = alpha
        return Mask(left, top, part, enough)
    x, y = points.T
    pad = 2 * pen + 2 + (trace.x[-1] - trace.x[0]) / max(1, trace.x.size - 1)
    left, right = max(0, floor(np.fmin.reduce(x) - pad)), min(width, ceil(np.fmax.reduce(x) + pad))
    top, bottom = max(0, floor(np.fmin.reduce(y) - pad)), min(height, ceil(np.fmax.reduce(y) + pad))
    if left >= right or top >= bottom:
        return Mask(0, 0, np.zeros((0, 0), np.uint8), enough)
    page = np.zeros(page_size, np.uint8)
    page.reshape(-1)[at] = alpha
    window = (slice(top, bottom), slice(left, right))
    return Mask(left, top, cv2.remap(page, picture.maps[0][window], picture.maps[1][window], cv2.INTER_LINEAR), enough)


def page_json(picture: Picture, labels: Labels) -> dict[str, Any]:
    """Everything known of a picture, for a file: schema, layout, scale, damage, boxes, runs of the masks, positions of samples."""
    drawn = picture.drawn
    page, paper = drawn.page, drawn.page.paper
    return {
        "schema": SCHEMA,
        "source": drawn.source,
        "fs": drawn.fs,
        "width": labels.size[1],
        "height": labels.size[0],
        "layout": {"name": page.layout.name, "order": page.layout.order, "time": page.layout.time, "seconds": page.seconds},
        "scale": {
            "mm_per_s": paper.mm_per_s, "mm_per_mv": paper.mm_per_mv, "chest_mm_per_mv": paper.chest_gain, "px_per_mm": paper.px_per_mm,
            "page_px": [paper.width_px, paper.height_px],
        },
        "header": None if drawn.header is None else drawn.header.kind,
        "empty": list(drawn.empty),
        "damage": None if picture.damage is None else picture.damage.model_dump(mode="json"),
        "crossings": _rounded(labels.crossings),
        "leads": [_lead_json(lead, drawn.levels) for lead in labels.leads],
    }  # fmt: skip


def _lead_json(lead: LeadLabels, levels: dict[str, float]) -> dict[str, Any]:
    cell = lead.trace.cell
    height, width = lead.mask.alpha.shape
    return {
        "label": cell.label, "lead": cell.lead, "row": cell.row, "column": cell.column, "strip": cell.strip,
        "begin_s": cell.begin_s, "length_s": cell.length_s, "mm_per_mv": cell.sign * cell.mm_per_mv, "level_mv": levels[cell.lead],
        "first_sample": lead.trace.first, "samples": len(lead.points),
        "box": lead.box and [round(float(side), 2) for side in lead.box],
        "name_box": lead.name and [round(float(side), 2) for side in lead.name],
        "region": _rounded(lead.region),
        "mask": {"left": lead.mask.left, "top": lead.mask.top, "height": height, "width": width, "runs": lead.mask.runs()},
        "x": _rounded(lead.points[:, 0]), "y": _rounded(lead.points[:, 1]),
    }  # fmt: skip


def _rounded(values: np.ndarray) -> Any:
    """As lists, to a hundredth of a pixel; null for what is missing."""
    missing = np.isnan(values)
    if not missing.any():
        return np.round(values, 2).tolist()
    return [None if gone else round(value, 2) for value, gone in zip(values.tolist(), missing.tolist(), strict=True)]
