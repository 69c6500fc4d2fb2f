"""An ECG on paper as SVG: 3 x 4 with a rhythm strip, 25 mm/s and 10 mm/mV, one user unit a millimetre."""

from html import escape

import numpy as np

from gem.ecg.lead import STANDARD
from gem.ecg.recording import Recording
from gem.measure.delineation import Delineation

MM_PER_S, MM_PER_MV = 25.0, 10.0
COLUMN_S = 2.5
_ROW_MM, _LEFT_MM, _TOP_MM = 34.0, 14.0, 10.0
_GRID = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
_STRIP = ("II", "V1", "I")
_DRAWN_HZ = 250.0
_SPANS = {"p": ("p_on", "p_off"), "qrs": ("qrs_on", "qrs_off"), "st": ("qrs_off", "t_on"), "t": ("t_on", "t_off")}
_TICKS = (("p_on", "p"), ("p_off", "p"), ("qrs_on", "qrs"), ("qrs_off", "qrs"), ("t_off", "t"))


def ecg_svg(recording: Recording, delineation: Delineation, kinds: tuple[str, ...]) -> str:
    """The recording drawn as read (its median taken off), with the fiducials of each lead as hidden marks.

    Missing leads leave their cell empty and say so. A recording shorter than 10 s leaves the rest blank.
    """
    cells = [(lead, row, column) for row, leads in enumerate(_GRID) for column, lead in enumerate(leads)]
    strip = next((lead for lead in (*_STRIP, *recording.leads) if lead in recording.leads), recording.leads[0])
    width = _LEFT_MM + 4 * COLUMN_S * MM_PER_S + 4
    height = _TOP_MM + 4 * _ROW_MM + 4
    parts = [
        f'<svg class="ecg" viewBox="0 0 {width:g} {height:g}" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="12-lead ECG">',
        _paper(width, height),
    ]
    for lead, row, column in cells:
        parts.append(_cell(recording, delineation, lead, column * COLUMN_S, COLUMN_S, row, column))
    parts.append(_cell(recording, delineation, strip, 0.0, 4 * COLUMN_S, 3, 0))
    parts += [_pulse(row) for row in range(4)]
    parts.append(_kinds(delineation, kinds))
    parts.append(
        f'<text x="{_LEFT_MM}" y="{height - 2:g}" class="scale">25 mm/s   10 mm/mV   {escape(f"{recording.fs:g} Hz")}</text></svg>'
    )
    return "\n".join(parts)


def _paper(width: float, height: float) -> str:
    return (
        '<defs><pattern id="mm" width="1" height="1" patternUnits="userSpaceOnUse"><path d="M1 0H0V1" class="fine"/></pattern>'
        '<pattern id="cm" width="5" height="5" patternUnits="userSpaceOnUse"><path d="M5 0H0V5" class="bold"/></pattern></defs>'
        f'<rect width="{width:g}" height="{height:g}" class="paper"/><rect width="{width:g}" height="{height:g}" fill="url(#mm)"/>'
        f'<rect width="{width:g}" height="{height:g}" fill="url(#cm)"/>'
    )


def _baseline(row: int) -> float:
    return _TOP_MM + (row + 0.5) * _ROW_MM


def _cell(recording: Recording, delineation: Delineation, lead: str, begin_s: float, length_s: float, row: int, column: int) -> str:
    """One lead over one stretch: its name, trace, and hidden marks."""
    x0, y0 = _LEFT_MM + column * COLUMN_S * MM_PER_S, _baseline(row)
    name = f'<text x="{x0 + 1:g}" y="{y0 - _ROW_MM / 2 + 6:g}" class="lead">{escape(lead)}</text>'
    if lead not in recording.leads:
        missing = f'<text x="{x0 + 1:g}" y="{y0:g}" class="scale">not recorded</text>'
        return name + (missing if lead in STANDARD else "")
    band = (
        f'<rect class="band" data-lead="{escape(lead)}" x="{x0:g}" y="{y0 - _ROW_MM / 2:g}" '
        f'width="{length_s * MM_PER_S:g}" height="{_ROW_MM:g}"/>'
    )
    marks = _marks(delineation, lead, begin_s, length_s, x0, y0)
    separator = f'<path class="trace" d="M{x0:g} {y0 - 7:g}v2"/>' if column else ""
    return f"<g>{band}{marks}{name}{separator}{_trace(recording, lead, begin_s, length_s, x0, y0)}</g>"


def _trace(recording: Recording, lead: str, begin_s: float, length_s: float, x0: float, y0: float) -> str:
    """The signal as path data, broken where samples are missing."""
    x = recording.lead(lead)
    level = float(np.nanmedian(x)) if np.isfinite(x).any() else 0.0
    step = max(1, int(recording.fs / _DRAWN_HZ))
    first, last = round(begin_s * recording.fs), min(round((begin_s + length_s) * recording.fs) + 1, recording.samples)
    at = np.arange(first, last, step)
    commands, pen = [], "M"
    for k, mv in zip(at, x[at] - level, strict=True):
        if not np.isfinite(mv):
            pen = "M"
            continue
        commands.append(f"{pen}{x0 + (k / recording.fs - begin_s) * MM_PER_S:.2f} {y0 - np.clip(mv, -3, 3) * MM_PER_MV:.2f}")
        pen = "L"
    return f'<path class="trace" d="{"".join(commands)}"/>'


def _marks(delineation: Delineation, lead: str, begin_s: float, length_s: float, x0: float, y0: float) -> str:
    """Wave spans (shown when a sentence is chosen) and fiducial ticks (shown on request) of one lead."""
    if lead not in delineation.leads:
        return ""
    k = delineation.leads.index(lead)
    out = []
    for wave, (first, last) in _SPANS.items():
        for a, b in zip(delineation.at(first)[k], delineation.at(last)[k], strict=True):
            if np.isfinite(a) and np.isfinite(b) and begin_s <= a and b <= begin_s + length_s:
                x = x0 + (a - begin_s) * MM_PER_S
                out.append(
                    f'<rect class="w {wave}" data-lead="{escape(lead)}" data-wave="{wave}" x="{x:.2f}" y="{y0 - 14:g}" '
                    f'width="{max(0.4, (b - a) * MM_PER_S):.2f}" height="28"/>'
                )
    for name, wave in _TICKS:
        seen = [t for t in delineation.at(name)[k] if np.isfinite(t) and begin_s <= t <= begin_s + length_s]
        out += [f'<path class="f {wave}" d="M{x0 + (t - begin_s) * MM_PER_S:.2f} {y0 - 9:g}v18"/>' for t in seen]
    return "".join(out)


def _pulse(row: int) -> str:
    """1 mV for 200 ms."""
    y = _baseline(row)
    return f'<path class="trace" d="M{_LEFT_MM - 9:g} {y:g}h1.5v-10h5v10h1.5"/>'


def _kinds(delineation: Delineation, kinds: tuple[str, ...]) -> str:
    """Beat numbers under the rhythm strip, and what is not normal."""
    y = _baseline(3) + _ROW_MM / 2 - 2
    out = []
    for k, (t, kind) in enumerate(zip(delineation.beat_s, kinds, strict=True)):
        if t <= 4 * COLUMN_S:
            label = f"{k + 1}" if kind == "normal" else f"{k + 1} {kind}"
            out.append(f'<text class="beat" x="{_LEFT_MM + t * MM_PER_S:.2f}" y="{y:g}">{escape(label)}</text>')
    return "".join(out)
