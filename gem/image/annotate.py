"""Labels of a picture, pushed through the same warp as its pixels: boxes, masks, grid crossings, and where each sample lies.

Points go through the closed form of the warp; masks are resampled by the very map that made the picture. Pixels count from
the top left corner: the centre of the first one is (0.5, 0.5).
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from gem.ecg.lead import STANDARD
from gem.image.draw import Trace
from gem.image.grid import MAJOR_MM
from gem.image.photo.picture import Picture

SCHEMA = "gem.page/1"
Box = tuple[float, float, float, float]
"""left, top, right, bottom, px."""
_LEAST_PX = 2.0
"""A box with a shorter side inside the frame shows nothing."""


@dataclass(frozen=True)
class Mask:
    """How far one trace covers each pixel of a rectangle: left, top and alpha [h, w] uint8; it covers nothing elsewhere.

    enough  alpha from which on a pixel belongs to the trace: half of what the pen can cover
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

    def box(self) -> Box | None:
        """Around the pixels that belong to the trace; None when there are none."""
        seen = self.alpha >= self.enough
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        if rows.size == 0:
            return None
        return self.left + columns[0], self.top + rows[0], self.left + columns[-1] + 1, self.top + rows[-1] + 1

    def runs(self) -> list[int]:
        """Lengths of runs along the rows of the rectangle, beginning with one of pixels that do not belong to the trace."""
        flat = np.concatenate([[False], (self.alpha >= self.enough).ravel()])
        edges = np.flatnonzero(np.diff(flat))
        ends: list[int] = np.diff(np.concatenate([[0], edges, [flat.size - 1]])).tolist()
        return ends


@dataclass(frozen=True)
class LeadLabels:
    """One cell of the page in the picture.

    points   [n, 2] where samples `trace.first` to `trace.first + n` lie, px; y is NaN where one is missing
    region   [4, 2] corners of its cell, clockwise from the top left
    name     around the printed name, and `box` around trace and name; cut at the frame, None outside of it
    """

    trace: Trace
    points: np.ndarray
    region: np.ndarray
    name: Box | None
    box: Box | None
    mask: Mask


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
    scale = drawn.page.paper.px_per_mm
    edges: list[np.ndarray] = []
    for trace in drawn.traces:
        edges += [_rectangle(trace.cell.x_mm * scale, trace.cell.top_mm * scale, (trace.cell.x_mm + trace.cell.width_mm) * scale,
                             trace.cell.bottom_mm * scale), _rectangle(*trace.name)]  # fmt: skip
    grid = _crossings(drawn.page.paper.width_mm, drawn.page.paper.height_mm) * scale
    traced = [np.column_stack([trace.x, trace.y]) for trace in drawn.traces]
    moved = _moved(picture, [*edges, grid.reshape(-1, 2), *traced])
    crossings = moved[len(edges)].reshape(grid.shape)
    leads = []
    scratch = np.zeros(drawn.image.shape[:2], np.uint8)
    for k, (trace, points) in enumerate(zip(drawn.traces, moved[len(edges) + 1 :], strict=True)):
        mask = _mask(picture, trace, points, scratch)
        name = _hull(moved[2 * k + 1], size)
        both = [box for box in (name, mask.box()) if box is not None]
        box = (min(b[0] for b in both), min(b[1] for b in both), max(b[2] for b in both), max(b[3] for b in both)) if both else None
        leads.append(LeadLabels(trace, points, moved[2 * k][::_SIDE], name, box, mask))
    return Labels((size[0], size[1]), tuple(leads), crossings)


_SIDE = 8
"""Points along a side of a rectangle: enough to follow a bent one."""


def _rectangle(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """[4 * _SIDE, 2] points around a rectangle, clockwise from the top left corner."""
    t = np.arange(_SIDE) / _SIDE
    x = np.concatenate([left + t * (right - left), np.full(_SIDE, right), right - t * (right - left), np.full(_SIDE, left)])
    y = np.concatenate([np.full(_SIDE, top), top + t * (bottom - top), np.full(_SIDE, bottom), bottom - t * (bottom - top)])
    return np.column_stack([x, y])


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
    left, top = (max(float(side), 0.0) for side in points.min(axis=0))
    right, bottom = (min(float(side), float(most)) for side, most in zip(points.max(axis=0), (size[1], size[0]), strict=True))
    return (left, top, right, bottom) if min(right - left, bottom - top) >= _LEAST_PX else None


def _mask(picture: Picture, trace: Trace, points: np.ndarray, scratch: np.ndarray) -> Mask:
    """The ink of one trace in the picture; `scratch` is an empty page [H, W], and is empty again afterwards."""
    ink = picture.drawn.ink
    pen = picture.drawn.style.trace_mm * picture.drawn.page.paper.px_per_mm
    pad = 2 * pen + 2 + np.diff(trace.x[:2]).sum()
    low, high = np.nanmin(points, axis=0) - pad, np.nanmax(points, axis=0) + pad
    height, width = picture.image.shape[:2]
    left, right = (int(np.clip(side, 0, width)) for side in (low[0], high[0] + 1))
    top, bottom = (int(np.clip(side, 0, height)) for side in (low[1], high[1] + 1))
    part = (slice(top, bottom), slice(left, right))
    own = slice(ink.begins[trace.lines.start], ink.begins[trace.lines.stop])
    scratch.reshape(-1)[ink.at[own]] = ink.alpha[own]
    if picture.maps is None or left == right or top == bottom:
        alpha = scratch[part].copy()
    else:
        alpha = cv2.remap(scratch, picture.maps[0][part], picture.maps[1][part], cv2.INTER_LINEAR)
    scratch.reshape(-1)[ink.at[own]] = 0
    return Mask(left, top, alpha, max(1, round(0.49 * 255 * min(1.0, pen))))


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
