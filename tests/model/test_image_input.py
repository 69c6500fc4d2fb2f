"""Pictures: the whole page is kept, and only the released GEM's setting loses its sides."""

import numpy as np
import pytest
from PIL import Image

from gem.errors import ModelError
from gem.model.image_input import ImageInput


def page(width: int, height: int, edge: tuple[int, int, int] = (255, 0, 0)) -> Image.Image:
    """A white page with a coloured frame as wide as a twelfth of its width."""
    picture = Image.new("RGB", (width, height), edge)
    frame = width // 12
    picture.paste((255, 255, 255), (frame, frame, width - frame, height - frame))
    return picture


def colours(settings: ImageInput, square: np.ndarray) -> np.ndarray:
    """[S, S, 3] uint8 from a normalised square."""
    rgb = square.transpose(1, 2, 0) * np.array(settings.std) + np.array(settings.mean)
    return np.clip(np.round(rgb * 255), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [(2200, 1700), (300, 900), (336, 336), (100, 60)])
def test_a_letterboxed_page_keeps_all_four_edges(size: tuple[int, int]) -> None:
    settings = ImageInput(size=336, tokens=576)
    (square,) = settings.squares(page(*size))
    red = (colours(settings, square) == (255, 0, 0)).all(axis=2)
    scale = 336 / max(size)
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert columns[-1] - columns[0] + 1 == pytest.approx(size[0] * scale, abs=2)
    assert rows[-1] - rows[0] + 1 == pytest.approx(size[1] * scale, abs=2)


def test_the_crop_of_the_released_gem_loses_the_sides_of_its_page() -> None:
    settings = ImageInput(size=336, tokens=576, fit="crop")
    (square,) = settings.squares(page(2200, 1700))
    red = (colours(settings, square) == (255, 0, 0)).all(axis=2)
    assert not red[168].any()
    assert red[0, 168]
    assert red[-1, 168]


def test_the_crop_is_that_of_the_clip_processor() -> None:
    from transformers import CLIPImageProcessor

    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (170, 220, 3), dtype=np.uint8))
    theirs = CLIPImageProcessor(size={"shortest_edge": 56}, crop_size=56)(picture, return_tensors="np")["pixel_values"]
    assert np.abs(ImageInput(size=56, tokens=16, fit="crop").squares(picture) - theirs).max() < 1e-5


def test_tiles_put_together_are_the_page_and_come_after_its_overview() -> None:
    settings = ImageInput(size=112, tokens=64, fit="tile")
    picture = page(224, 224)
    squares = [colours(settings, square) for square in settings.squares(picture)]
    assert len(squares) == 5
    whole = np.concatenate([np.concatenate(squares[1:3], axis=1), np.concatenate(squares[3:5], axis=1)])
    assert (whole == np.asarray(picture)).all()
    assert np.abs(squares[0].astype(int) - np.asarray(picture.resize((112, 112), Image.Resampling.BICUBIC)).astype(int)).max() <= 1


@pytest.mark.parametrize(("size", "grid"), [((220, 170), (2, 2)), ((448, 112), (3, 1)), ((100, 290), (1, 3)), ((2200, 1700), (2, 2))])
def test_the_grid_is_the_one_that_shows_most(size: tuple[int, int], grid: tuple[int, int]) -> None:
    assert len(ImageInput(size=112, tokens=64, fit="tile").squares(page(*size))) == 1 + grid[0] * grid[1]


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (np.zeros((0, 0, 3), np.uint8), "at least 32 px a side are needed"),
        (np.zeros((20, 400, 3), np.uint8), "a picture of 400 x 20 px"),
        (np.full((100, 100, 3), 255, np.uint8), "one colour: there is nothing on it"),
    ],
)
def test_an_empty_picture_is_refused(picture: np.ndarray, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        ImageInput(size=336, tokens=576).squares(picture)


def test_settings_that_are_none_are_refused() -> None:
    with pytest.raises(ModelError, match="fit 'stretch'"):
        ImageInput(size=336, tokens=576, fit="stretch")
