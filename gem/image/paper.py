"""A sheet of ECG paper and its scale: the one place where mm, px, s and mV meet.

Sources: Kligfield et al. 2007, AHA/ACCF/HRS recommendations, part I (25 mm/s and 10 mm/mV are standard); ISO 216 and
ANSI/ASME Y14.1 for the sheets.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from gem.errors import ConfigError

MM_PER_INCH = 25.4
SPEEDS = (25.0, 50.0)
GAINS = (5.0, 10.0, 20.0)
SHEETS = {"letter": (279.4, 215.9), "a4": (297.0, 210.0), "a5": (210.0, 148.0), "a3": (420.0, 297.0)}
"""Landscape, width and height in mm."""

MOST_PX = 40_000_000
LEAST_PX = 64
"""Narrower than this a page shows nothing."""

_SHORTEST_MM, _LONGEST_MM = 40.0, 2000.0


@dataclass(frozen=True)
class Paper:
    """One sheet, its resolution and its scale.

    width_mm, height_mm  of the sheet
    dpi                  px per inch, the same both ways; need not be whole
    mm_per_s             25 or 50
    mm_per_mv            limb leads: 5, 10 or 20
    chest_mm_per_mv      chest leads; None for the same

    Pictures measure from the top left corner: the centre of the first pixel is (0.5, 0.5). Raises `ConfigError` for a
    scale that no cart prints and for a picture of more than `MOST_PX` pixels.
    """

    width_mm: float = SHEETS["letter"][0]
    height_mm: float = SHEETS["letter"][1]
    dpi: float = 200.0
    mm_per_s: float = 25.0
    mm_per_mv: float = 10.0
    chest_mm_per_mv: float | None = None

    def __post_init__(self) -> None:
        for side in (self.width_mm, self.height_mm):
            if not _SHORTEST_MM <= side <= _LONGEST_MM:
                raise ConfigError(
                    f"a sheet of {self.width_mm:g} x {self.height_mm:g} mm: sides of {_SHORTEST_MM:g} to {_LONGEST_MM:g} mm are needed"
                )
        if self.mm_per_s not in SPEEDS:
            raise ConfigError(f"a paper speed of {self.mm_per_s:g} mm/s: choose one of {_listed(SPEEDS)}")
        for gain in (self.mm_per_mv, self.chest_gain):
            if gain not in GAINS:
                raise ConfigError(f"a gain of {gain:g} mm/mV: choose one of {_listed(GAINS)}")
        most = MM_PER_INCH * math.sqrt(MOST_PX / (self.width_mm * self.height_mm))
        if not (math.isfinite(self.dpi) and self.dpi > 0):
            raise ConfigError(f"{self.dpi:g} dpi: a positive resolution is needed")
        over = self.dpi / most
        if over > 1:
            raise ConfigError(
                f"{self.dpi:g} dpi on {self.width_mm:g} x {self.height_mm:g} mm makes {MOST_PX / 1e6 * over * over:.4g} Mpx, "
                f"more than {MOST_PX / 1e6:.0f}; at most {math.floor(most)} dpi fit"
            )
        if self.width_px < LEAST_PX:
            raise ConfigError(f"{self.dpi:g} dpi makes a page {self.width_px} px wide; at least {LEAST_PX} px are needed")

    @property
    def px_per_mm(self) -> float:
        return self.dpi / MM_PER_INCH

    @property
    def width_px(self) -> int:
        return round(self.width_mm * self.px_per_mm)

    @property
    def height_px(self) -> int:
        return round(self.height_mm * self.px_per_mm)

    @property
    def chest_gain(self) -> float:
        """mm per mV of the chest leads."""
        return self.mm_per_mv if self.chest_mm_per_mv is None else self.chest_mm_per_mv

    @property
    def scale(self) -> str:
        """As carts print it: "25 mm/s  10 mm/mV", or both gains."""
        if self.chest_gain == self.mm_per_mv:
            return f"{self.mm_per_s:g} mm/s  {self.mm_per_mv:g} mm/mV"
        return f"{self.mm_per_s:g} mm/s  Limb: {self.mm_per_mv:g} mm/mV  Chest: {self.chest_gain:g} mm/mV"


def dpi_for_width(width_px: float, width_mm: float) -> float:
    """The resolution at which a sheet is `width_px` wide."""
    return width_px / width_mm * MM_PER_INCH


def parse_sheet(text: str) -> tuple[float, float]:
    """ "a4", "letter", "a4-portrait" or "280x80" as (width, height) in mm. Raises `ConfigError`."""
    name, _, way = text.lower().partition("-")
    if name in SHEETS and way in ("", "landscape", "portrait"):
        width, height = SHEETS[name]
        return (height, width) if way == "portrait" else (width, height)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)", text)
    if found is None:
        raise ConfigError(f"{text!r} is no sheet known here: {_listed(SHEETS)} (with -portrait), or WIDTHxHEIGHT in mm")
    return float(found[1]), float(found[2])


def parse_gain(text: str) -> tuple[float, float | None]:
    """ "10" as (10, None), "10/5" as (10, 5): limb and chest leads, mm/mV. Raises `ConfigError`."""
    try:
        limb, *chest = (float(part) for part in text.split("/"))
    except ValueError as fault:
        raise ConfigError(f"a gain of {text!r}: written 10, or 10/5 for limb and chest leads") from fault
    if len(chest) > 1:
        raise ConfigError(f"a gain of {text!r}: written 10, or 10/5 for limb and chest leads")
    return limb, chest[0] if chest else None


def _listed(values: Iterable[object]) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
