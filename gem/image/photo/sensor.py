"""From light to a file: blur, few pixels, moire, noise, tone, dust, black and white, JPEG."""

import cv2
import numpy as np
from pydantic import Field

from gem.config import Config

_POOL = 1 << 16
"""Grains that are drawn; every row of a picture takes a stretch of them from a place of its own."""


class Moire(Config):
    """The beat of a screen's pixels with those of the camera: period in px, direction, depth 0..1."""

    period_px: float = Field(gt=1)
    angle_deg: float
    depth: float = Field(gt=0, lt=1)


class Sensor(Config):
    """How the picture is taken and stored.

    blur_px     standard deviation of the lens
    motion_px   length of a shake, along motion_deg
    shrink      pixels along a side that are left of one (0.5: half the resolution, stored at full size)
    noise       standard deviation of the grain, grey levels; `colour` is the share that differs between red, green and blue
    gamma       tone: below 1 brightens; `contrast` turns it about mid grey
    grey        no colour
    threshold   black and white: brighter than this is white; None keeps the greys
    dust        specks per 10,000 pixels, as on a photocopier's glass
    streaks     depth of bands along the feed of a scanner, grey levels
    jpeg        quality; None for lossless
    """

    blur_px: float = Field(default=0.0, ge=0)
    motion_px: float = Field(default=0.0, ge=0)
    motion_deg: float = 0.0
    shrink: float = Field(default=1.0, gt=0.1, le=1)
    moire: Moire | None = None
    noise: float = Field(default=0.0, ge=0, le=60)
    colour: float = Field(default=0.3, ge=0, le=1)
    gamma: float = Field(default=1.0, gt=0)
    contrast: float = Field(default=1.0, gt=0)
    grey: bool = False
    threshold: int | None = Field(default=None, gt=0, lt=255)
    dust: float = Field(default=0.0, ge=0)
    streaks: float = Field(default=0.0, ge=0)
    jpeg: int | None = Field(default=None, ge=5, le=100)


def taken(image: np.ndarray, sensor: Sensor, rng: np.random.Generator) -> np.ndarray:
    """The picture [H, W, 3] as this sensor stores it; grains and dust come from `rng`."""
    image = _blurred(image, sensor)
    if sensor.moire is not None:
        image = _beaten(image, sensor.moire)
    if sensor.grey or sensor.threshold is not None:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if sensor.streaks:
        band = cv2.GaussianBlur(rng.normal(0, 3 * sensor.streaks, (1, image.shape[1], 1)).astype(np.float32), (0, 0), 3)
        image = np.clip(image + band.reshape(1, -1, 1), 0, 255).astype(np.uint8)
    if sensor.noise:
        image = _grained(image, sensor, rng)
    if sensor.gamma != 1 or sensor.contrast != 1:
        tone = (np.arange(256) / 255) ** sensor.gamma
        image = cv2.LUT(image, np.clip(255 * ((tone - 0.5) * sensor.contrast + 0.5) + 0.5, 0, 255).astype(np.uint8))
    if sensor.dust:
        _dusted(image, sensor.dust, rng)
    if sensor.threshold is not None:
        image = np.where(image > sensor.threshold, np.uint8(255), np.uint8(0))
    return image if sensor.jpeg is None else _stored(image, sensor.jpeg)


def _blurred(image: np.ndarray, sensor: Sensor) -> np.ndarray:
    if sensor.blur_px > 0.2:
        image = cv2.GaussianBlur(image, (0, 0), sensor.blur_px)
    if sensor.motion_px > 1:
        reach = int(np.ceil(sensor.motion_px / 2))
        kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
        a = np.radians(sensor.motion_deg)
        for t in np.linspace(-sensor.motion_px / 2, sensor.motion_px / 2, 8 * reach + 1):
            kernel[reach + round(t * np.sin(a)), reach + round(t * np.cos(a))] += 1
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
    if sensor.shrink < 1:
        height, width = image.shape[:2]
        small = cv2.resize(image, (round(width * sensor.shrink), round(height * sensor.shrink)), interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return image


def _beaten(image: np.ndarray, moire: Moire) -> np.ndarray:
    """Bands of red, green and blue a third of a period apart, each the product of waves along x and y."""
    height, width = image.shape[:2]
    k, a = 2 * np.pi / moire.period_px, np.radians(moire.angle_deg)
    x, y = k * np.cos(a) * np.arange(width), k * np.sin(a) * np.arange(height)
    bend = 0.6 * np.sin(2 * np.pi * np.arange(height) / (1.3 * height))
    out = np.empty_like(image)
    for c in range(3):
        phase = y + bend + 2 * np.pi * c / 3
        wave = np.outer(np.cos(phase), np.cos(x)) - np.outer(np.sin(phase), np.sin(x))
        gain = (200 * (1 - moire.depth / 2 + moire.depth / 2 * wave)).astype(np.uint8)
        out[:, :, c] = cv2.multiply(image[:, :, c], gain, scale=1 / 200)
    return out


def _grained(image: np.ndarray, sensor: Sensor, rng: np.random.Generator) -> np.ndarray:
    """Grain around 128, added in bytes; every row is a stretch of one pool, so that drawing it costs little."""
    height, width = image.shape[:2]
    mono, colour = sensor.noise * np.sqrt(1 - sensor.colour), sensor.noise * np.sqrt(sensor.colour)
    pool = rng.standard_normal((_POOL + width, 1), dtype=np.float32) * np.float32(mono)
    pool = pool + rng.standard_normal((_POOL + width, 3), dtype=np.float32) * np.float32(
        0 if sensor.grey or sensor.threshold is not None else colour
    )
    grains = np.clip(pool + 128.5, 0, 255).astype(np.uint8)
    at = rng.integers(0, _POOL, height)
    rows = np.lib.stride_tricks.sliding_window_view(grains.reshape(-1), 3 * width)[3 * at]
    return cv2.addWeighted(image, 1.0, rows.reshape(image.shape), 1.0, -128.0)


def _dusted(image: np.ndarray, dust: float, rng: np.random.Generator) -> None:
    """Specks of one to three pixels, mostly dark."""
    height, width = image.shape[:2]
    count = int(dust * height * width / 1e4)
    rows, columns, sizes = rng.integers(0, height, count), rng.integers(0, width, count), rng.integers(1, 4, count)
    shades = np.where(rng.random(count) < 0.85, 40, 250)
    for row, column, size, shade in zip(rows.tolist(), columns.tolist(), sizes.tolist(), shades.tolist(), strict=True):
        image[row : row + size, column : column + size] = shade


def _stored(image: np.ndarray, quality: int) -> np.ndarray:
    data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    stored = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if stored is None:
        raise ValueError(f"a picture of {image.shape} did not come back from JPEG")
    return cv2.cvtColor(stored, cv2.COLOR_BGR2RGB)
