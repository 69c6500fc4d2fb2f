"""The shape of a sheet that lies there: waves, a curled edge, folds, crumples.

Paper bends but does not stretch. A bend along one direction is a cylinder: a point at distance s goes up by z(s) and moves
back by the integral of z'^2 / 2, so that lengths along the paper stay (to the second order in the slope). Several bends of
small slope add up. Everything has a closed form, so a label moves exactly as the picture does.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from gem.config import Config

Profile = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Height, slope and backward shift at each distance s: mm, 1, mm."""


class Wave(Config):
    """The sheet undulates."""

    kind: Literal["wave"] = "wave"
    angle_deg: float
    height_mm: float
    length_mm: float = Field(gt=0)
    phase: float = 0.0

    def profile(self, s: np.ndarray) -> Profile:
        k = 2 * np.pi / self.length_mm
        slope = self.height_mm * k
        at = k * s + self.phase
        shift = slope**2 / 4 * (s + (np.sin(2 * at) - np.sin(2 * self.phase)) / (2 * k))
        return self.height_mm * np.sin(at), slope * np.cos(at), shift


class Curl(Config):
    """From a line on the sheet rises, ever steeper, as a page does that was rolled up; never steeper than `steepest`."""

    kind: Literal["curl"] = "curl"
    angle_deg: float
    from_mm: float
    radius_mm: float = Field(gt=0)
    steepest: float = Field(default=0.6, gt=0)

    def profile(self, s: np.ndarray) -> Profile:
        end = self.steepest * self.radius_mm
        u = np.maximum(s - self.from_mm, 0.0)
        bent, straight = np.minimum(u, end), np.maximum(u - end, 0.0)
        z = bent**2 / (2 * self.radius_mm) + straight * self.steepest
        return z, bent / self.radius_mm, bent**3 / (6 * self.radius_mm**2) + straight * self.steepest**2 / 2


class Fold(Config):
    """The sheet was folded along a line and opened again: the two halves rise (slope > 0) or fall away from it."""

    kind: Literal["fold"] = "fold"
    angle_deg: float
    at_mm: float
    slope: float
    soft_mm: float = Field(default=1.5, gt=0)

    def profile(self, s: np.ndarray) -> Profile:
        u = s - self.at_mm
        far = np.hypot(u, self.soft_mm)
        shift = self.slope**2 / 2 * (u - self.soft_mm * np.arctan(u / self.soft_mm))
        return self.slope * far, self.slope * u / far, shift


class Crumple(Config):
    """The sheet was crushed and smoothed: flat facets, the upper and lower hull of random planes, their edges rounded.

    planes   (slope along x, slope along y, height mm) of each; odd ones make ridges, even ones valleys
    soft_mm  height over which an edge is rounded
    """

    planes: tuple[tuple[float, float, float], ...]
    soft_mm: float = Field(default=0.06, gt=0)

    def hull(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Height [N] mm and gradient [N, 2] of the facets over points [N, 2] mm."""
        height, gradient = np.zeros(len(points)), np.zeros((len(points), 2))
        for part, sign in ((self.planes[::2], 1.0), (self.planes[1::2], -1.0)):
            if part:
                plane = np.array(part, np.float32)
                over = (points.astype(np.float32) @ plane[:, :2].T + plane[:, 2]) / np.float32(self.soft_mm)
                top = over.max(axis=1)
                share = np.exp(over - top[:, None])
                total = share.sum(axis=1)
                height += sign * self.soft_mm * (top + np.log(total))
                gradient += sign * (share @ plane[:, :2]) / total[:, None]
        return height, gradient


Bend = Wave | Curl | Fold


class Sheet(Config):
    """All that bends one sheet."""

    bends: tuple[Bend, ...] = ()
    crumple: Crumple | None = None


def lifted(sheet: Sheet, points: np.ndarray, half: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Where points of the flat sheet lie in space, and how steep the sheet is there.

    points  [N, 2] mm from the middle of the sheet
    half    half its width and height, mm: beyond its edges the sheet goes on flat, so that every point has an image

    Returns [N, 3] mm (z toward the eye) and the gradient [N, 2] of z.
    """
    inside = np.clip(points, -np.asarray(half), half)
    moved, gradient = points.copy(), np.zeros_like(points)
    height = np.zeros(len(points))
    for bend in sheet.bends:
        way = np.array([np.cos(np.radians(bend.angle_deg)), np.sin(np.radians(bend.angle_deg))])
        z, slope, shift = bend.profile(inside @ way)
        height += z
        gradient += slope[:, None] * way
        moved -= shift[:, None] * way
    if sheet.crumple is not None:
        z, facet = sheet.crumple.hull(inside)
        height += z
        gradient += facet
    return np.column_stack([moved, height]), gradient
