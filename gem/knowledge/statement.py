"""Coded diagnostic terms: one table finding -> plain text, SCP, AHA, SNOMED CT (criteria/statements.yaml)."""

from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict


class Statement(BaseModel):
    """One finding's words and codes; an unknown code is None, never a guess.

    text    how a report says it
    scp     PTB-XL statements that it is compared with
    aha     primary statement number of Mason 2007
    snomed  SNOMED CT concept of the PhysioNet Challenges
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str
    scp: tuple[str, ...] = ()
    aha: str | None = None
    snomed: str | None = None


@cache
def statements() -> dict[str, Statement]:
    """Finding id -> Statement."""
    raw = yaml.safe_load((files("gem.knowledge") / "criteria" / "statements.yaml").read_text(encoding="utf-8"))
    return {key: Statement.model_validate(entry) for key, entry in raw.items()}
