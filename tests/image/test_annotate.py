"""Labels against pixels: after every kind of warp, boxes, masks, crossings and sample positions lie where the picture shows them."""

import json
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from gem.ecg.lead import STANDARD
from gem.ecg.recording import Recording
from gem.image.annotate import Labels, annotate, page_json
from gem.image.draw import Style, draw
from gem.image.grid import GRIDS, Grid
from gem.image.layout import layout_page, parse_layout
from gem.image.paper import Paper, dpi_for_width
from gem.image.photo.light import Light
from gem.image.photo.picture import Damage, Picture, Table, photograph
from gem.image.photo.preset import KINDS, random_damage
from gem.image.photo.sensor import Sensor
from gem.simulate import simulate_recording

PAPER = Paper(dpi=dpi_for_width(1100, 279.4))
PAGE = layout_page(PAPER, parse_layout("3x4+1"))
BARE = Style(grid=GRIDS["none"], pulse="none", separators=False, trace_mm=0.35)
CASES = [(kind, seed) for kind in (*KINDS, "worn") for seed in (1, 2)]


@lru_cache(maxsize=1)
def recording() -> Recording:
    return simulate_recording("normal").recording


def bent(kind: str, seed: int) -> Damage:
    """Only the geometry of a damage: white table, no light, no sensor, no marks."""
    drawn = random_damage(np.random.default_rng(seed), kind, PAPER)
    bare = {
        "marks": (),
        "fade": 0.0,
        "paper": (1.0, 1.0, 1.0),
        "light": Light(),
        "sensor": Sensor(),
        "table": Table(colour=(255, 255, 255)),
    }
    return drawn.model_copy(update=bare)


def seen(what: Recording, damage: Damage | None, style: Style = BARE) -> tuple[Picture, Labels]:
    picture = photograph(draw(what, PAGE, style), damage)
    return picture, annotate(picture)


def spread(labels: Labels, k: int) -> np.ndarray:
    """[H, W] coverage by one trace."""
    mask = labels.leads[k].mask
    out = np.zeros(labels.size, np.uint8)
    out[mask.top : mask.top + mask.alpha.shape[0], mask.left : mask.left + mask.alpha.shape[1]] = mask.alpha
    return out


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_masks_are_the_pixels_that_change_with_their_lead(kind: str, seed: int) -> None:
    """One lead is made flat: pixels change where its mask or that of the flat line says so, and nowhere else."""
    damage = bent(kind, seed)
    with_it, labels = seen(recording(), damage)
    for lead in ("I", "V2"):
        flat = recording().signal.copy()
        flat[STANDARD.index(lead)] = 0.0
        without, others = seen(replace(recording(), signal=flat), damage)
        changed = (with_it.image != without.image).any(axis=2)
        k = next(k for k, found in enumerate(labels.leads) if found.trace.cell.lead == lead)
        said, line = spread(labels, k), spread(others, k)
        assert not (changed & (said == 0) & (line == 0)).any()
        own = (said >= labels.leads[k].mask.enough) & (line == 0)
        assert own.sum() > 100
        assert changed[own].mean() > 0.97


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_coverage_is_the_darkness_of_the_picture(kind: str, seed: int) -> None:
    picture, labels = seen(recording(), bent(kind, seed))
    together = np.max([spread(labels, k) for k in range(len(labels.leads))], axis=0)
    expected = 255 - together / 255 * (255 - BARE.ink[0])
    touched = together > 0
    assert touched.sum() > 5000
    assert np.percentile(np.abs(picture.image[:, :, 0][touched] - expected[touched]), 98) < 12


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_all_ink_that_is_no_trace_lies_in_the_boxes_of_names_and_fills_them(kind: str, seed: int) -> None:
    picture, labels = seen(recording(), bent(kind, seed))
    dark = picture.image[:, :, 0] < 245
    for k in range(len(labels.leads)):
        dark &= spread(labels, k) == 0
    below_rows = (PAGE.cells[-1].bottom_mm) * PAPER.px_per_mm  # the scale is printed there
    dark &= picture.maps[0][:, :, 1] < below_rows
    left_over = dark.copy()
    for lead in labels.leads:
        if lead.name is not None:
            x0, y0, x1, y1 = lead.name
            left_over[max(0, int(y0) - 1) : int(y1) + 2, max(0, int(x0) - 1) : int(x1) + 2] = False
    assert left_over.sum() == 0
    lone = next(lead for lead in labels.leads if lead.trace.cell.label == "aVR" and lead.name is not None)
    x0, y0, x1, y1 = lone.name
    rows, columns = np.nonzero((picture.image[:, :, 0] < 245)[int(y0) - 1 : int(y1) + 2, int(x0) - 1 : int(x1) + 2])
    slack = 2.5 + 0.5 * PAPER.px_per_mm + 0.2 * (y1 - y0)  # the box has half a millimetre to spare
    assert abs(rows.min() + int(y0) - 1 - y0) < slack
    assert abs(rows.max() + 1 + int(y0) - 1 - y1) < slack
    assert abs(columns.min() + int(x0) - 1 - x0) < slack
    assert abs(columns.max() + 1 + int(x0) - 1 - x1) < slack


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_every_sample_lies_on_its_trace(kind: str, seed: int) -> None:
    _, labels = seen(recording(), bent(kind, seed))
    height, width = labels.size
    for k, lead in enumerate(labels.leads):
        at = np.floor(lead.points).astype(int)
        inside = (at >= 0).all(axis=1) & (at[:, 0] < width) & (at[:, 1] < height)
        assert (spread(labels, k)[at[inside, 1], at[inside, 0]] > 0).mean() > 0.99


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_grid_crossings_lie_on_crossing_lines(kind: str, seed: int) -> None:
    lines = Style(grid=Grid(minor=None, major=(0, 0, 0), major_mm=0.5), pulse="none", separators=False, trace_mm=0.05, ink=(255, 255, 255))
    picture, labels = seen(recording(), bent(kind, seed), lines)
    crossings, middles = labels.crossings, (labels.crossings[1:, 1:] + labels.crossings[:-1, :-1]) / 2
    for points, dark in ((crossings[1:-1, 1:-1], True), (middles[1:-1, 1:-1], False)):
        at = np.floor(points.reshape(-1, 2)).astype(int)
        at = at[(at >= 2).all(axis=1) & (at[:, 0] < labels.size[1] - 2) & (at[:, 1] < labels.size[0] - 2)]
        shade = picture.image[at[:, 1], at[:, 0], 0]
        assert len(at) > 1000
        assert np.mean(shade < 160 if dark else shade > 200) > 0.97


