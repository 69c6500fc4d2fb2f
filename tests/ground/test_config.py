"""Recipes: all wrong keys at once, files in files, settings of the command line."""

from pathlib import Path

import pytest
from pydantic import Field

from gem.config import Config
from gem.errors import ConfigError


class Part(Config):
    width: int = Field(3, gt=0)


class Recipe(Config):
    name: str
    part: Part = Part()
    rate: float = 1.0


def written(folder: Path, text: str, name: str = "recipe.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_value_ending_in_yaml_stands_for_that_file(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    written(tmp_path / "parts", "width: 7", "wide.yaml")
    assert Recipe.load(written(tmp_path, "name: a\npart: parts/wide.yaml")).part.width == 7


def test_the_command_line_overrides_the_file_and_reaches_into_groups(tmp_path: Path) -> None:
    path = written(tmp_path, "name: a\nrate: 2.5")
    recipe = Recipe.load(path, ["name=b", "part.width=5"])
    assert (recipe.name, recipe.rate, recipe.part.width) == ("b", 2.5, 5)


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Recipe.load(written(tmp_path, "nmae: a\npart: {width: 0}\nrate: fast"))
    for said in ("recipe.yaml", "nmae", "name", "part.width", "rate", "'fast'"):
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [("- a list", "mapping"), ("name: [", "not YAML"), ("name: a\npart: recipe.yaml", "circle"), ("name: a\npart: gone.yaml", "gone.yaml")],
)
def test_a_file_that_is_no_recipe_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Recipe.load(written(tmp_path, text))


@pytest.mark.parametrize("change", ["name", "name.sub=1", "rate=[1"])
def test_a_setting_that_cannot_be_made_is_refused(tmp_path: Path, change: str) -> None:
    with pytest.raises(ConfigError):
        Recipe.load(written(tmp_path, "name: a"), [change])


def test_a_recipe_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Recipe(name="a").name = "b"  # type: ignore[misc]
