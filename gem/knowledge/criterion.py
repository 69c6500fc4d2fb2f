"""A criterion: a cited rule over Measurements, written in YAML, with three outcomes.

The language, by example (every node is one mapping):

    {measure: qrs_duration, at_least: 120}             over all leads
    {measure: r_prime_amplitude, lead: V1, above: 0.1} in one lead
    {measure: qrs_pattern, lead: V1, is: [QS, rS]}     a form
    {measure: st_j, at_least: {normal: st_elevation}}  a limit that depends on age and sex (normal.yaml)
    {leads: [II, III, aVF], need: contiguous, each: NODE}   need: any | all | contiguous | a number
    {rhythm: [sinus rhythm]}   {event: premature_ventricular, at_least: 1}   {finding: lbbb}   {quality: reversal}
    {all: [NODE, ...]}   {any: [NODE, ...]}   {not: NODE}
    {points: 5, of: [{give: 3, when: NODE}, ...]}

A node holds, does not hold, or cannot be assessed because something was not measured; a wave that
is not there counts as 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from gem.ecg.lead import CONTIGUOUS
from gem.knowledge.normal import limit_for
from gem.measure.measurement import Measurements, rounded


@dataclass(frozen=True)
class Evidence:
    """One measurement that made a criterion hold, and the limit it met.

    name      of the measurement ("qrs_duration"), event or rhythm
    lead      where, or None over all leads
    value     number or word
    limit     the condition in words, e.g. ">= 120 ms"
    """

    name: str
    lead: str | None
    value: float | str
    unit: str
    limit: str


@dataclass(frozen=True)
class Outcome:
    """holds: True, False, or None when it cannot be assessed; then `missing` says why."""

    holds: bool | None
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """What a node is judged on: the measurements, the outcome of earlier findings, and the lead at hand."""

    measured: Measurements
    findings: Callable[[str], Outcome]
    lead: str | None = None

    def at(self, lead: str) -> Scene:
        return Scene(self.measured, self.findings, lead)


class _Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def judge(self, scene: Scene) -> Outcome:
        raise NotImplementedError


class Normal(BaseModel):
    """A limit by name from normal.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    normal: str


Limit = float | Normal
_SIGNS = (("above", ">"), ("at_least", ">="), ("below", "<"), ("at_most", "<="))


class _Compares(_Node):
    above: Limit | None = None
    at_least: Limit | None = None
    below: Limit | None = None
    at_most: Limit | None = None

    def met(self, value: float, scene: Scene, unit: str) -> tuple[bool, str]:
        """Whether `value` meets every limit, and the limits in words."""
        holds, words = True, []
        for key, sign in _SIGNS:
            bound = getattr(self, key)
            if bound is None:
                continue
            limit = limit_for(bound.normal, scene.measured.age, scene.measured.sex).value if isinstance(bound, Normal) else bound
            holds &= {">": value > limit, ">=": value >= limit, "<": value < limit, "<=": value <= limit}[sign]
            words.append(f"{sign} {limit:g}{' ' + unit if unit else ''}")
        return holds, ", ".join(words)


class Measure(_Compares):
    measure: str
    lead: str | None = None
    words: list[str] | None = Field(None, alias="is")
    magnitude: bool = False

    def judge(self, scene: Scene) -> Outcome:
        lead = self.lead or scene.lead
        m = scene.measured.get(self.measure, lead)
        if m.word is not None and self.words is not None:
            return Outcome(m.word in self.words, (Evidence(self.measure, lead, m.word, "", f"is {' or '.join(self.words)}"),))
        value = 0.0 if m.gone else m.value
        if value is None or self.words is not None:
            return Outcome(None, missing=(m.absent or f"{self.measure} has no form",))
        value = abs(value) if self.magnitude else value
        shown = rounded(value, m.unit)
        holds, words = self.met(shown, scene, m.unit)  # compared as printed: a QRS shown as 120.0 ms is 120 ms
        return Outcome(holds, (Evidence(self.measure, lead, shown, m.unit, words),))


class Leads(_Node):
    leads: list[str]
    need: Literal["any", "all", "contiguous"] | int
    each: Node

    def judge(self, scene: Scene) -> Outcome:
        outcomes = {lead: self.each.judge(scene.at(lead)) for lead in self.leads}
        hit = [lead for lead, outcome in outcomes.items() if outcome.holds]
        unknown = [lead for lead, outcome in outcomes.items() if outcome.holds is None]
        chosen = self._enough(hit)
        if chosen:
            return Outcome(True, tuple(e for lead in chosen for e in outcomes[lead].evidence))
        if self._enough([lead for lead in self.leads if lead in hit or lead in unknown]):
            return Outcome(None, missing=tuple(dict.fromkeys(text for lead in unknown for text in outcomes[lead].missing)))
        return Outcome(False)

    def _enough(self, hit: list[str]) -> list[str]:
        """The leads that together meet `need`, or none."""
        if self.need == "contiguous":
            paired = {lead for pair in CONTIGUOUS if set(pair) <= set(hit) for lead in pair}
            return [lead for lead in hit if lead in paired]
        least = {"any": 1, "all": len(self.leads)}.get(str(self.need), self.need)
        return hit if isinstance(least, int) and len(hit) >= least else []


