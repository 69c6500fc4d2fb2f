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


@cache
def scp_texts() -> dict[str, str]:
    """SCP statement of PTB-XL, or superclass -> plain text (criteria/scp.yaml)."""
    raw: dict[str, str] = yaml.safe_load((files("gem.knowledge") / "criteria" / "scp.yaml").read_text(encoding="utf-8"))
    return {str(code): text for code, text in raw.items()}


@cache
def findings_of_scp() -> dict[str, tuple[str, ...]]:
    """SCP statement -> findings that bear it out."""
    out: dict[str, tuple[str, ...]] = {}
    for key, statement in statements().items():
        for code in statement.scp:
            out[code] = (*out.get(code, ()), key)
    return out
