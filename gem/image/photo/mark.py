"""What people leave on paper: handwriting, stamps, rings and arrows around beats, text over text, the white lines of old folds.

A mark is given in mm of the page, so that it bends with the sheet. Ink is transparent: it multiplies what lies under it; a
`lift` takes ink away and shows bare paper.
"""

from typing import Literal

import cv2
import numpy as np
from pydantic import Field

from gem.config import Config
from gem.image.grid import Colour
from gem.image.text import glyphs

_SHIFT = 4
"""Bits of a pixel's fraction that OpenCV takes for the points of a line."""


class Mark(Config):
    """One mark.

    kind      "text", "stamp" (text in a frame) or "pen" (a line through `points_mm`)
    x_mm      its middle, for text and stamps; y_mm
    size_mm   height of the text, or width of the pen
    strength  1 for opaque ink
    uneven    how much of the ink is missing in places
    """

    kind: Literal["text", "stamp", "pen"]
    colour: Colour = (30, 40, 120)
    strength: float = Field(default=0.85, gt=0, le=1)
    size_mm: float = Field(default=5.0, gt=0)
    text: str = ""
    font: str = "hand"
    x_mm: float = 0.0
    y_mm: float = 0.0
    angle_deg: float = 0.0
    points_mm: tuple[tuple[float, float], ...] = ()
    uneven: float = Field(default=0.0, ge=0, le=1)
    lift: bool = False


def put(image: np.ndarray, mark: Mark, px_per_mm: float, rng: np.random.Generator) -> None:
    """Draw a mark onto the page [H, W, 3], in place; `rng` decides where uneven ink is missing."""
    cover, left, top = _line(mark, px_per_mm) if mark.kind == "pen" else _print(mark, px_per_mm)
    if mark.uneven:
        coarse = rng.random((max(2, cover.shape[0] // 4), max(2, cover.shape[1] // 4)), dtype=np.float32)
        cover = cover * (1 - mark.uneven * cv2.resize(coarse, cover.shape[::-1], interpolation=cv2.INTER_CUBIC).clip(0, 1))
    height, width = image.shape[:2]
    rows, columns = slice(max(top, 0), min(top + cover.shape[0], height)), slice(max(left, 0), min(left + cover.shape[1], width))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    cover = cover[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left, None] * np.float32(mark.strength)
    under = image[rows, columns].astype(np.float32)
    change = 255 - under if mark.lift else under * (np.array(mark.colour, np.float32) / 255 - 1)
    image[rows, columns] = under + change * cover + 0.499


def _line(mark: Mark, px_per_mm: float) -> tuple[np.ndarray, int, int]:
    """Coverage 0..1 of a pen's line, and the place of its corner."""
    points = np.array(mark.points_mm) * px_per_mm
    thick = max(1, round(mark.size_mm * px_per_mm))
    left, top = (int(side) for side in np.floor(points.min(axis=0)) - 2 * thick - 2)
    width, height = (int(side) for side in np.ceil(points.max(axis=0)) + 2 * thick + 2 - (left, top))
    cover = np.zeros((height, width), np.uint8)
    at = np.rint((points - (left, top) - 0.5) * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(cover, [at.reshape(-1, 1, 2)], False, 255, thick, cv2.LINE_AA, _SHIFT)
    return cover.astype(np.float32) / 255, left, top


def _print(mark: Mark, px_per_mm: float) -> tuple[np.ndarray, int, int]:
    """Coverage 0..1 of turned text, framed for a stamp, and the place of its corner."""
    px = mark.size_mm * px_per_mm
    flat = glyphs(mark.text, mark.font, px).alpha
    if mark.kind == "stamp":
        pad, frame = round(0.35 * px) + 2, max(1, round(0.08 * px))
        flat = np.pad(flat, pad)
        flat[:frame] = flat[-frame:] = flat[:, :frame] = flat[:, -frame:] = 255
    height, width = flat.shape
    reach = int(np.hypot(height, width)) + 3
    turn = np.array(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -mark.angle_deg, 1.0), np.float64)
    turn[:, 2] += [(reach - width) / 2, (reach - height) / 2]
    cover = cv2.warpAffine(flat.copy(), turn, (reach, reach), flags=cv2.INTER_LINEAR)
    left, top = round(mark.x_mm * px_per_mm - reach / 2), round(mark.y_mm * px_per_mm - reach / 2)
    return cover.astype(np.float32) / 255, left, top
