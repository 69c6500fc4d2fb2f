"""Measurements -> findings: every criterion judged, each with its evidence or with why it cannot be."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml
from pydantic import ValidationError

from gem.ecg.lead import STANDARD
from gem.errors import ConfigError
from gem.knowledge.criterion import CriteriaFile, Criterion, Evidence, Outcome, Scene
from gem.knowledge.normal import ADULT_YEARS
from gem.knowledge.statement import statements
from gem.measure.measurement import Measurements

PRESENT, ABSENT, NOT_ASSESSABLE = "present", "absent", "not assessable"
_FILES = ("rhythm", "conduction", "chambers", "ischaemia")


@dataclass(frozen=True)
class Finding:
    """What one criterion says of one recording.

    id        key of the statement table
    status    "present", "absent" or "not assessable"
    evidence  measurements that made it hold (present only)
    why       why it cannot be assessed
    source    full citation
    """

    id: str
    status: str
    evidence: tuple[Evidence, ...] = ()
    why: str = ""
    source: str = ""

    @property
    def text(self) -> str:
        return statements()[self.id].text

    @property
    def leads(self) -> tuple[str, ...]:
        """The leads that the evidence names, in standard order."""
        named = {e.lead for e in self.evidence if e.lead}
        return tuple(lead for lead in STANDARD if lead in named)

    def to_json(self) -> dict[str, object]:
        statement = statements()[self.id]
        out: dict[str, object] = {"id": self.id, "text": self.text, "status": self.status}
        if self.status == PRESENT:
            out["leads"] = list(self.leads)
            out["evidence"] = [{"name": e.name, "lead": e.lead, "value": e.value, "unit": e.unit, "limit": e.limit} for e in self.evidence]
            out["codes"] = {"scp": list(statement.scp), "aha": statement.aha, "snomed": statement.snomed}
        if self.status == NOT_ASSESSABLE:
            out["why"] = self.why
        return out | {"source": self.source}


@dataclass(frozen=True)
class Findings:
    """All findings by id."""

    by_id: dict[str, Finding]

    @property
    def present(self) -> list[Finding]:
        return [finding for finding in self.by_id.values() if finding.status == PRESENT]

    def has(self, *ids: str) -> bool:
        """Whether any of these is present."""
        return any(key in self.by_id and self.by_id[key].status == PRESENT for key in ids)


@cache
def criteria() -> dict[str, tuple[Criterion, str]]:
    """Every criterion with its full citation, those that others refer to first. Raises `ConfigError`."""
    found: dict[str, tuple[Criterion, str]] = {}
    for name in _FILES:
        text = (files("gem.knowledge") / "criteria" / f"{name}.yaml").read_text(encoding="utf-8")
        try:
            file = CriteriaFile.model_validate(yaml.safe_load(text))
        except ValidationError as fault:
            raise ConfigError(f"criteria/{name}.yaml: {fault}") from fault
        for criterion in file.criteria:
            if criterion.id in found or criterion.id not in statements():
                raise ConfigError(f"criteria/{name}.yaml: {criterion.id} is defined twice or has no line in statements.yaml")
            key, _, where = criterion.source.partition(",")
            found[criterion.id] = (criterion, f"{file.sources[key.strip()]}{': ' if where else ''}{where.strip()}")
    return found


def find(measurements: Measurements) -> Findings:
    """Judge every criterion on one recording's measurements."""
    done: dict[str, Finding] = {}

    def outcome(key: str) -> Outcome:
        finding = judge(key)
        return Outcome({PRESENT: True, ABSENT: False}.get(finding.status), finding.evidence, (finding.why,) if finding.why else ())

    def judge(key: str) -> Finding:
        if key not in done:
            done[key] = _judged(*criteria()[key], measurements, outcome)
        return done[key]

    return Findings({key: judge(key) for key in criteria()})


def _judged(criterion: Criterion, source: str, measurements: Measurements, outcome_of: Callable[[str], Outcome]) -> Finding:
    if criterion.adults and measurements.age is not None and measurements.age < ADULT_YEARS:
        why = f"age {measurements.age:g}: the limits are those of adults ({ADULT_YEARS} years and older)"
        return Finding(criterion.id, NOT_ASSESSABLE, why=why, source=source)
    masking = [key for key in criterion.not_with if outcome_of(key).holds]
    if masking:
        why = f"not assessed with {' and '.join(statements()[key].text for key in masking)}"
        return Finding(criterion.id, NOT_ASSESSABLE, why=why, source=source)
    outcome = criterion.when.judge(Scene(measurements, outcome_of))
    if outcome.holds is None:
        return Finding(criterion.id, NOT_ASSESSABLE, why="; ".join(outcome.missing[:3]), source=source)
    if outcome.holds:
        return Finding(criterion.id, PRESENT, outcome.evidence, source=source)
    return Finding(criterion.id, ABSENT, source=source)
