"""Light on a sheet: uneven lamps, shadows of hands and window frames, the relief of folds, and stains.

All of it is one map of gains, computed on the nodes of the warp and spread over the picture in one multiplication.
"""

from typing import Literal

import cv2
import numpy as np
from pydantic import Field

from gem.config import Config
from gem.image.photo.warp import Warp

Gains = tuple[float, float, float]
_UNIT = 200.0
"""A gain of 1 as a byte: gains of up to 1.27 fit."""
_RIM_MM, _RISE_MM = 7.0, 1.5
"""A sheet's shadow on the table fades over the one, after it rose over the other."""


class Shadow(Config):
    """A soft shadow in the picture.

    kind       "edge": a half plane, the dark side along `angle_deg`; "blob": an ellipse
    x, y       a point of the edge, or the middle of the blob, as shares of the frame
    size       of the blob: half axes as shares of the frame's height
    soft       width of the penumbra, a share of the frame's height
    depth      share of the light that is missing; negative for a bright spot
    """

    kind: Literal["edge", "blob"]
    x: float
    y: float
    angle_deg: float = 0.0
    size: tuple[float, float] = (0.3, 0.3)
    soft: float = Field(default=0.05, gt=0)
    depth: float = Field(default=0.3, lt=1)


class Stain(Config):
    """A dried drop on the page.

    x_mm, y_mm, radius_mm  where and how large
    gains                  what it leaves of red, green and blue
    rim                    1: all of it at the edge, as coffee dries; 0: even
    lobes                  (amplitude, phase) of the waves of its outline, from two a turn on
    """

    x_mm: float
    y_mm: float
    radius_mm: float = Field(gt=0)
    gains: Gains
    rim: float = Field(default=0.5, ge=0, le=1)
    lobes: tuple[tuple[float, float], ...] = ()


class Light(Config):
    """All that falls onto the sheet.

    tint      gain of red, green and blue
    slope     change of the light across the frame, along x and y
    vignette  light lost in the corners
    relief    how much a slope of the sheet along x and y changes its light
    rim       shadow of the sheet on the table
    """

    tint: Gains = (1.0, 1.0, 1.0)
    slope: tuple[float, float] = (0.0, 0.0)
    vignette: float = 0.0
    relief: tuple[float, float] = (0.0, 0.0)
    rim: float = Field(default=0.0, ge=0, lt=1)
    shadows: tuple[Shadow, ...] = ()
    stains: tuple[Stain, ...] = ()


def lit(image: np.ndarray, light: Light, warp: Warp, nodes: np.ndarray, step: int) -> np.ndarray:
    """The picture [H, W, 3] under this light. `nodes` and `step` are those of the warp (`Warp.nodes`)."""
    height, width = image.shape[:2]
    gains = np.clip(_gains(light, warp, nodes, step) * _UNIT + 0.5, 0, 255).astype(np.uint8)
    rows, columns = -(-height // step) + 2, -(-width // step) + 2
    spread = cv2.resize(gains[:rows, :columns], None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
    return cv2.multiply(image, spread[step : step + height, step : step + width], scale=1 / _UNIT)


def _gains(light: Light, warp: Warp, nodes: np.ndarray, step: int) -> np.ndarray:
    """[h, w, 3] gain at every node."""
    height, width = warp.size
    x = ((np.arange(nodes.shape[1]) - 0.5) * step / width)[None, :]
    y = ((np.arange(nodes.shape[0]) - 0.5) * step / height)[:, None]
    gain = 1 + light.slope[0] * (x - 0.5) + light.slope[1] * (y - 0.5) - light.vignette * 2 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    for shadow in light.shadows:
        gain = gain * (1 - shadow.depth * _shade(shadow, x * width / height, y, width / height))
    page = nodes / warp.paper.px_per_mm
    if any(light.relief):
        slopes = warp.slopes(nodes.reshape(-1, 2)).reshape(nodes.shape)
        gain = gain * np.clip(1 + slopes @ np.array(light.relief), 0.3, 1.4)
    size = np.array([warp.paper.width_mm, warp.paper.height_mm])
    beyond = np.maximum(np.maximum(-page, page - size), 0).max(axis=-1)
    if light.rim:
        gain = gain * (1 - light.rim * (np.exp(-beyond / _RIM_MM) - np.exp(-beyond / _RISE_MM)))
    coloured: np.ndarray = gain[:, :, None] * np.array(light.tint)
    for stain in light.stains:
        cover = _cover(stain, page) * np.clip(1 - beyond / _RISE_MM, 0, 1)
        coloured *= 1 - cover[:, :, None] * (1 - np.array(stain.gains))
    return coloured


def _shade(shadow: Shadow, x: np.ndarray, y: np.ndarray, aspect: float) -> np.ndarray:
    """0..1: how deep in the shadow points lie; lengths in heights of the frame."""
    a = np.radians(shadow.angle_deg)
    dx, dy = x - shadow.x * aspect, y - shadow.y
    along, across = dx * np.cos(a) + dy * np.sin(a), dy * np.cos(a) - dx * np.sin(a)
    blob = (1 - np.hypot(along / shadow.size[0], across / shadow.size[1])) * min(shadow.size)
    inside = along if shadow.kind == "edge" else blob
    depth: np.ndarray = 1 / (1 + np.exp(-np.clip(4 * inside / shadow.soft, -40, 40)))
    return depth


def _cover(stain: Stain, page: np.ndarray) -> np.ndarray:
    """0..1: how much of a stain lies on points of the page, mm."""
    dx, dy = page[..., 0] - stain.x_mm, page[..., 1] - stain.y_mm
    turn = np.arctan2(dy, dx)
    outline = 1 + sum(size * np.cos((k + 2) * turn + phase) for k, (size, phase) in enumerate(stain.lobes))
    r = np.hypot(dx, dy) / (stain.radius_mm * outline)
    soft = 1.5 / stain.radius_mm
    inside = 1 / (1 + np.exp(np.clip((r - 1) / soft * 4, -40, 40)))
    edge = np.exp(-(((r - 1 + soft) / (1.6 * soft)) ** 2))
    cover: np.ndarray = np.clip((1 - stain.rim) * inside + stain.rim * (0.25 * inside + edge), 0, 1)
    return cover
