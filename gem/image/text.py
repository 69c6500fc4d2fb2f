"""Printed and written text: the fonts that ship with the package, as coverage of pixels.

Fonts (`gem/image/fonts`, all SIL Open Font License 1.1, Latin only): Arimo for print, Cousine for printers that space
evenly, Caveat and Reenie Beanie for handwriting. The basic layout engine is asked for, so that a text looks the same on
every machine.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONTS = {
    "sans": "Arimo-Regular.ttf",
    "bold": "Arimo-Bold.ttf",
    "mono": "Cousine-Regular.ttf",
    "hand": "Caveat-Regular.ttf",
    "scrawl": "ReenieBeanie-Regular.ttf",
}

_SMALLEST_PX, _SET_PX = 1.0, 40.0


@dataclass(frozen=True)
class Glyphs:
    """A text as coverage: alpha [h, w] uint8, trimmed; `left`, `top` from the start of its baseline to that rectangle, px."""

    alpha: np.ndarray
    left: int
    top: int


@lru_cache(maxsize=128)
def _font(font: str, px: float) -> ImageFont.FreeTypeFont:
    data = (files("gem.image") / "fonts" / FONTS[font]).read_bytes()
    return ImageFont.truetype(BytesIO(data), max(px, _SMALLEST_PX), layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def glyphs(text: str, font: str, px: float) -> Glyphs:
    """One line of text, `px` from the top of one line to the top of the next.

    Small text is set several times larger and averaged, as if it had been printed and then seen from afar: no hinting, no
    letters pushed to whole pixels.
    """
    times = max(1, min(8, round(_SET_PX / px)))
    face = _font(font, px * times)
    left, top, right, bottom = (int(side) for side in face.getbbox(text, anchor="ls"))
    left, top = times * (left // times - 1), times * (top // times - 1)
    canvas = Image.new("L", (times * ((right - left) // times + 2), times * ((bottom - top) // times + 2)))
    ImageDraw.Draw(canvas).text((-left, -top), text, fill=255, font=face, anchor="ls")
    alpha = np.asarray(canvas.reduce(times))
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if rows.size == 0:
        return Glyphs(np.zeros((0, 0), np.uint8), 0, 0)
    part = alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
    part.setflags(write=False)
    return Glyphs(part, int(left // times + columns[0]), int(top // times + rows[0]))


def length_px(text: str, font: str, px: float) -> float:
    """How far the pen advances over a text."""
    return float(_font(font, px).getlength(text))