@pytest.mark.parametrize("damage", [None, bent("photo", 3)])
def test_boxes_hold_their_masks_and_names_and_yolo_says_the_same(damage: Damage | None) -> None:
    _, labels = seen(recording(), damage)
    height, width = labels.size
    expected = []
    for lead in labels.leads:
        ys, xs = np.nonzero(lead.mask.full(labels.size))
        x0, y0, x1, y1 = lead.box
        assert x0 <= xs.min()
        assert y0 <= ys.min()
        assert xs.max() < x1
        assert ys.max() < y1
        expected += [(0, lead.box)] + ([(1 + STANDARD.index(lead.trace.cell.lead), lead.name)] if lead.name is not None else [])
    rows = [[float(text) for text in line.split()] for line in labels.yolo().splitlines()]
    assert len(rows) >= 24
    for (number, x, y, w, h), (kind, (x0, y0, x1, y1)) in zip(rows, expected, strict=True):
        assert number == kind
        assert np.allclose([x * width, y * height, w * width, h * height], [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], atol=0.01)


def test_the_json_of_a_page_holds_its_masks_and_every_sample() -> None:
    signal = recording().signal.copy()
    signal[1, 100:200] = np.nan
    what = replace(recording(), signal=signal)
    picture, labels = seen(what, bent("worn", 1))
    found = json.loads(json.dumps(page_json(picture, labels), allow_nan=False))
    for said, lead in zip(found["leads"], labels.leads, strict=True):
        runs = said["mask"]["runs"]
        flat = np.repeat(np.arange(len(runs)) % 2, runs).reshape(said["mask"]["height"], said["mask"]["width"])
        assert np.array_equal(flat, lead.mask.alpha >= lead.mask.enough)
        assert len(said["x"]) == said["samples"] == lead.trace.x.size
    strip = found["leads"][-1]
    assert strip["label"] == "II"
    assert strip["y"][100] is None
    assert strip["y"][99] is not None
    assert found["layout"] == {"name": "3x4+1", "order": "standard", "time": "consecutive", "seconds": 10.0}


def test_signals_follow_from_positions_and_scale_alone() -> None:
    """What a reader of the file computes: (baseline - y) / scale is the signal, for the plain page."""
    picture, labels = seen(recording(), None)
    found = page_json(picture, labels)
    for said, lead in zip(found["leads"], labels.leads, strict=True):
        mv = recording().lead(said["lead"])[said["first_sample"] : said["first_sample"] + said["samples"]] - said["level_mv"]
        baseline = lead.trace.cell.baseline_mm * PAPER.px_per_mm
        got = (baseline - np.array(said["y"])) / PAPER.px_per_mm / said["mm_per_mv"]
        assert np.abs(got - mv).max() < 0.001
