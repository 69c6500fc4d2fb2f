"""Picture -> the squares an image encoder reads. The whole page is kept: letterboxed or tiled; cropped only for the released GEM."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from gem.errors import ModelError

FITS = ("letterbox", "tile", "crop")
OVERVIEWS = ("letterbox", "squash")
LEAST_PX = 32


@dataclass(frozen=True)
class ImageInput:
    """How a picture is fitted, kept with the checkpoint.

    size      px, a side of the square
    tokens    features of one square
    fit       "letterbox": shrunk to fit, the rest filled; "tile": an overview and squares at higher resolution; "crop": the shorter side
              fitted and the middle kept, which loses the sides of a page (the released GEM)
    grids     [columns, rows] of squares that tiling may choose
    page      layout of the pages that are drawn for the model, or "none": it sees those that are given to it, none is drawn
    overview  of a tiled picture: "letterbox", or "squash" as LLaVA's
    fill      RGB of what a picture does not cover
    mean, std RGB, of values in 0 to 1
    """

    size: int
    tokens: int
    fit: str = "letterbox"
    grids: tuple[tuple[int, int], ...] = ((2, 2), (2, 1), (1, 2), (3, 1), (1, 3))
    page: str = "3x4+1"
    overview: str = "letterbox"
    fill: tuple[int, int, int] = (255, 255, 255)
    mean: tuple[float, float, float] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, float, float] = (0.26862954, 0.26130258, 0.27577711)

    def __post_init__(self) -> None:
        if self.fit not in FITS or self.overview not in OVERVIEWS:
            raise ModelError(
                f"fit {self.fit!r}, overview {self.overview!r}: choose from {', '.join(FITS)}, and from {', '.join(OVERVIEWS)}"
            )

    @classmethod
    def of(cls, fields: dict[str, Any]) -> "ImageInput":
        """From the lists of a JSON file."""
        frozen: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
        if "grids" in frozen:
            frozen["grids"] = tuple((int(columns), int(rows)) for columns, rows in frozen["grids"])
        return cls(**frozen)

    def squares(self, picture: Any) -> np.ndarray:
        """[P, 3, size, size] float32: one square, or the overview and then the tiles row by row.

        picture  a PIL image or [H, W, 3] uint8

        Raises `ModelError` for a picture that is too small or shows nothing.
        """
        image = _checked(picture)
        if self.fit == "crop":
            squares = [_cropped(image, self.size)]
        elif self.fit == "letterbox":
            squares = [self._boxed(image, self.size, self.size)]
        else:
            squares = self._tiles(image)
        pixels = np.stack([np.asarray(square, np.float32) for square in squares]) / 255
        normal = (pixels - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        out: np.ndarray = normal.transpose(0, 3, 1, 2).astype(np.float32)
        return out

    def _boxed(self, image: Image.Image, width: int, height: int) -> Image.Image:
        """The whole picture in the middle of a canvas."""
        scale = min(width / image.width, height / image.height)
        small = image.resize((min(width, _up(image.width * scale)), min(height, _up(image.height * scale))), Image.Resampling.BICUBIC)
        canvas = Image.new("RGB", (width, height), self.fill)
        canvas.paste(small, ((width - small.width) // 2, (height - small.height) // 2))
        return canvas

    def _tiles(self, image: Image.Image) -> list[Image.Image]:
        """The overview and the tiles of the grid that shows the picture largest with the least left over."""
        columns, rows = max(self.grids, key=lambda grid: _worth(image, grid[0] * self.size, grid[1] * self.size))
        canvas = self._boxed(image, columns * self.size, rows * self.size)
        side = self.size
        boxes = [(c * side, r * side, (c + 1) * side, (r + 1) * side) for r in range(rows) for c in range(columns)]
        whole = self._boxed(image, side, side) if self.overview == "letterbox" else image.resize((side, side), Image.Resampling.BICUBIC)
        return [whole, *(canvas.crop(box) for box in boxes)]


def _up(length: float) -> int:
    return max(1, int(np.ceil(round(length, 6))))


def _worth(image: Image.Image, width: int, height: int) -> tuple[int, int]:
    """How many of the picture's own pixels a canvas shows, and how little of the canvas is left over."""
    scale = min(width / image.width, height / image.height)
    shown = min(int(image.width * scale) * int(image.height * scale), image.width * image.height)
    return shown, shown - width * height


def _cropped(image: Image.Image, size: int) -> Image.Image:
    """Shorter side to `size`, bicubic, then the middle square."""
    shorter = min(image.size)
    width, height = (int(size * image.width / shorter), int(size * image.height / shorter))
    small = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - size) // 2, (height - size) // 2
    return small.crop((left, top, left + size, top + size))


def _checked(picture: Any) -> Image.Image:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(np.asarray(picture))
    image = image.convert("RGB")
    if min(image.size) < LEAST_PX:
        raise ModelError(f"a picture of {image.width} x {image.height} px: at least {LEAST_PX} px a side are needed; give a larger one")
    if np.ptp(np.asarray(image.getextrema()), axis=1).max() == 0:
        raise ModelError("the picture is one colour: there is nothing on it; give the photograph or scan of an ECG page")
    return image
