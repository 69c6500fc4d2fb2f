"""The renderer against geometry: coverage against distance, traces read back, every layout x lead in its place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gem.ecg.io import read
from gem.ecg.lead import CABRERA, CHEST, STANDARD
from gem.ecg.recording import Recording
from gem.image.draw import PLAIN, Drawn, Style, Trace, draw
from gem.image.grid import GRIDS, Grid, blank, covered
from gem.image.header import Header, header_lines, made_wrong
from gem.image.layout import LAYOUTS, Page, layout_page, parse_layout
from gem.image.paper import Paper, dpi_for_width
from gem.image.stroke import strokes
from gem.simulate import simulate_recording

BARE = Style(grid=GRIDS["none"], pulse="none", separators=False)


def page_of(text: str, width: int = 1100, order: str = "standard") -> Page:
    return layout_page(Paper(dpi=dpi_for_width(width, 279.4)), parse_layout(text, order))


def bump(lead: str, leads: tuple[str, ...] = STANDARD) -> Recording:
    """1 mV in the middle of every second of one lead, nothing elsewhere."""
    t = np.arange(5000) / 500
    signal = np.zeros((len(leads), t.size), np.float32)
    signal[leads.index(lead)] = np.exp(-(((t % 1) - 0.5) ** 2) / 2e-3)
    return Recording(signal, 500.0, leads, "bump")


@pytest.mark.parametrize("width", [0.4, 1.0, 2.36, 5.0])
def test_a_stroke_covers_what_lies_within_half_its_width(width: float) -> None:
    """Against distances from the polyline on a raster twenty times finer."""
    x = np.array([6.3, 12.0, 15.5, 16.0, 30.0, 41.2])
    y = np.array([20.2, 20.7, 5.1, 33.3, 18.0, 18.0])
    ink = strokes([(x, y)], width, (40, 50))
    got = np.zeros(40 * 50)
    got[ink.at] = ink.alpha / 255
    fine = (np.arange(1000) + 0.5) / 20
    px, py = np.meshgrid(fine, fine[:800])
    distance = np.full(px.shape, np.inf)
    for a, b, c, d in zip(x, y, x[1:], y[1:], strict=False):
        along = np.clip(((px - a) * (c - a) + (py - b) * (d - b)) / ((c - a) ** 2 + (d - b) ** 2), 0, 1)
        distance = np.minimum(distance, np.hypot(px - a - along * (c - a), py - b - along * (d - b)))
    truth = (distance <= width / 2).reshape(40, 20, 50, 20).mean(axis=(1, 3))
    assert np.abs(got.reshape(40, 50) - truth).max() < 0.08
    assert np.abs(got.reshape(40, 50) - truth).mean() < 0.003


def test_ink_is_cut_at_the_edges_of_the_picture_and_never_wraps() -> None:
    ink = strokes([(np.array([-5.0, 60.0]), np.array([-3.0, 45.0]))], 2.0, (40, 50))
    rows, columns = np.divmod(ink.at, 50)
    assert np.abs(rows + 0.5 - ((columns + 0.5 + 5) * 48 / 65 - 3)).max() < 2.5


def test_a_voltage_far_beyond_the_page_costs_nothing_and_changes_nothing_else() -> None:
    """A broken sample of 10,000 kV leaves the page as a line that goes over its edge, and memory as it was."""
    far, near = bump("I").signal.copy(), bump("I").signal.copy()
    far[0, 100], near[0, 100] = 1e7, 1e3
    page = page_of("3x4", 400)
    pictures = [draw(replace(bump("I"), signal=signal), page, BARE).image for signal in (far, near)]
    beyond = int(page.cells[0].x_mm * page.paper.px_per_mm) + 4
    assert np.array_equal(pictures[0][:, beyond:], pictures[1][:, beyond:])
    assert pictures[0][:, :beyond].min() < 200


@pytest.mark.parametrize(("step", "width"), [(7.87, 0.9), (1.2, 0.15), (3.0, 1.0)])
def test_the_grid_puts_down_exactly_its_share_of_ink(step: float, width: float) -> None:
    share = covered(600, step, width)
    edges = np.arange(0, 600 + step, step)
    ink = sum(max(0.0, min(e + width / 2, 600) - max(e - width / 2, 0)) for e in edges)
    assert share.sum() == pytest.approx(ink)
    assert share.min() >= 0
    assert share.max() <= 1 + 1e-9


def test_a_small_page_has_the_colour_of_a_large_one_seen_from_afar() -> None:
    large, small = (blank((size * 200, size * 300), GRIDS["red"], px) for size, px in ((5, 8.0), (1, 1.6)))
    assert np.allclose(large.mean(axis=(0, 1)), small.mean(axis=(0, 1)), atol=1.0)


def read_back(drawn: Drawn, trace: Trace) -> tuple[np.ndarray, np.ndarray]:
    """Height by darkness centroid and middle of what the signal covers, for every column of a trace, px above the baseline."""
    scale = drawn.page.paper.px_per_mm
    baseline = trace.cell.baseline_mm * scale
    top, bottom = max(int(baseline - 18 * scale), 0), int(baseline + 18 * scale)
    left, right = int(np.ceil(trace.x[0])), int(trace.x[-1])
    dark = 255.0 - drawn.image[:, :, 0]
    x0, y0, x1, y1 = trace.name
    dark[y0:y1, x0:x1] = 0
    band = dark[top:bottom, left:right]
    ink = band.sum(axis=0)
    centre = (band * (np.arange(top, bottom) + 0.5)[:, None]).sum(axis=0) / ink
    fine = np.interp(left + (np.arange(64 * (right - left)) + 0.5) / 64, trace.x, trace.y).reshape(-1, 64)
    return baseline - centre, baseline - (fine.max(axis=1) + fine.min(axis=1)) / 2


def fidelity(recording: Recording, width: int) -> float:
    drawn = draw(recording, page_of("3x4+1", width), BARE)
    got, truth = read_back(drawn, drawn.traces[-1])
    return float(10 * np.log10((truth**2).sum() / ((got - truth) ** 2).sum()))


@pytest.mark.parametrize(("width", "least"), [(2200, 19.0), (672, 17.0), (336, 14.0)])
def test_a_simulated_trace_reads_back_from_its_page(width: int, least: float) -> None:
    assert fidelity(simulate_recording("normal").recording, width) >= least


@pytest.mark.data
@pytest.mark.parametrize(("width", "least"), [(2200, 19.0), (672, 17.0), (336, 14.0)])
def test_real_traces_read_back_from_their_pages(data: Path, width: int, least: float) -> None:
    records = sorted((data / "ptbxl" / "records500").rglob("*.hea"))[:200:10]
    assert np.median([fidelity(read(path), width) for path in records]) >= least


def test_sample_positions_are_the_signal_in_millimetres() -> None:
    recording = simulate_recording("normal").recording
    page = page_of("3x4+1")
    for trace in draw(recording, page).traces:
        mv = recording.lead(trace.cell.lead)[trace.first : trace.first + trace.x.size]
        scale = page.paper.px_per_mm
        assert np.allclose((trace.x / scale - trace.cell.x_mm) / 25, np.arange(trace.x.size) / 500, atol=1e-6)
        assert np.allclose((trace.cell.baseline_mm - trace.y / scale) / 10, mv - np.median(recording.lead(trace.cell.lead)), atol=1e-4)


@pytest.mark.parametrize("lead", STANDARD)
@pytest.mark.parametrize("text", [*LAYOUTS, "II"])
def test_every_lead_is_drawn_in_its_own_cells_only(text: str, lead: str) -> None:
    """A bump in one lead changes pixels in the cells of that lead, and nowhere else."""
    page = page_of(text)
    flat = replace(bump(lead), signal=np.zeros((12, 5000), np.float32))
    changed = (draw(bump(lead), page, BARE).image != draw(flat, page, BARE).image).any(axis=2)
    scale = page.paper.px_per_mm
    for cell in page.cells:
        rows = slice(int((cell.baseline_mm - 11) * scale), int((cell.baseline_mm - 8) * scale))
        columns = slice(int((cell.x_mm + 1) * scale), int((cell.x_mm + cell.width_mm - 1) * scale))
        assert changed[rows, columns].any() == (cell.lead == lead), cell.label
    assert changed.any() == any(cell.lead == lead for cell in page.cells)


def test_cabrera_shows_avr_upside_down() -> None:
    drawn = draw(bump("aVR"), page_of("6x2", order="cabrera"))
    trace = next(t for t in drawn.traces if t.cell.lead == "aVR")
    assert trace.cell.label == "-aVR"
    assert trace.y.max() > trace.cell.baseline_mm * drawn.page.paper.px_per_mm + 0.9 * 10 * drawn.page.paper.px_per_mm
    assert tuple(t.cell.label for t in drawn.traces) == (*CABRERA, *CHEST)


def test_leads_that_were_not_recorded_leave_empty_cells_that_say_so() -> None:
    page = page_of("3x4")
    drawn = draw(bump("I", ("I", "II")), page)
    assert drawn.empty == tuple(lead for lead in STANDARD if lead not in ("I", "II"))
    assert [trace.cell.lead for trace in drawn.traces] == ["I", "II"]
    full = draw(bump("I"), page)
    assert (drawn.image != full.image).any()


def test_missing_samples_break_the_line() -> None:
    signal = np.zeros((1, 5000), np.float32)
    signal[0, 2000:3000] = np.nan
    drawn = draw(Recording(signal, 500.0, ("II",), "gap"), page_of("II"), BARE)
    (trace,) = drawn.traces
    assert len(trace.lines) == 2
    row = drawn.image[int(trace.cell.baseline_mm * drawn.page.paper.px_per_mm), :, 0]
    assert row[int(trace.x[2100]) : int(trace.x[2900])].min() == 255


def header_of_made(kind: str) -> Header:
    return Header(kind, rate_bpm=60.0, qrs_axis=40.0, qt_ms=400.0, qtc_ms=400.0)


@pytest.mark.parametrize("seed", range(20))
def test_a_wrong_header_is_far_from_the_truth_and_plausible(seed: int) -> None:
    wrong = made_wrong(header_of_made("measured"), np.random.default_rng(seed))
    assert wrong.kind == "wrong"
    assert abs(wrong.rate_bpm / 60 - 1) >= 0.3
    assert 35 <= wrong.rate_bpm <= 180
    assert abs((wrong.qrs_axis - 40 + 180) % 360 - 180) >= 60
    assert wrong.qtc_ms == pytest.approx(400 * np.sqrt(wrong.rate_bpm / 60))


@pytest.mark.parametrize("form", ["table", "lines", "row"])
@pytest.mark.parametrize("text", LAYOUTS)
def test_a_header_is_printed_above_the_first_row_only(text: str, form: str) -> None:
    page, header = page_of(text), replace(header_of_made("measured"), form=form, name="Abel, Ada", number="12345678", age=60.0, sex="male")
    recording = bump("I")
    with_it, without = draw(recording, page, PLAIN, header).image, draw(recording, page).image
    rows = np.flatnonzero((with_it != without).any(axis=(1, 2)))
    assert rows.size > 20
    assert rows.max() < page.cells[0].top_mm * page.paper.px_per_mm + 1
    assert any("60" in line.text for line in header_lines(header, page))


def test_a_dotted_grid_has_dots_where_lines_would_cross() -> None:
    picture = blank((100, 100), Grid(major=None, minor=(0, 0, 0), minor_mm=0.4, dotted=True), 10.0)
    dark = np.argwhere(picture[:, :, 0] < 100)
    assert len(dark) > 100
    assert (np.abs((dark + 0.5 + 5) % 10 - 5) <= 2.5).all()
