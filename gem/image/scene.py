"""Everything that decides a picture but the recording: kept in a file instead of pixels, it draws the same bytes again."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from gem.config import Config
from gem.ecg.recording import Recording
from gem.errors import ConfigError
from gem.image.draw import Style, draw
from gem.image.grid import GRIDS, Colour
from gem.image.header import Header
from gem.image.layout import Page, layout_page, parse_layout
from gem.image.paper import SHEETS, Paper, dpi_for_width, parse_sheet
from gem.image.photo.picture import Damage, Picture, photograph
from gem.image.photo.preset import KINDS, random_damage

T = TypeVar("T")

_INKS: tuple[Colour, ...] = ((28, 28, 34), (12, 12, 14), (50, 50, 56), (24, 30, 70), (70, 66, 70))
_PENS_MM = (0.18, 0.42)


class Scene(Config):
    """One picture of a page. `layout`, `order`, `time`, `strips` and `seconds` are those of `parse_layout` and `layout_page`."""

    paper: Paper = Paper()
    layout: str = "3x4+1"
    order: str = "standard"
    time: str = "consecutive"
    strips: tuple[str, ...] | None = None
    seconds: float | None = None
    style: Style = Style()
    header: Header | None = None
    damage: Damage | None = None

    def page(self) -> Page:
        """The page. Raises `ConfigError` where the layout is not known or does not fit."""
        layout = parse_layout(self.layout, self.order, self.time, self.strips)
        return layout_page(self.paper, layout, self.seconds, header=self.header is not None)

    def picture(self, recording: Recording) -> Picture:
        """The picture. Raises `GemError` where the recording does not fit the page."""
        return photograph(draw(recording, self.page(), self.style, self.header), self.damage)


class Variety(Config):
    """What pictures are drawn from: each choice with its weight.

    sheets     as `parse_sheet` reads them
    width_px   of the page
    damage     kinds (`photo.preset.KINDS`) or "none"
    gains      mm per mV; cabrera and simultaneous are shares of pages
    """

    layouts: Mapping[str, float] = {"3x4": 1, "3x4+1": 4, "3x4+3": 1, "6x2": 1, "6x2+1": 1, "12x1": 1, "4x3": 0.3}
    sheets: Mapping[str, float] = {"letter": 1, "a4": 1}
    width_px: Mapping[int, float] = {1100: 1}
    speeds: Mapping[float, float] = {25.0: 9, 50.0: 1}
    gains: Mapping[float, float] = {10.0: 8, 5.0: 1, 20.0: 1}
    grids: Mapping[str, float] = dict.fromkeys(GRIDS, 1.0)
    damage: Mapping[str, float] = {"none": 1}
    cabrera: float = Field(default=0.08, ge=0, le=1)
    simultaneous: float = Field(default=0.15, ge=0, le=1)

    @field_validator("layouts", "sheets", "width_px", "speeds", "gains", "grids", "damage")
    @classmethod
    def _can_be_drawn(cls, weights: Mapping[Any, float], info: ValidationInfo) -> Mapping[Any, float]:
        """Every choice is known, and some weigh more than nothing, before the first page is drawn."""
        check_weights(weights)
        try:
            for choice in weights:
                _KNOWN[str(info.field_name)](choice)
        except ConfigError as fault:
            raise ValueError(str(fault)) from fault
        return weights

    def scene(self, rng: np.random.Generator, header: Header | None = None) -> Scene:
        """One scene; everything random comes from `rng`."""
        width_mm, height_mm = parse_sheet(_pick(rng, self.sheets))
        dpi = dpi_for_width(_pick(rng, self.width_px), width_mm)
        paper = Paper(width_mm, height_mm, dpi, mm_per_s=_pick(rng, self.speeds), mm_per_mv=_pick(rng, self.gains))
        style = Style(
            trace_mm=round(float(rng.uniform(*_PENS_MM)), 3), ink=_INKS[rng.integers(len(_INKS))], grid=GRIDS[_pick(rng, self.grids)],
            font=str(rng.choice(("sans", "mono"), p=(0.8, 0.2))), pulse=str(rng.choice(("left", "right", "none"), p=(0.8, 0.1, 0.1))),
            separators=bool(rng.random() < 0.8),
        )  # fmt: skip
        kind = _pick(rng, self.damage)
        return Scene(
            paper=paper,
            layout=_pick(rng, self.layouts),
            order="cabrera" if rng.random() < self.cabrera else "standard",
            time="simultaneous" if rng.random() < self.simultaneous else "consecutive",
            style=style,
            header=header,
            damage=None if kind == "none" else random_damage(rng, kind, paper),
        )


def check_weights(weights: Mapping[Any, float]) -> None:
    """Raises `ValueError` where nothing can be drawn by these weights."""
    if not all(weight >= 0 for weight in weights.values()) or not 0 < sum(weights.values()) < float("inf"):
        raise ValueError("weights of 0 or more are needed, at least one of them above 0")


def _one_of(known: Iterable[str]) -> Callable[[str], None]:
    def check(choice: str) -> None:
        if choice not in known:
            raise ConfigError(f"{choice!r}: choose {', '.join(known)}")

    return check


_KNOWN: Mapping[str, Callable[[Any], Any]] = {
    "layouts": parse_layout,
    "sheets": parse_sheet,
    "width_px": lambda px: Paper(dpi=dpi_for_width(px, SHEETS["letter"][0])),
    "speeds": lambda speed: Paper(mm_per_s=speed),
    "gains": lambda gain: Paper(mm_per_mv=gain),
    "grids": _one_of(tuple(GRIDS)),
    "damage": _one_of(("none", *KINDS)),
}


def _pick(rng: np.random.Generator, weights: Mapping[T, float]) -> T:
    share = np.array(list(weights.values()), dtype=np.float64)
    return list(weights)[int(rng.choice(len(share), p=share / share.sum()))]