class IsRhythm(_Node):
    rhythm: list[str]

    def judge(self, scene: Scene) -> Outcome:
        rhythm = scene.measured.rhythm
        words = "; ".join(rhythm.evidence)
        return Outcome(rhythm.name in self.rhythm, (Evidence("rhythm", None, rhythm.name, "", words),))


class Event(_Compares):
    event: str

    def judge(self, scene: Scene) -> Outcome:
        value = scene.measured.rhythm.events.get(self.event)
        if value is None:
            return Outcome(None, missing=(f"{self.event.replace('_', ' ')} is not looked for",))
        holds, words = self.met(value, scene, "")
        return Outcome(holds, (Evidence(self.event, None, value, "", words),))


class IsFinding(_Node):
    finding: str

    def judge(self, scene: Scene) -> Outcome:
        return scene.findings(self.finding)


class OfQuality(_Node):
    quality: Literal["reversal"]

    def judge(self, scene: Scene) -> Outcome:
        swap = scene.measured.quality.reversal
        return Outcome(swap is not None, (Evidence("reversal", None, swap or "", "", "suspected"),))


class All(_Node):
    all: list[Node]

    def judge(self, scene: Scene) -> Outcome:
        outcomes = [node.judge(scene) for node in self.all]
        if any(outcome.holds is False for outcome in outcomes):
            return Outcome(False)
        missing = tuple(dict.fromkeys(text for o in outcomes for text in o.missing))
        if any(outcome.holds is None for outcome in outcomes):
            return Outcome(None, missing=missing)
        return Outcome(True, tuple(e for o in outcomes for e in o.evidence))


class AnyOf(_Node):
    any: list[Node]

    def judge(self, scene: Scene) -> Outcome:
        outcomes = [node.judge(scene) for node in self.any]
        if any(outcome.holds for outcome in outcomes):
            return Outcome(True, tuple(e for o in outcomes if o.holds for e in o.evidence))
        missing = tuple(dict.fromkeys(text for o in outcomes for text in o.missing))
        return Outcome(None if missing else False, missing=missing)


class Not(_Node):
    node: Node = Field(alias="not")

    def judge(self, scene: Scene) -> Outcome:
        outcome = self.node.judge(scene)
        return Outcome(None if outcome.holds is None else not outcome.holds, missing=outcome.missing)


class Share(_Node):
    give: int
    when: Node


class Points(_Node):
    points: int
    of: list[Share]

    def judge(self, scene: Scene) -> Outcome:
        outcomes = [(share.give, share.when.judge(scene)) for share in self.of]
        sure = sum(give for give, outcome in outcomes if outcome.holds)
        possible = sum(give for give, outcome in outcomes if outcome.holds is not False)
        if sure >= self.points:
            score = Evidence("points", None, float(sure), "", f">= {self.points}")
            return Outcome(True, (score, *(e for _, o in outcomes if o.holds for e in o.evidence)))
        if possible >= self.points:
            return Outcome(None, missing=tuple(dict.fromkeys(text for _, o in outcomes for text in o.missing)))
        return Outcome(False)


_KINDS = {
    "measure": "measure", "leads": "leads", "rhythm": "rhythm", "event": "event", "finding": "finding",
    "quality": "quality", "all": "all", "any": "any", "not": "not", "points": "points",
}  # fmt: skip


def _kind(raw: object) -> str | None:
    if isinstance(raw, dict):
        return next((kind for key, kind in _KINDS.items() if key in raw), None)
    return getattr(raw, "kind", None)


Node = Annotated[
    Annotated[Measure, Tag("measure")]
    | Annotated[Leads, Tag("leads")]
    | Annotated[IsRhythm, Tag("rhythm")]
    | Annotated[Event, Tag("event")]
    | Annotated[IsFinding, Tag("finding")]
    | Annotated[OfQuality, Tag("quality")]
    | Annotated[All, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[Points, Tag("points")],
    Discriminator(_kind),
]


class Criterion(BaseModel):
    """One entry of criteria/*.yaml.

    id        the finding it makes
    source    key of the file's `sources` and where in it
    when      the rule
    not_with  findings that make this one impossible to assess (secondary changes)
    adults    whether the limits are those of adults (16 years and older)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    source: str
    when: Node
    not_with: list[str] = []
    adults: bool = True
    note: str = ""


class CriteriaFile(BaseModel):
    """One file of criteria: a family, its sources by short key, and the criteria."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    family: str
    sources: dict[str, str]
    criteria: list[Criterion]

    @model_validator(mode="after")
    def _every_source_is_listed(self) -> CriteriaFile:
        for criterion in self.criteria:
            if criterion.source.split(",")[0].strip() not in self.sources:
                raise ValueError(f"{criterion.id}: source {criterion.source!r} begins with none of {', '.join(self.sources)}")
        return self


for _model in (Leads, All, AnyOf, Not, Share, Points, Criterion, CriteriaFile):
    _model.model_rebuild()
