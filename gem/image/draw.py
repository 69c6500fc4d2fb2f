"""Recording -> page: traces, calibration pulses, lead names, header and grid, drawn at the size that is asked for.

Ink is summed sparsely (`stroke`), so only pixels under ink are blended over a grid that was made once for the paper.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gem.ecg.recording import Recording
from gem.errors import ConfigError
from gem.image.grid import GRIDS, Colour, Grid, blank
from gem.image.header import Header, Line, header_lines
from gem.image.layout import PULSE_FOOT_MM, PULSE_MV, PULSE_S, Cell, Page, resting_levels
from gem.image.stroke import Ink, strokes
from gem.image.text import glyphs

PULSES = ("left", "right", "none")
_NAME_MM, _SCALE_MM = 3.8, 3.0
_NAME_ABOVE, _NAME_LEAST_MM, _NAME_MOST_MM = 0.27, 3.2, 11.0
"""A lead name stands this share of its row above the baseline, within these limits."""


@dataclass(frozen=True)
class Style:
    """How a page is printed.

    trace_mm    width of the pen
    ink         RGB of traces and text
    grid        colours and lines of the paper
    font        "sans" or "mono"
    pulse       side of the calibration pulses, or "none"
    separators  short ticks where one lead follows another
    """

    trace_mm: float = 0.2
    ink: Colour = (28, 28, 34)
    grid: Grid = GRIDS["red"]
    font: str = "sans"
    pulse: str = "left"
    separators: bool = True

    def __post_init__(self) -> None:
        if not 0.05 <= self.trace_mm <= 2:
            raise ConfigError(f"a trace {self.trace_mm:g} mm wide: 0.05 to 2 mm are needed")
        if self.pulse not in PULSES:
            raise ConfigError(f"a calibration pulse {self.pulse!r}: choose {', '.join(PULSES)}")


PLAIN = Style()


@dataclass(frozen=True)
class Trace:
    """One cell as drawn: samples `first` to `first + n` of its lead, and where each lies.

    x, y   [n] px from the top left corner of the page; y is NaN where the sample is missing
    lines  which strokes of the page's ink are this trace
    name   left, top, right, bottom of the printed lead name, px
    """

    cell: Cell
    first: int
    x: np.ndarray
    y: np.ndarray
    lines: range
    name: tuple[int, int, int, int]


@dataclass(frozen=True)
class Drawn:
    """A page that was drawn.

    image   [H, W, 3] uint8, RGB
    traces  one for every cell that shows something
    ink     the strokes of all traces, and nothing else
    empty   labels of the cells that show nothing, because the lead was not recorded there
    levels  what was taken off each lead so that it lies on its baseline, mV
    """

    image: np.ndarray
    page: Page
    style: Style
    header: Header | None
    traces: tuple[Trace, ...]
    ink: Ink
    empty: tuple[str, ...]
    levels: dict[str, float]
    source: str
    fs: float


def draw(recording: Recording, page: Page, style: Style = PLAIN, header: Header | None = None) -> Drawn:
    """The recording on the page.

    header  printed at the top, where the page has room for one; None prints none

    Leads that were not recorded leave their cells empty, with a word that says so. Raises `RecordingError` when the recording is
    too short for the page or has none of its leads.
    """
    page.check(recording)
    paper = page.paper
    size = (paper.height_px, paper.width_px)
    levels = dict(zip(recording.leads, resting_levels(recording).tolist(), strict=True))
    lines: list[tuple[np.ndarray, np.ndarray]] = []
    traces = [trace for cell in page.cells if (trace := _trace(recording, cell, levels, page, style, lines)) is not None]
    shown = {trace.cell for trace in traces}
    empty = tuple(cell.label for cell in page.cells if cell not in shown)
    ink = strokes(lines, style.trace_mm * paper.px_per_mm, size)
    image = _background(page, style, empty).copy()
    darkest = np.zeros(image.size // 3, np.uint8)
    np.maximum.at(darkest, ink.at, ink.alpha)
    _blend(image, ink.at, darkest[ink.at], style.ink)
    for line in () if header is None or page.header_mm == 0 else header_lines(header, page):
        _print(image, line, page, style)
    return Drawn(image, page, style, header, tuple(traces), ink, empty, levels, recording.source, recording.fs)


def _trace(
    recording: Recording, cell: Cell, levels: dict[str, float], page: Page, style: Style, lines: list[tuple[np.ndarray, np.ndarray]]
) -> Trace | None:
    """The samples of one cell as px; its strokes are added to `lines`. None where nothing was recorded.

    The pen goes on to the first sample of the next column, so that columns meet; that sample is not the cell's own.
    """
    if cell.lead not in recording.leads:
        return None
    first, last = cell.samples(recording.fs, recording.samples)
    mv = recording.signal[recording.leads.index(cell.lead), first : last + 1]
    seen = np.isfinite(mv)
    if not seen[: last - first].any():
        return None
    scale = page.paper.px_per_mm
    at = np.arange(first, first + mv.size) / recording.fs - cell.begin_s
    x = (cell.x_mm + at * page.paper.mm_per_s) * scale
    y = (cell.baseline_mm - cell.sign * cell.mm_per_mv * (mv.astype(np.float64) - levels[cell.lead])) * scale
    begin = len(lines)
    if seen.all():
        lines.append((x, y))
    else:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]])))
        lines += [(x[a:b], y[a:b]) for a, b in edges.reshape(-1, 2)]
    kept = last - first
    return Trace(cell, first, x[:kept], y[:kept], range(begin, len(lines)), _name(cell, page, style)[1])


def _name(cell: Cell, page: Page, style: Style) -> tuple[Line, tuple[int, int, int, int]]:
    """The printed name of a cell, and the pixels it takes."""
    above = min(max(_NAME_ABOVE * (cell.bottom_mm - cell.top_mm), _NAME_LEAST_MM), _NAME_MOST_MM)
    line = Line(cell.label, cell.x_mm + 1.0, cell.baseline_mm - above, _NAME_MM)
    return line, _box(line, page, style)


def _box(line: Line, page: Page, style: Style) -> tuple[int, int, int, int]:
    """left, top, right, bottom of a line of print, px."""
    scale = page.paper.px_per_mm
    mask = glyphs(line.text, "bold" if line.bold else style.font, line.size_mm * scale)
    left, top = round(line.x_mm * scale) + mask.left, round(line.y_mm * scale) + mask.top
    return left, top, left + mask.alpha.shape[1], top + mask.alpha.shape[0]


@lru_cache(maxsize=4)
def _background(page: Page, style: Style, empty: tuple[str, ...]) -> np.ndarray:
    """[H, W, 3] what does not change from recording to recording: grid, pulses, separators, lead names, the scale."""
    paper = page.paper
    size = (paper.height_px, paper.width_px)
    image = blank(size, style.grid, paper.px_per_mm)
    curves, texts = furniture(page, style, empty)
    if curves:
        ink = strokes([(x * paper.px_per_mm, y * paper.px_per_mm) for x, y in curves], style.trace_mm * paper.px_per_mm, size)
        _blend(image, ink.at, ink.alpha, style.ink)
    for line in texts:
        _print(image, line, page, style)
    image.setflags(write=False)
    return image


def furniture(
    page: Page, style: Style, empty: tuple[str, ...], header: Header | None = None
) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[Line]]:
    """Curves (x, y in mm) and lines of print that stand on a page beside the traces; `empty` are labels of cells that show nothing."""
    curves = [*_pulses(page, style), *_separators(page, style)]
    texts = []
    for cell in page.cells:
        line, _ = _name(cell, page, style)
        texts.append(line)
        if cell.label in empty:
            texts.append(Line("not recorded", line.x_mm, cell.baseline_mm, _SCALE_MM))
    texts.append(Line(page.paper.scale, page.cells[0].x_mm, page.paper.height_mm - 3.5, _SCALE_MM))
    if header is not None and page.header_mm > 0:
        texts += header_lines(header, page)
    return curves, texts


def _pulses(page: Page, style: Style) -> list[tuple[np.ndarray, np.ndarray]]:
    """The calibration pulse of every row, mm: two steps where the row holds two gains."""
    if style.pulse == "none":
        return []
    out = []
    width, foot = PULSE_S * page.paper.mm_per_s, PULSE_FOOT_MM
    for row in range(1 + max(cell.row for cell in page.cells)):
        cells = [cell for cell in page.cells if cell.row == row]
        gains = sorted({cell.mm_per_mv for cell in cells}, reverse=True)
        begin = cells[0].x_mm - width - 2 * foot - 1.0 if style.pulse == "left" else max(c.x_mm + c.width_mm for c in cells)
        up = [PULSE_MV * gain for gain in gains for _ in range(2)]
        over = np.linspace(0, width, len(gains) + 1).repeat(2)[1:-1]
        x = begin + np.concatenate([[0, foot], foot + over, [foot + width, 2 * foot + width]])
        out.append((x, cells[0].baseline_mm - np.array([0, 0, *up, 0, 0])))
    return out


def _separators(page: Page, style: Style) -> list[tuple[np.ndarray, np.ndarray]]:
    """A short tick above and below the baseline where a lead follows another, mm."""
    ticks = [cell for cell in page.cells if cell.column and style.separators]
    return [(np.full(2, cell.x_mm), cell.baseline_mm + np.array(span)) for cell in ticks for span in ((-5.0, -3.0), (3.0, 5.0))]


def _print(image: np.ndarray, line: Line, page: Page, style: Style) -> None:
    """Blend one line of print into the image, cut at its edges."""
    scale = page.paper.px_per_mm
    alpha = glyphs(line.text, "bold" if line.bold else style.font, line.size_mm * scale).alpha
    left, top, right, bottom = _box(line, page, style)
    rows, columns = slice(max(top, 0), min(bottom, image.shape[0])), slice(max(left, 0), min(right, image.shape[1]))
    share = alpha[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left, None] / np.float32(255)
    under = image[rows, columns]
    image[rows, columns] = under + (np.array(style.ink, np.float32) - under) * share + 0.5


def _blend(image: np.ndarray, at: np.ndarray, alpha: np.ndarray, ink: Colour) -> None:
    """Blend ink into the pixels `at` of the flat image, each as far as it is covered."""
    pixels = image.reshape(-1, 3)
    under = pixels[at].astype(np.float32)
    pixels[at] = under + (np.array(ink, np.float32) - under) * (alpha / np.float32(255))[:, None] + np.float32(0.5)
