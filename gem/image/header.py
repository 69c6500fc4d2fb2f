"""The header a cart prints: who, when, and its own reading. True, or wrong on purpose.

A model that is shown pages could read rate and axis off the header and never look at the trace. So a header can be made
wrong: another rate and another axis, far from the true ones, everything else untouched. It never prints a diagnosis, which
would be the answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from gem.errors import ConfigError
from gem.image.layout import Page

FORMS = ("table", "lines", "row")
"""How carts set it: values below each other, in two blocks, or all in one line."""

_RATES = (35.0, 180.0)
_RATE_APART, _AXIS_APART = 0.3, 60.0
"""A wrong rate differs by at least 30 %, a wrong axis by at least 60 degrees: beyond any measuring error."""

_NAMES = ("Ada", "Berta", "Carl", "Dina", "Emil", "Fatima", "Georg", "Hana", "Igor", "Jana", "Karim", "Lena", "Mila", "Noor", "Otto")
_SURNAMES = ("Abel", "Brandt", "Costa", "Dvorak", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jensen", "Khan", "Lopez", "Meyer")
_SITES = ("Emergency Dept", "Cardiology", "Outpatient Clinic", "ICU 2", "Ward 4B", "GP Surgery", "")


@dataclass(frozen=True)
class Header:
    """What is printed; None is not printed.

    kind      "measured" or "wrong"
    rate_bpm  ventricular rate; pr_ms, qrs_ms, qt_ms, qtc_ms; axes of P, QRS and T in degrees
    form      one of `FORMS`
    """

    kind: str = "measured"
    name: str | None = None
    number: str | None = None
    age: float | None = None
    sex: str | None = None
    date: str | None = None
    site: str | None = None
    rate_bpm: float | None = None
    pr_ms: float | None = None
    qrs_ms: float | None = None
    qt_ms: float | None = None
    qtc_ms: float | None = None
    p_axis: float | None = None
    qrs_axis: float | None = None
    t_axis: float | None = None
    form: str = "table"

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ConfigError(f"a header of the form {self.form!r}: choose {', '.join(FORMS)}")


@dataclass(frozen=True)
class Line:
    """One line of print: x and y of the start of its baseline, mm; size from line to line, mm."""

    text: str
    x_mm: float
    y_mm: float
    size_mm: float
    bold: bool = False


def with_identity(header: Header, rng: np.random.Generator) -> Header:
    """The header with an invented name, number, date and place, as archives of real carts would have them."""
    date = np.datetime64("1995-01-01T06:00") + int(rng.integers(0, 30 * 365 * 1440)) * np.timedelta64(1, "m")
    return replace(
        header,
        name=f"{rng.choice(_SURNAMES)}, {rng.choice(_NAMES)}",
        number=f"{rng.integers(10**6, 10**8):d}",
        date=str(date).replace("T", " "),
        site=str(rng.choice(_SITES)) or None,
        form=str(rng.choice(FORMS)),
    )


def made_wrong(header: Header, rng: np.random.Generator) -> Header:
    """The same header with another heart rate and another QRS axis; QTc (Bazett) follows the printed rate."""
    true = header.rate_bpm if header.rate_bpm is not None else 75.0
    low, high = true * (1 - _RATE_APART), true * (1 + _RATE_APART)
    room = max(low - _RATES[0], 0.0), max(_RATES[1] - high, 0.0)
    at = rng.uniform(0, sum(room))
    rate = _RATES[0] + at if at < room[0] else high + at - room[0]
    axis = header.qrs_axis if header.qrs_axis is not None else rng.uniform(-180, 180)
    turned = (axis + rng.uniform(_AXIS_APART, 360 - _AXIS_APART) + 180) % 360 - 180
    qtc = None if header.qt_ms is None else header.qt_ms * sqrt(rate / 60)
    return replace(header, kind="wrong", rate_bpm=float(rate), qrs_axis=float(turned), qtc_ms=qtc)


def header_lines(header: Header, page: Page) -> Iterator[Line]:
    """Where every line of the header goes on the page. Lines that do not fit into its height are left out."""
    left, top, room = page.cells[0].x_mm - 8.0, 5.0, page.header_mm + 4.0
    size = 3.2
    step = size * 1.25
    who = [" ".join(t for t in (header.number and f"ID: {header.number}", header.name) if t)]
    who += [" ".join(t for t in (header.date, header.site) if t)]
    person = ", ".join(t for t in ("" if header.age is None else f"{header.age:.0f} yr", header.sex or "") if t)
    blocks = {"table": _table(header), "lines": _blocks(header), "row": [_row(header)]}[header.form]
    for k, text in enumerate(t for t in (*who, person) if t):
        yield Line(text, left, top + k * step, size, bold=k == 0)
    at = left if header.form == "row" else left + 0.32 * page.paper.width_mm
    first = top + 3.6 * step if header.form == "row" else top
    for k, text in enumerate(blocks):
        y = first + k * step
        if text and y < room:
            for column, part in enumerate(text.split("\t")):
                yield Line(part, at + 26.0 * column, y, size)


def _whole(value: float | None) -> str:
    return "*" if value is None else f"{value:.0f}"


def _axes(header: Header) -> str:
    return " ".join(_whole(axis) for axis in (header.p_axis, header.qrs_axis, header.t_axis))


def _table(header: Header) -> list[str]:
    return [
        f"Vent. rate\t{_whole(header.rate_bpm)}  BPM",
        f"PR interval\t{_whole(header.pr_ms)}  ms",
        f"QRS duration\t{_whole(header.qrs_ms)}  ms",
        f"QT/QTc\t{_whole(header.qt_ms)}/{_whole(header.qtc_ms)}  ms",
        f"P-R-T axes\t{_axes(header)}",
    ]


def _blocks(header: Header) -> list[str]:
    return [
        f"Rate   {_whole(header.rate_bpm)}\t\t--AXIS--",
        f"PR     {_whole(header.pr_ms)}\t\tP     {_whole(header.p_axis)}",
        f"QRSD  {_whole(header.qrs_ms)}\t\tQRS  {_whole(header.qrs_axis)}",
        f"QT     {_whole(header.qt_ms)}\t\tT     {_whole(header.t_axis)}",
        f"QTc    {_whole(header.qtc_ms)}",
    ]


def _row(header: Header) -> str:
    return (
        f"HR {_whole(header.rate_bpm)} bpm   PR {_whole(header.pr_ms)} ms   QRS {_whole(header.qrs_ms)} ms   "
        f"QT/QTc {_whole(header.qt_ms)}/{_whole(header.qtc_ms)} ms   P/QRS/T {_axes(header)} deg"
    )
