"""A page as SVG, in mm: the same geometry as the pixels, for print and the web. Text asks for the fonts by name."""

from collections.abc import Iterable
from html import escape

import numpy as np

from gem.image.draw import Drawn, furniture
from gem.image.grid import MAJOR_MM, MINOR_MM, Colour
from gem.image.header import Line

_FONTS = {"sans": "Arimo, Arial, Helvetica, sans-serif", "mono": "Cousine, Courier New, monospace"}


def page_svg(drawn: Drawn) -> str:
    """The drawn page as one SVG document."""
    paper, style = drawn.page.paper, drawn.style
    grid, px = style.grid, paper.px_per_mm
    width, height = paper.width_mm, paper.height_mm
    lines, print_lines = furniture(drawn.page, style, drawn.empty, drawn.header)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" viewBox="0 0 {width:g} {height:g}">',
        f'<rect width="{width:g}" height="{height:g}" fill="{_rgb(grid.paper)}"/>',
    ]
    if grid.minor is not None and grid.dotted:
        dots = f'stroke-dasharray="0 {MINOR_MM:g}" stroke-linecap="round"'
        parts.append(_grid(np.arange(0.0, height, MINOR_MM), [], width, height, grid.minor, grid.minor_mm, dots))
    elif grid.minor is not None:
        parts.append(_grid(np.arange(0.0, height, MINOR_MM), np.arange(0.0, width, MINOR_MM), width, height, grid.minor, grid.minor_mm))
    if grid.major is not None:
        parts.append(_grid(np.arange(0.0, height, MAJOR_MM), np.arange(0.0, width, MAJOR_MM), width, height, grid.major, grid.major_mm))
    traces = [(trace.x / px, trace.y / px) for trace in drawn.traces]
    path = "".join(_path(x, y) for x, y in (*lines, *traces))
    parts.append(
        f'<path d="{path}" fill="none" stroke="{_rgb(style.ink)}" stroke-width="{style.trace_mm:g}" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
    )
    parts += [_text(line, style.font, style.ink) for line in print_lines]
    return "\n".join([*parts, "</svg>\n"])


def _rgb(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _grid(rows: Iterable[float], columns: Iterable[float], width: float, height: float, colour: Colour, wide: float, more: str = "") -> str:
    path = "".join(f"M0 {y:g}H{width:g}" for y in rows) + "".join(f"M{x:g} 0V{height:g}" for x in columns)
    return f'<path d="{path}" stroke="{_rgb(colour)}" stroke-width="{wide:g}" {more}/>'


def _path(x: np.ndarray, y: np.ndarray) -> str:
    """Path data, broken where samples are missing."""
    out, pen = [], "M"
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        if b != b:
            pen = "M"
            continue
        out.append(f"{pen}{a:.3f} {b:.3f}")
        pen = "L"
    return "".join(out)


def _text(line: Line, font: str, ink: Colour) -> str:
    weight = ' font-weight="bold"' if line.bold else ""
    family = _FONTS["sans" if line.bold else font]
    return (
        f'<text x="{line.x_mm:.2f}" y="{line.y_mm:.2f}" font-family="{family}" font-size="{line.size_mm:g}"{weight} '
        f'fill="{_rgb(ink)}">{escape(line.text)}</text>'
    )
