"""Sheets, scales and layouts: every layout x lead, and what is refused."""

from itertools import pairwise

import numpy as np
import pytest

from gem.ecg.lead import CABRERA, CHEST, LIMB, STANDARD
from gem.ecg.recording import Recording
from gem.errors import ConfigError, RecordingError
from gem.image.layout import LAYOUTS, ORDERS, TIMES, Page, layout_page, parse_layout, visible
from gem.image.paper import SHEETS, Paper, dpi_for_width, parse_gain, parse_sheet

FS = 100.0


def ramp(leads: tuple[str, ...] = STANDARD, seconds: float = 10.0) -> Recording:
    """Every sample names its lead and its time: 100 * lead + second, mV."""
    t = np.arange(round(seconds * FS)) / FS
    return Recording(np.stack([100 * k + t for k in range(len(leads))]).astype(np.float32), FS, leads, "ramp")


def page_of(text: str, order: str = "standard", time: str = "consecutive", paper: Paper | None = None) -> Page:
    return layout_page(paper or Paper(), parse_layout(text, order, time))


def test_a_second_and_a_millivolt_have_their_millimetres() -> None:
    paper = Paper(dpi=254.0, mm_per_s=50.0, mm_per_mv=20.0, chest_mm_per_mv=10.0)
    assert (paper.px_per_mm, paper.chest_gain) == (10.0, 10.0)
    assert paper.scale == "50 mm/s  Limb: 20 mm/mV  Chest: 10 mm/mV"


@pytest.mark.parametrize("width", [336, 672, 1100, 2200])
def test_a_page_is_as_wide_as_asked(width: int) -> None:
    assert Paper(dpi=dpi_for_width(width, SHEETS["letter"][0])).width_px == width


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("text", LAYOUTS)
def test_every_layout_shows_every_lead_once_and_in_order_down_the_columns(text: str, order: str, time: str) -> None:
    page = page_of(text, order, time)
    main = [cell for cell in page.cells if not cell.strip]
    ranked = sorted(main, key=lambda cell: (cell.column, cell.row))
    assert tuple(cell.label for cell in ranked) == (LIMB + CHEST if order == "standard" else CABRERA + CHEST)
    assert sorted({cell.lead for cell in main}) == sorted(STANDARD)
    assert len({(cell.row, cell.column) for cell in page.cells}) == len(page.cells)
    for cell in page.cells:
        assert cell.top_mm < cell.baseline_mm < cell.bottom_mm <= page.paper.height_mm
        assert 0 < cell.x_mm < cell.x_mm + cell.width_mm <= page.paper.width_mm


def test_the_usual_page_stands_as_in_a_textbook() -> None:
    rows: dict[int, list[str]] = {}
    for cell in page_of("3x4+1").cells:
        rows.setdefault(cell.row, []).append(cell.label)
    assert list(rows.values()) == [["I", "aVR", "V1", "V4"], ["II", "aVL", "V2", "V5"], ["III", "aVF", "V3", "V6"], ["II"]]


@pytest.mark.parametrize("text", [*LAYOUTS, *STANDARD])
def test_columns_follow_each_other_without_gap_or_overlap(text: str) -> None:
    page = page_of(text)
    for row in {cell.row for cell in page.cells}:
        spans = [cell.samples(FS, 1000) for cell in page.cells if cell.row == row]
        assert spans[0][0] == 0
        assert spans[-1][1] == 1000
        assert all(a[1] == b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize("text", [*LAYOUTS, *STANDARD])
@pytest.mark.parametrize("time", TIMES)
def test_the_visible_signal_is_what_the_cells_hold_and_nothing_else(text: str, time: str) -> None:
    page, recording = page_of(text, time=time), ramp()
    shown = visible(recording, page).signal
    expected = np.zeros((12, 1000), bool)
    for cell in page.cells:
        since = np.arange(1000) / FS - cell.begin_s
        expected[STANDARD.index(cell.lead), (since > -1e-9) & (since < cell.length_s - 1e-9)] = True
    assert np.array_equal(np.isfinite(shown), expected)
    level = np.median(recording.signal, axis=1, keepdims=True)
    assert np.allclose(shown[expected], (recording.signal - level)[expected])


def test_fifty_millimetres_a_second_show_five_seconds_of_ten() -> None:
    assert page_of("3x4", paper=Paper(mm_per_s=50.0)).seconds == 5.0


def test_simultaneous_columns_need_only_their_own_length() -> None:
    short = ramp(seconds=2.5)
    page_of("3x4", time="simultaneous").check(short)
    with pytest.raises(RecordingError, match=r"shows 10 s, but the recording has 2.5 s; ask for fewer seconds"):
        page_of("3x4").check(short)


def test_a_recording_without_any_lead_of_the_page_is_refused() -> None:
    with pytest.raises(RecordingError, match=r"none of the leads of layout V6 was recorded, only I, II"):
        page_of("V6").check(ramp(("I", "II")))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: parse_layout("3x5"), "3 x 5 does not hold twelve leads"),
        (lambda: parse_layout("7"), "layout '7' is not known: 3x4"),
        (lambda: parse_layout("3x4+1", strips=("II", "V1")), "has 1 rhythm strips, but 2 leads"),
        (lambda: parse_layout("3x4", order="random"), "order 'random'"),
        (lambda: Paper(dpi=3000), "more than 40; at most 654 dpi fit"),
        (lambda: Paper(dpi=float("nan")), "a positive resolution is needed"),
        (lambda: Paper(dpi=2), "at least 64 px are needed"),
        (lambda: Paper(mm_per_s=30), "choose one of 25, 50"),
        (lambda: Paper(mm_per_mv=11), "choose one of 5, 10, 20"),
        (lambda: parse_sheet("a9"), "is no sheet known here"),
        (lambda: parse_gain("10/5/2"), "10/5 for limb and chest leads"),
        (lambda: layout_page(Paper(), parse_layout("3x4"), 20.0), "20 s at 25 mm/s do not fit on a sheet 279.4 mm wide"),
    ],
)
def test_what_cannot_be_printed_is_refused_in_one_message(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match=message):
        make()
