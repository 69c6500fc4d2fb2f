"""A `SimulationSpec` from what a person writes: a preset, a YAML file, key=value words."""

import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from gem.config import read_yaml
from gem.errors import ConfigError
from gem.simulate.presets import PRESETS
from gem.simulate.spec import SimulationSpec

_LISTS = ("structure", "ischaemia", "flat")


def read_spec(text_or_path: str | Path | Sequence[str]) -> SimulationSpec:
    """Read one spec.

    text_or_path  a preset's name, a path to a YAML file, or key=value words that may follow
                  either: "rbbb rate=90 noise.muscle=20 seed=3", as one string or a list of words.
                  A list is written with commas: structure=lvh,left_atrial

    Raises `ConfigError` that lists every unknown key and every wrong value at once.
    """
    if isinstance(text_or_path, Path):
        return _built(read_yaml(text_or_path), str(text_or_path))
    words = shlex.split(text_or_path) if isinstance(text_or_path, str) else [str(word) for word in text_or_path]
    named = "" if not words or "=" in words[0] else words[0]
    values, origin = _start(named)
    faults = _apply(values, words[1:] if named else words)
    if named in PRESETS and len(words) > 1 and not any(word.startswith("name=") for word in words):
        values.pop("name", None)
    return _built(values, origin, faults)


def _start(named: str) -> tuple[dict[str, Any], str]:
    """The values that stand before the first key=value word, and what to call them in a message."""
    if not named:
        return {}, "the words given"
    if named in PRESETS:
        return PRESETS[named].model_dump(mode="json", exclude_defaults=True), named
    path = Path(named)
    if path.suffix in (".yaml", ".yml"):
        return read_yaml(path), named
    near = get_close_matches(named, PRESETS, n=3)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise ConfigError(f"{named!r} is neither a preset nor a .yaml file; {hint}Presets: {', '.join(PRESETS)}")


def _apply(values: dict[str, Any], words: Sequence[str]) -> list[str]:
    """Put key=value words into `values`; what is no such word comes back as a fault."""
    faults = []
    for word in words:
        key, sign, text = word.partition("=")
        if not sign or not key:
            faults.append(f"{word}: key=value is needed")
            continue
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            value = text
        if key in _LISTS:
            value = [part for part in text.split(",") if part]
        # YAML reads name=007 as a number
        if key == "name":
            value = text
        place, *rest = key.split(".")
        if not rest:
            values[place] = value
            continue
        inner = values.setdefault(place, {})
        if not isinstance(inner, dict) or len(rest) > 1:
            faults.append(f"{key}: no such place")
            continue
        inner[rest[0]] = value
    return faults


def _built(values: dict[str, Any], origin: str, faults: Sequence[str] = ()) -> SimulationSpec:
    problems = list(faults)
    try:
        spec = SimulationSpec.model_validate(values)
    except ValidationError as fault:
        problems += [_line(error) for error in fault.errors()]
    else:
        if not problems:
            return spec
    raise ConfigError(f"{origin} does not describe a simulation:\n" + "\n".join(f"  {line}" for line in problems))


def _line(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "missing" or not place:
        return message
    return f"{place}: {message} (got {error['input']!r})"
