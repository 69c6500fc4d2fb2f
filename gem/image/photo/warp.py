"""One warp from page to picture: the bent sheet, seen by a camera with a real lens, put into its frame.

The forward map is a closed form; labels go through it. The picture needs the inverse, which is solved on a coarse grid of
nodes (Newton) and interpolated between them, and applied once.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from pydantic import Field

from gem.config import Config
from gem.image.paper import Paper
from gem.image.photo.sheet import Sheet, lifted

NODE_MM = 2.0
"""Distance of the nodes: less than the width of a fold's edge."""
Maps = tuple[np.ndarray, np.ndarray]
"""Whole pixels [H, W, 2] int16 and 1/32 of pixels [H, W] uint16."""
_NO_MAP: Any = None
"""x and y stand in one map; the type stubs of OpenCV do not know of that."""
_LEAST_STEP, _COARSE, _STEPS, _EPS_MM = 4, 4, 4, 0.05


class Camera(Config):
    """How the sheet is looked at.

    roll, tilt, pan  degrees: about the line of sight, the horizontal and the vertical axis
    distance_mm      of the lens; large numbers leave no perspective, as in a scanner
    fill             share of the frame that the page takes; above 1 its edges are cut off
    shift            of the page in the frame, as a share of the frame
    barrel           radial distortion at the corner of the frame, a share of the radius
    """

    roll: float = 0.0
    tilt: float = 0.0
    pan: float = 0.0
    distance_mm: float = Field(default=500.0, gt=0)
    fill: float = Field(default=1.0, gt=0)
    shift: tuple[float, float] = (0.0, 0.0)
    barrel: float = 0.0


