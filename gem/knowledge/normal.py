"""Limits that depend on age and sex, from normal.yaml, each with its source."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from gem.errors import ConfigError

ADULT_YEARS = 16
"""Surawicz 2009 (part III) gives its adult limits for persons older than 16 years."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    value: float
    sex: str | None = None
    age_from: float = 0
    age_below: float = 200


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    unit: str
    source: str
    unknown: float
    rows: list[_Row]


@dataclass(frozen=True)
class NormalLimit:
    """value in unit; note says when age or sex was needed and not known."""

    value: float
    unit: str
    source: str
    note: str = ""


@cache
def _tables() -> dict[str, _Table]:
    raw = yaml.safe_load((files("gem.knowledge") / "criteria" / "normal.yaml").read_text(encoding="utf-8"))
    return {name: _Table.model_validate(table) for name, table in raw.items()}


def limit_for(name: str, age: float | None, sex: str | None) -> NormalLimit:
    """The limit `name` for this person.

    Where the table asks for an age or sex that is not known, its `unknown` value is used: the
    one that fewer healthy people cross. Raises `ConfigError` for a name that is not in normal.yaml.
    """
    table = _tables().get(name)
    if table is None:
        raise ConfigError(f"normal.yaml has no limit {name!r}; it has {', '.join(_tables())}")
    for row in table.rows:
        if row.sex is not None and sex is None:
            break
        if row.sex is not None and row.sex != sex:
            continue
        bounded = row.age_from > 0 or row.age_below < 200
        if bounded and age is None:
            break
        if age is None or row.age_from <= age < row.age_below:
            return NormalLimit(row.value, table.unit, table.source)
    return NormalLimit(table.unknown, table.unit, table.source, "age or sex unknown: the limit fewer healthy people cross")
