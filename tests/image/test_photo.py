"""Damage: exact warps, recorded parameters, the same bytes for the same seed."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from gem.errors import ConfigError
from gem.image.draw import Drawn, draw
from gem.image.layout import layout_page, parse_layout
from gem.image.paper import Paper, dpi_for_width
from gem.image.photo.mark import Mark, put
from gem.image.photo.picture import Damage, photograph
from gem.image.photo.preset import KINDS, random_damage
from gem.image.photo.sensor import Sensor, taken
from gem.image.photo.sheet import Crumple, Curl, Fold, Sheet, Wave, lifted
from gem.image.photo.warp import Camera, aimed
from gem.simulate import simulate_recording

PAPER = Paper(dpi=dpi_for_width(700, 279.4))
CROOKED = Camera(roll=4.0, tilt=12.0, pan=-9.0, distance_mm=380.0, fill=0.96, barrel=0.02)
SHEETS = {
    "flat": Sheet(),
    "wave": Sheet(bends=(Wave(angle_deg=30, height_mm=2, length_mm=120),)),
    "curl": Sheet(bends=(Curl(angle_deg=0, from_mm=60, radius_mm=150, steepest=0.45),)),
    "fold": Sheet(bends=(Fold(angle_deg=90, at_mm=5, slope=0.09), Fold(angle_deg=2, at_mm=-30, slope=-0.09))),
    "crumple": Sheet(
        crumple=Crumple(planes=((0.05, 0.02, -1.5), (0.01, -0.04, -1.0), (-0.06, 0.0, -2.0), (0.03, 0.03, -1.2), (0, 0, 0), (0, 0, 0)))
    ),
}


def made() -> Drawn:
    return draw(simulate_recording("normal").recording, layout_page(PAPER, parse_layout("3x4+1")))


@pytest.mark.parametrize("name", SHEETS)
def test_the_map_of_the_picture_is_the_inverse_of_the_closed_form(name: str) -> None:
    warp = aimed(PAPER, SHEETS[name], CROOKED, (PAPER.height_px, PAPER.width_px))
    whole, part = warp.maps(*warp.nodes())
    page = whole + np.stack([part % 32, part // 32], axis=-1) / 32 + 0.5
    inside = ((page > 0) & (page < (PAPER.width_px, PAPER.height_px))).all(axis=-1)
    there = np.stack(np.meshgrid(np.arange(PAPER.width_px) + 0.5, np.arange(PAPER.height_px) + 0.5), axis=-1)[inside]
    missed = np.hypot(*(warp.forward(page[inside]) - there).T)
    assert inside.mean() > 0.6
    assert np.percentile(missed, 99.9) < 0.25
    assert missed.max() < 0.6


@pytest.mark.parametrize("name", ["wave", "curl", "fold"])
def test_paper_bends_but_does_not_stretch(name: str) -> None:
    """Lengths along the bent sheet are those of the flat one, to the second order of its slope."""
    at = np.column_stack([np.linspace(-139, 139, 20001), np.full(20001, 20.0)])
    space, slope = lifted(SHEETS[name], at, (140.0, 108.0))
    length = np.linalg.norm(np.diff(space, axis=0), axis=1).sum()
    assert length == pytest.approx(278.0, rel=0.5 * float((slope**2).sum(axis=1).max()) ** 2 + 1e-5)


def test_a_page_fills_the_frame_as_it_was_told() -> None:
    warp = aimed(PAPER, Sheet(), Camera(distance_mm=1e6), (PAPER.height_px, PAPER.width_px))
    corners = np.array([[0.0, 0.0], [PAPER.width_px, 0], [PAPER.width_px, PAPER.height_px], [0, PAPER.height_px]])
    assert np.allclose(warp.forward(corners), corners, atol=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_made_again_from_its_recorded_parameters(kind: str) -> None:
    damage = random_damage(np.random.default_rng(3), kind, PAPER)
    drawn = made()
    picture = photograph(drawn, damage)
    again = photograph(drawn, Damage.model_validate_json(damage.model_dump_json()))
    assert picture.image.shape == drawn.image.shape
    assert np.array_equal(picture.image, again.image)
    assert np.abs(picture.image.astype(int) - drawn.image).mean() > 2


PROCESS = """
import hashlib, sys
import numpy as np
sys.argv = ["", *sys.argv[1:]]
from tests.image.test_photo import PAPER, made
from gem.image.photo.picture import photograph
from gem.image.photo.preset import KINDS, random_damage
for kind in KINDS:
    image = photograph(made(), random_damage(np.random.default_rng(int(sys.argv[1])), kind, PAPER)).image
    print(kind, hashlib.sha256(image.tobytes()).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_two_processes_and_another_does_not() -> None:
    def run(seed: int) -> list[str]:
        out = subprocess.run([sys.executable, "-c", PROCESS, str(seed)], check=True, capture_output=True, text=True)
        return out.stdout.splitlines()

    first, again, other = run(7), run(7), run(8)
    assert len(first) == len(KINDS)
    assert first == again
    assert not set(first) & set(other)
    here = photograph(made(), random_damage(np.random.default_rng(7), "photo", PAPER)).image
    assert f"photo {hashlib.sha256(here.tobytes()).hexdigest()}" in first


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"a damage of the kind 'soup': choose scan, copy"):
        random_damage(np.random.default_rng(0), "soup", PAPER)


def test_each_step_of_the_sensor_does_what_it_says() -> None:
    rng = np.random.default_rng(0)
    flat = np.full((200, 300, 3), 128, np.uint8)
    edge = flat.copy()
    edge[:, 150:] = 200
    noisy = taken(flat, Sensor(noise=8.0, colour=0.3), rng).astype(float)
    assert noisy.std() == pytest.approx(8.0, rel=0.05)
    assert noisy.mean() == pytest.approx(128, abs=0.3)
    assert np.ptp(taken(flat, Sensor(noise=8.0, grey=True), rng).astype(int), axis=2).max() == 0
    assert set(np.unique(taken(edge, Sensor(threshold=160, noise=3.0), rng))) == {0, 255}
    width = np.abs(np.diff(taken(edge, Sensor(blur_px=3.0), rng)[100, :, 0].astype(float)))
    assert np.sqrt((width * (np.arange(299) - 149) ** 2).sum() / width.sum()) == pytest.approx(3.0, rel=0.1)
    assert taken(edge, Sensor(gamma=0.5), rng)[0, 0, 0] > 170
    assert taken(flat, Sensor(dust=10.0), rng).min() == 40
    assert not np.array_equal(taken(edge, Sensor(jpeg=30), rng), edge)


def test_ink_of_a_mark_darkens_and_a_lift_brightens() -> None:
    page = np.full((100, 200, 3), 200, np.uint8)
    line = ((5.0, 5.0), (45.0, 20.0))
    put(page, Mark(kind="pen", points_mm=line, size_mm=0.8, colour=(10, 10, 200)), 4.0, np.random.default_rng(0))
    assert page[50, 100, 0] < 60
    assert page[50, 100, 2] > page[50, 100, 0] + 50
    put(page, Mark(kind="pen", points_mm=line, size_mm=2.0, lift=True, strength=1.0), 4.0, np.random.default_rng(0))
    assert page[50, 100].min() > 250
    before = page.copy()
    put(page, Mark(kind="stamp", text="SEEN", x_mm=500.0, y_mm=500.0, font="bold"), 4.0, np.random.default_rng(0))
    assert np.array_equal(page, before)