@dataclass(frozen=True)
class Warp:
    """Page px -> picture px, in both directions. Made by `aimed`.

    paper          of the page
    size           (height, width) of the picture
    scale, offset  px per mm at the middle of the sheet, and where that middle falls, px from the middle of the picture
    """

    paper: Paper
    sheet: Sheet
    camera: Camera
    size: tuple[int, int]
    scale: float
    offset: tuple[float, float]

    def forward(self, points: np.ndarray) -> np.ndarray:
        """[N, 2] points of the page, px, as [N, 2] points of the picture, px."""
        seen = _projected(self._flat(points), self.paper, self.sheet, self.camera) * self.scale + self.offset
        middle = np.array(self.size[::-1]) / 2
        if self.camera.barrel:
            seen *= 1 + self.camera.barrel * (seen**2).sum(axis=1, keepdims=True) / (middle**2).sum()
        return seen + middle

    def slopes(self, points: np.ndarray) -> np.ndarray:
        """[N, 2] how steep the sheet is under points of the page, px."""
        return lifted(self.sheet, self._flat(points), _half(self.paper))[1]

    def inverse(self, points: np.ndarray) -> np.ndarray:
        """[N, 2] points of the picture as points of the page, px, by Newton's method from the best affine map."""
        at = self._affine(points)
        eps = _EPS_MM * self.paper.px_per_mm
        for _ in range(_STEPS):
            here, right, below = np.split(self.forward(np.concatenate([at, at + (eps, 0), at + (0, eps)])), 3)
            (a, c), (b, d) = ((right - here) / eps).T, ((below - here) / eps).T
            x, y = (points - here).T
            at = at + np.column_stack([d * x - b * y, a * y - c * x]) / (a * d - b * c)[:, None]
        return at

    def nodes(self) -> tuple[np.ndarray, int]:
        """[h, w, 2] page px under a grid of nodes that covers the picture and more, and their distance, px.

        Node (r, c) stands at x = (c - 0.5) * step, y = (r - 0.5) * step: the middles of blocks of pixels, as `cv2.resize` has
        them, beginning one block outside. Every fourth is solved; the others start between those and are put right once,
        with the slope of that start.
        """
        step = max(_LEAST_STEP, round(NODE_MM * self.paper.px_per_mm))
        rows, columns = (_COARSE * -(-(side // step + 2) // _COARSE) + 1 for side in self.size)
        nodes = np.stack(np.meshgrid(np.arange(columns) - 0.5, np.arange(rows) - 0.5), axis=-1) * step
        sparse = nodes[::_COARSE, ::_COARSE]
        solved = self.inverse(sparse.reshape(-1, 2)).reshape(sparse.shape)
        start = _between(_between(solved).swapaxes(0, 1)).swapaxes(0, 1)
        missed = nodes - self.forward(start.reshape(-1, 2)).reshape(nodes.shape)
        down, right = np.gradient(start, step, axis=(0, 1))
        return start + right * missed[..., :1] + down * missed[..., 1:], step

    def maps(self, nodes: np.ndarray, step: int) -> Maps:
        """The page position of every pixel, as `cv2.remap` takes it (there the centre of the first pixel is (0, 0))."""
        height, width = self.size
        rows, columns = -(-height // step) + 2, -(-width // step) + 2
        spread = cv2.resize((nodes[:rows, :columns] - 0.5).astype(np.float32), None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
        here = spread[step : step + height, step : step + width]
        whole, part = cv2.convertMaps(np.ascontiguousarray(here), _NO_MAP, cv2.CV_16SC2)
        return whole, part

    def _flat(self, points: np.ndarray) -> np.ndarray:
        """Page px as mm from the middle of the sheet."""
        flat: np.ndarray = points / self.paper.px_per_mm - _half(self.paper)
        return flat

    def _affine(self, points: np.ndarray) -> np.ndarray:
        """Where an affine camera would have them: a first guess."""
        x, y = np.meshgrid(np.linspace(0, self.paper.width_px, 5), np.linspace(0, self.paper.height_px, 5))
        page = np.column_stack([x.ravel(), y.ravel()])
        seen = np.column_stack([self.forward(page), np.ones(len(page))])
        matrix = np.linalg.lstsq(seen, page, rcond=None)[0]
        guess: np.ndarray = points @ matrix[:2] + matrix[2]
        return guess


def aimed(paper: Paper, sheet: Sheet, camera: Camera, size: tuple[int, int]) -> Warp:
    """The warp of a camera that has the page in its frame as it was told (`fill`, `shift`)."""
    half = np.array(_half(paper))
    edge = np.linspace(-1, 1, 17)
    one = np.ones_like(edge)
    outline = np.concatenate([np.column_stack(side) for side in ((edge, -one), (edge, one), (-one, edge), (one, edge))]) * half
    seen = _projected(outline, paper, sheet, camera)
    low, high = seen.min(axis=0), seen.max(axis=0)
    frame = np.array(size[::-1], np.float64)
    scale = float(camera.fill * (frame / (high - low)).min())
    offset = np.array(camera.shift) * frame - (low + high) / 2 * scale
    return Warp(paper, sheet, camera, size, scale, (float(offset[0]), float(offset[1])))


def _half(paper: Paper) -> tuple[float, float]:
    return paper.width_px / paper.px_per_mm / 2, paper.height_px / paper.px_per_mm / 2


def _projected(points: np.ndarray, paper: Paper, sheet: Sheet, camera: Camera) -> np.ndarray:
    """Points of the flat sheet [N, 2], mm from its middle, as the camera sees them: [N, 2] mm in the plane of that middle."""
    space = lifted(sheet, points, _half(paper))[0] @ _turned(camera).T
    seen: np.ndarray = space[:, :2] * (camera.distance_mm / (camera.distance_mm - space[:, 2:]))
    return seen


def _turned(camera: Camera) -> np.ndarray:
    """[3, 3] the rotation of the sheet before the camera."""
    a, b, c = np.radians([camera.roll, camera.tilt, camera.pan])
    roll = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    pan = np.array([[np.cos(c), 0, np.sin(c)], [0, 1, 0], [-np.sin(c), 0, np.cos(c)]])
    turned: np.ndarray = roll @ tilt @ pan
    return turned


def _between(values: np.ndarray) -> np.ndarray:
    """[n, ...] as [_COARSE * (n - 1) + 1, ...], straight lines between."""
    weight = (np.arange(_COARSE) / _COARSE).reshape(1, -1, *(1,) * (values.ndim - 1))
    filled = values[:-1, None] + weight * np.diff(values, axis=0)[:, None]
    return np.concatenate([filled.reshape(-1, *values.shape[1:]), values[-1:]])
