"""Page -> picture: marks on the paper, one warp applied once, light, lens and sensor. Same damage, same bytes."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from pydantic import Field

from gem.config import Config
from gem.errors import ConfigError
from gem.image.draw import Drawn
from gem.image.grid import Colour
from gem.image.photo.light import Light, lit
from gem.image.photo.mark import Mark, put
from gem.image.photo.sensor import Sensor, taken
from gem.image.photo.sheet import Sheet
from gem.image.photo.warp import Camera, Maps, Warp, aimed

_LONGEST_PX = 32_000
"""OpenCV resamples no longer side."""


class Table(Config):
    """What the sheet lies on: a colour with grain, in streaks (wood), even (cloth), or none at all (the lid of a scanner)."""

    colour: Colour = (120, 100, 80)
    kind: Literal["plain", "wood", "cloth"] = "plain"
    grain: float = Field(default=0.0, ge=0, le=1)


class Damage(Config):
    """Every parameter of a picture of a page; lengths on the page in mm, in the picture as shares of the frame or px at `dpi`.

    kind    the preset it was drawn from
    seed    of grains, dust, uneven ink and the table's pattern
    dpi     at which px are meant; a picture of another size scales them
    fade    share of the ink's darkness that has gone
    paper   gains of red, green and blue of the aged paper
    """

    kind: str
    seed: int
    dpi: float = Field(default=100.0, gt=0)
    fade: float = Field(default=0.0, ge=0, lt=1)
    paper: tuple[float, float, float] = (1.0, 1.0, 1.0)
    marks: tuple[Mark, ...] = ()
    sheet: Sheet = Sheet()
    camera: Camera = Camera()
    table: Table = Table()
    light: Light = Light()
    sensor: Sensor = Sensor()


@dataclass(frozen=True)
class Picture:
    """A picture of a page.

    image  [H, W, 3] uint8, RGB
    warp   page px -> picture px; None for the page itself
    maps   where on the page each pixel comes from (for `cv2.remap`); None for the page itself
    """

    image: np.ndarray
    drawn: Drawn
    damage: Damage | None = None
    warp: Warp | None = None
    maps: Maps | None = None


def photograph(drawn: Drawn, damage: Damage | None) -> Picture:
    """The page as a picture of the same size; None leaves it as it was printed.

    Raises `ConfigError` for a page longer than OpenCV can resample.
    """
    if damage is None:
        return Picture(drawn.image, drawn)
    paper = drawn.page.paper
    if max(paper.width_px, paper.height_px) > _LONGEST_PX:
        raise ConfigError(f"a page {paper.width_px} px wide: at most {_LONGEST_PX} px can be photographed; choose fewer dpi")
    rng = np.random.default_rng(damage.seed)
    page = _aged(drawn.image, damage)
    for mark in damage.marks:
        put(page, mark, paper.px_per_mm, rng)
    warp = aimed(paper, damage.sheet, damage.camera, page.shape[:2])
    nodes, step = warp.nodes()
    maps = warp.maps(nodes, step)
    image = _table(damage.table, page.shape[:2], rng)
    cv2.remap(page, *maps, cv2.INTER_LINEAR, dst=image, borderMode=cv2.BORDER_TRANSPARENT)
    image = lit(image, damage.light, warp, nodes, step)
    image = taken(image, _scaled(damage.sensor, paper.dpi / damage.dpi), rng)
    return Picture(image, drawn, damage, warp, maps)


def _aged(image: np.ndarray, damage: Damage) -> np.ndarray:
    """A copy of the page, faded and yellowed."""
    if not damage.fade and damage.paper == (1.0, 1.0, 1.0):
        return image.copy()
    tone = 255 - (255 - np.arange(256)) * (1 - damage.fade)
    table = np.clip(np.outer(tone, damage.paper) + 0.5, 0, 255).astype(np.uint8)
    return cv2.LUT(image, table.reshape(1, 256, 3))


def _table(table: Table, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """[H, W, 3] the table alone."""
    height, width = size
    image = np.empty((height, width, 3), np.uint8)
    image.reshape(height, -1)[:] = np.tile(np.array(table.colour, np.uint8), width)
    if table.kind == "plain" or not table.grain:
        return image
    cells = (max(2, height // 3), max(2, width // 90)) if table.kind == "wood" else (max(2, height // 3), max(2, width // 3))
    coarse = rng.normal(128, 70 * table.grain, cells).clip(0, 255).astype(np.uint8)
    pattern = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.multiply(image, cv2.merge([pattern, pattern, pattern]), scale=1 / 128)


def _scaled(sensor: Sensor, times: float) -> Sensor:
    """Blur, shake and moire cover as much of the page at every resolution."""
    if times == 1:
        return sensor
    moire = sensor.moire and sensor.moire.model_copy(update={"period_px": max(1.5, sensor.moire.period_px * times)})
    return sensor.model_copy(update={"blur_px": sensor.blur_px * times, "motion_px": sensor.motion_px * times, "moire": moire})
