"""Layouts of a 12-lead page: which lead stands where, over which seconds, at which gain.

One `Page` drives the renderer, the boxes, the masks and the signal that such a page leaves visible. Orders: Kligfield et al.
2007, AHA/ACCF/HRS recommendations, part I (the standard one, down the columns, and Cabrera's).
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gem.ecg.lead import CABRERA, CHEST, STANDARD, canonical
from gem.ecg.recording import Recording
from gem.errors import ConfigError, RecordingError
from gem.image.paper import Paper

LAYOUTS = ("3x4", "3x4+1", "3x4+3", "6x2", "6x2+1", "12x1", "4x3")
"""Rows x columns, + rhythm strips. A lead name alone ("II") is a page of that lead."""
ORDERS = ("standard", "cabrera")
TIMES = ("consecutive", "simultaneous")
STRIPS = {1: ("II",), 2: ("V1", "II"), 3: ("V1", "II", "V5")}
"""Rhythm strips, unless others are asked for."""

USUAL_S = 10.0
"""A row shows this much, where the paper is long enough."""
SHORTFALL_S = 0.05
"""A recording may miss the end of the page by this much."""
PULSE_S, PULSE_MV = 0.2, 1.0
"""The calibration pulse."""
PULSE_FOOT_MM = 1.0

_TOP_MM, _BOTTOM_MM, _RIGHT_MM, _GAP_MM = 6.0, 9.0, 3.0, 3.0
_HEADER_MM, _HEADER_SHARE = 26.0, 0.15
_BASELINE = 0.55
"""Where in its row a baseline lies: QRS complexes go up more than down."""


@dataclass(frozen=True)
class Layout:
    """Which leads, in how many rows and columns.

    name    "3x4+1", or the lead of a page of one lead
    leads   rows * columns labels, down the columns; "-aVR" is aVR upside down
    strips  rhythm strips below, one a row
    order   "standard" or "cabrera"
    time    columns "consecutive" or "simultaneous"
    """

    name: str
    rows: int
    columns: int
    leads: tuple[str, ...]
    strips: tuple[str, ...] = ()
    order: str = "standard"
    time: str = "consecutive"


@dataclass(frozen=True)
class Cell:
    """One lead over one stretch of time.

    label           as printed; lead and sign follow from it
    x_mm, width_mm  where its first second begins, and how long it is
    baseline_mm     0 mV; top_mm and bottom_mm bound its row
    begin_s         what the left end shows; length_s, how long
    mm_per_mv       its gain
    """

    label: str
    row: int
    column: int
    strip: bool
    x_mm: float
    width_mm: float
    baseline_mm: float
    top_mm: float
    bottom_mm: float
    begin_s: float
    length_s: float
    mm_per_mv: float

    @property
    def lead(self) -> str:
        return self.label.removeprefix("-")

    @property
    def sign(self) -> float:
        return -1.0 if self.label.startswith("-") else 1.0

    def samples(self, fs: float, total: int) -> tuple[int, int]:
        """First sample it shows and one past the last, of `total` at `fs` Hz; no sample stands in two columns."""
        first = math.ceil(round(self.begin_s * fs, 6))
        last = math.ceil(round((self.begin_s + self.length_s) * fs, 6))
        return min(first, total), min(last, total)


@dataclass(frozen=True)
class Page:
    """A layout on a sheet: every cell in mm.

    seconds    what a whole row shows
    header_mm  height of the printed header, 0 without one
    """

    paper: Paper
    layout: Layout
    seconds: float
    header_mm: float
    cells: tuple[Cell, ...]

    @property
    def needed_s(self) -> float:
        """How long a recording must be."""
        return max(cell.begin_s + cell.length_s for cell in self.cells)

    @property
    def rows_mm(self) -> tuple[float, ...]:
        """The baselines, from the top."""
        return tuple(sorted({cell.baseline_mm for cell in self.cells}))

    def check(self, recording: Recording) -> None:
        """Raises `RecordingError` when the recording is too short for the page, or has none of its leads."""
        if recording.duration_s + SHORTFALL_S < self.needed_s:
            raise RecordingError(
                f"{recording.source}: layout {self.layout.name} ({self.layout.time}) shows {self.needed_s:g} s, but the recording has "
                f"{recording.duration_s:.4g} s; ask for fewer seconds, simultaneous columns or another layout"
            )
        if not any(cell.lead in recording.leads for cell in self.cells):
            raise RecordingError(
                f"{recording.source}: none of the leads of layout {self.layout.name} was recorded, only {', '.join(recording.leads)}"
            )


def parse_layout(text: str, order: str = "standard", time: str = "consecutive", strips: tuple[str, ...] | None = None) -> Layout:
    """ "3x4+1" and its like, or the name of one lead.

    order   of the twelve leads: "standard" or "cabrera"
    time    "consecutive": each column goes on where the one before ended; "simultaneous": all show the same stretch
    strips  leads of the rhythm strips, as many as the layout has

    Raises `ConfigError` for any other text.
    """
    if order not in ORDERS or time not in TIMES:
        raise ConfigError(f"order {order!r}, time {time!r}: choose from {', '.join(ORDERS)}, and from {', '.join(TIMES)}")
    found = re.fullmatch(r"(\d{1,2})x(\d{1,2})(?:\+([1-3]))?", text)
    if found is None:
        if re.fullmatch(r"\d.*", text) or not text.strip():
            raise ConfigError(f"layout {text!r} is not known: {', '.join(LAYOUTS)}, or the name of one lead")
        return Layout(canonical(text), 1, 1, (canonical(text),))
    rows, columns, extra = int(found[1]), int(found[2]), int(found[3] or 0)
    leads = (*CABRERA, *CHEST) if order == "cabrera" else STANDARD
    if rows * columns != len(leads):
        raise ConfigError(f"layout {text}: {rows} x {columns} does not hold twelve leads; choose {', '.join(LAYOUTS)}, or one lead")
    named = STRIPS.get(extra, ()) if strips is None else tuple(canonical(name) for name in strips)
    if len(named) != extra:
        raise ConfigError(f"layout {text} has {extra} rhythm strips, but {len(named)} leads are named for them ({', '.join(named)})")
    return Layout(text, rows, columns, leads, named, order, time)


@lru_cache(maxsize=256)
def layout_page(paper: Paper, layout: Layout, seconds: float | None = None, header: bool = True) -> Page:
    """The layout placed on the sheet.

    seconds  what a whole row shows; by default 10, or as many half seconds as fit
    header   room for one at the top

    Raises `ConfigError` when the seconds do not fit on the sheet.
    """
    left = PULSE_S * paper.mm_per_s + 2 * PULSE_FOOT_MM + _GAP_MM
    fits = (paper.width_mm - left - _RIGHT_MM) / paper.mm_per_s
    shown = min(USUAL_S, math.floor(2 * fits) / 2) if seconds is None else seconds
    if not 0 < shown <= fits:
        raise ConfigError(
            f"{shown:g} s at {paper.mm_per_s:g} mm/s do not fit on a sheet {paper.width_mm:g} mm wide, at most {max(fits, 0):.3g} s do; "
            "choose a wider sheet, a slower speed or fewer seconds"
        )
    free = (fits - shown) * paper.mm_per_s
    x0 = max(left, 5 * math.floor((left + 0.35 * free) / 5))
    top = _TOP_MM + (min(_HEADER_MM, _HEADER_SHARE * paper.height_mm) if header else 0.0)
    pitch = (paper.height_mm - _BOTTOM_MM - top) / (layout.rows + len(layout.strips))
    column_s = shown / layout.columns
    places = [(label, k % layout.rows, k // layout.rows, False) for k, label in enumerate(layout.leads)]
    places += [(label, layout.rows + k, 0, True) for k, label in enumerate(layout.strips)]
    cells = []
    for label, row, column, strip in places:
        length = shown if strip else column_s
        cells.append(
            Cell(
                label,
                row,
                column,
                strip,
                x_mm=x0 + column * column_s * paper.mm_per_s,
                width_mm=length * paper.mm_per_s,
                baseline_mm=float(round(top + (row + _BASELINE) * pitch)),
                top_mm=top + row * pitch,
                bottom_mm=top + (row + 1) * pitch,
                begin_s=column * column_s if layout.time == "consecutive" else 0.0,
                length_s=length,
                mm_per_mv=paper.chest_gain if label in CHEST else paper.mm_per_mv,
            )
        )
    return Page(paper, layout, shown, top - _TOP_MM, tuple(cells))


def resting_levels(recording: Recording) -> np.ndarray:
    """[L] the median of each lead, mV: a page shows no constant voltage, so this lies on the baseline. 0 for an empty lead."""
    signal = recording.signal
    if not np.isnan(signal).any():
        levels: np.ndarray = np.median(signal, axis=1)
        return levels
    return np.array([np.median(row[seen]) if (seen := np.isfinite(row)).any() else 0.0 for row in signal])


def visible(recording: Recording, page: Page) -> Recording:
    """What is left of a recording on such a page: NaN where it shows nothing, each lead's median on its baseline."""
    page.check(recording)
    shown = np.full_like(recording.signal, np.nan)
    for cell in page.cells:
        if cell.lead in recording.leads:
            k = recording.leads.index(cell.lead)
            first, last = cell.samples(recording.fs, recording.samples)
            shown[k, first:last] = recording.signal[k, first:last]
    shown -= resting_levels(recording).astype(np.float32)[:, None]
    return recording.after(shown, f"only what a {page.layout.name} page of {page.seconds:g} s shows, medians on the baseline")
