"""The printed grid by exact coverage: every pixel holds the share of it that lines cover, at any resolution.

Grid: 1 mm and 5 mm (Kligfield et al. 2007, AHA/ACCF/HRS recommendations, part I).
"""

from dataclasses import dataclass

import numpy as np

MINOR_MM, MAJOR_MM = 1.0, 5.0
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Grid:
    """Colours (RGB) of paper and lines, and widths of the lines.

    minor, major  None where such lines are not printed
    dotted        the minor grid is a dot a millimetre
    """

    paper: Colour = (255, 255, 255)
    minor: Colour | None = (250, 203, 200)
    major: Colour | None = (237, 150, 146)
    minor_mm: float = 0.12
    major_mm: float = 0.22
    dotted: bool = False


GRIDS = {
    "red": Grid((255, 253, 251), (249, 202, 198), (236, 146, 140)),
    "pink": Grid((255, 244, 243), (248, 196, 201), (238, 150, 162)),
    "salmon": Grid((255, 250, 246), (248, 205, 184), (240, 160, 128)),
    "brown": Grid((253, 250, 242), (230, 206, 176), (205, 166, 124)),
    "green": Grid((251, 254, 250), (190, 224, 194), (128, 190, 140)),
    "blue": Grid((252, 253, 255), (198, 213, 240), (142, 168, 220)),
    "grey": Grid((254, 254, 254), (214, 214, 214), (166, 166, 166)),
    "dots": Grid((255, 252, 250), (225, 130, 125), (240, 170, 165), minor_mm=0.25, dotted=True),
    "none": Grid(minor=None, major=None),
}


def covered(count: int, step: float, width: float) -> np.ndarray:
    """[count] share of each pixel under lines of `width` centred on multiples of `step`, px; exact for any numbers."""
    t = np.arange(count + 1) + width / 2
    whole = np.floor(t / step)
    area = whole * width + np.minimum(t - whole * step, width)
    share: np.ndarray = np.diff(area)
    return share


def blank(size: tuple[int, int], grid: Grid, px_per_mm: float) -> np.ndarray:
    """[H, W, 3] uint8: paper with its grid, the lines on whole millimetres from the top left corner.

    Major lines cover minor ones, lines cover paper, independently along x and y. So the picture is a sum of two outer
    products, and rows of equal coverage are equal: each kind of row is made once.
    """
    (minor_y, major_y), (minor_x, major_x) = (_shares(count, grid, px_per_mm) for count in size)
    paper = np.array(grid.paper, np.float32)
    minor = paper if grid.minor is None else np.array(grid.minor, np.float32)
    major = paper if grid.major is None else np.array(grid.major, np.float32)
    clear_y, clear_x = 1 - major_y, 1 - major_x
    if grid.dotted:
        rows = np.stack([minor_y, clear_y], axis=1)
        across = np.stack([np.outer(minor_x, minor - paper), np.outer(clear_x, paper - major)])
    else:
        rows = np.stack([clear_y - minor_y, clear_y], axis=1)
        across = np.stack([np.outer(clear_x - minor_x, paper - minor), np.outer(clear_x, minor - major)])
    kinds, of_row = np.unique(rows, axis=0, return_inverse=True)
    made = (kinds.astype(np.float32) @ across.reshape(2, -1).astype(np.float32)).reshape(len(kinds), -1, 3) + (major + 0.5)
    picture: np.ndarray = made.astype(np.uint8)[of_row.ravel()]
    return picture


def _shares(count: int, grid: Grid, px_per_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Share of each pixel under minor lines and under major ones along one axis; every fifth minor line lies under a major one."""
    fine, coarse = np.zeros(count), np.zeros(count)
    if grid.minor is not None:
        fine = covered(count, MINOR_MM * px_per_mm, grid.minor_mm * px_per_mm)
    if grid.major is not None:
        coarse = covered(count, MAJOR_MM * px_per_mm, grid.major_mm * px_per_mm)
        if grid.minor is not None:
            fine -= covered(count, MAJOR_MM * px_per_mm, grid.minor_mm * px_per_mm)
    return fine, coarse
