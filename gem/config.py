"""Recipes: frozen classes read from YAML, every wrong key reported at once.

A value that ends in `.yaml` stands for that file, found beside the file that names it. There is no inheritance and
no interpolation; the command line may set `key.sub=value`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from gem.errors import ConfigError

_DEEPEST = 5
"""Files that name files that name files: deeper than this is a circle."""


class Config(BaseModel):
    """Base of every recipe: frozen, an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def load(cls, path: str | Path, changes: Sequence[str] = ()) -> Self:
        """Read a recipe.

        path     YAML file
        changes  `key.sub=value` settings that override the file; values are YAML

        Raises `ConfigError` that names every wrong key.
        """
        raw = read_yaml(Path(path))
        for change in changes:
            _set(raw, change)
        try:
            return cls.model_validate(raw)
        except ValidationError as fault:
            lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']} (got {_shown(e['input'])})" for e in fault.errors()]
            raise ConfigError(f"{path} does not describe a {cls.__name__}:\n" + "\n".join(lines)) from fault


def read_yaml(path: Path, depth: int = 0) -> dict[str, Any]:
    """A YAML file as a dictionary, the files it names read in their place. Raises `ConfigError`."""
    if depth > _DEEPEST:
        raise ConfigError(f"{path}: files name each other more than {_DEEPEST} deep; is it a circle?")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read ({fault.strerror})") from fault
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise ConfigError(f"{path}: not YAML ({str(fault).splitlines()[0]})") from fault
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: a mapping of keys to values is needed")
    return {key: _composed(value, path, depth) for key, value in raw.items()}


def _composed(value: Any, path: Path, depth: int) -> Any:
    if isinstance(value, str) and value.endswith(".yaml"):
        return read_yaml(path.parent / value, depth + 1)
    if isinstance(value, dict):
        return {key: _composed(part, path, depth) for key, part in value.items()}
    return value


def _set(raw: dict[str, Any], change: str) -> None:
    key, sign, text = change.partition("=")
    if not sign:
        raise ConfigError(f"{change!r}: a setting is written key.sub=value")
    *parents, last = key.split(".")
    at = raw
    for parent in parents:
        at = at.setdefault(parent, {})
        if not isinstance(at, dict):
            raise ConfigError(f"{change!r}: {parent} is not a group of keys")
    try:
        at[last] = yaml.safe_load(text)
    except yaml.YAMLError as fault:
        raise ConfigError(f"{change!r}: the value is not YAML") from fault


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
