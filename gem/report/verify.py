"""The one ruler: claims against measurements and findings.

    supported       the trace says so
    contradicted    the trace says otherwise
    not measured    it could be measured, but not on this recording (the reason is given)
    not checkable   nothing here can decide it, or the text only considers it

`verify` marks a sentence, it never rewrites one. Limits of numbers are in tolerance.py, limits of words
("inverted", "wide", "prolonged") below.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gem.knowledge.find import NOT_ASSESSABLE, PRESENT, Finding, Findings, find
from gem.measure.measurement import Measurements
from gem.report.claim import Claim, read_claims, sentences
from gem.report.value import judge_value
from gem.report.word import judge_count, judge_wave, judge_word

SUPPORTED, CONTRADICTED, NOT_MEASURED, NOT_CHECKABLE = "supported", "contradicted", "not measured", "not checkable"
_WORST_FIRST = (CONTRADICTED, NOT_MEASURED, NOT_CHECKABLE, SUPPORTED)


@dataclass(frozen=True)
class Verdict:
    """What the trace says of one claim, and why, in one line."""

    claim: Claim
    verdict: str
    why: str

    def to_json(self) -> dict[str, object]:
        claim = self.claim
        return {
            "start": claim.start,
            "end": claim.end,
            "text": claim.text,
            "kind": claim.kind,
            "subject": list(claim.subject),
            "leads": list(claim.leads),
            "negated": claim.negated,
            "hedged": claim.hedged,
            "verdict": self.verdict,
            "why": self.why,
        }


@dataclass(frozen=True)
class Checked:
    """A text with its verdicts.

    sentences  (start, end) of each
    verdicts   one a claim, in order
    """

    text: str
    sentences: tuple[tuple[int, int], ...]
    verdicts: tuple[Verdict, ...]

    def of_sentence(self, number: int) -> str:
        """The verdict on a sentence: contradicted if one claim is, supported if at least one is and none is worse."""
        said = [v.verdict for v in self.verdicts if v.claim.sentence == number]
        return min(said, key=_WORST_FIRST.index) if said else NOT_CHECKABLE

    def count(self, verdict: str) -> int:
        return sum(v.verdict == verdict for v in self.verdicts)

    def to_json(self) -> dict[str, object]:
        return {
            "schema": "gem.verify/1",
            "claims": {name: self.count(name) for name in (SUPPORTED, CONTRADICTED, NOT_MEASURED, NOT_CHECKABLE)},
            "sentences": [
                {"start": a, "end": b, "text": self.text[a:b], "verdict": self.of_sentence(k)} for k, (a, b) in enumerate(self.sentences)
            ],
            "verdicts": [v.to_json() for v in self.verdicts],
        }


def verify(text: str, measurements: Measurements, findings: Findings | None = None) -> Checked:
    """Check every claim of a text against one recording.

    text       anybody's report
    findings   from `find`, when already known
    """
    findings = findings or find(measurements)
    verdicts = tuple(Verdict(claim, *judge(claim, measurements, findings)) for claim in read_claims(text))
    return Checked(text, tuple(sentences(text)), verdicts)


def judge(claim: Claim, m: Measurements, findings: Findings) -> tuple[str, str]:
    """(verdict, why) of one claim: `verify` for claims that were already read."""
    judges: dict[str, Callable[[Claim, Measurements, Findings], tuple[bool | None, str]]] = {
        "value": judge_value,
        "word": judge_word,
        "wave": judge_wave,
        "count": judge_count,
        "finding": _judge_finding,
    }
    holds, why = judges[claim.kind](claim, m, findings)
    if holds is None:
        return (NOT_CHECKABLE if why.startswith("nothing here") else NOT_MEASURED), why
    if claim.hedged and not holds:
        return NOT_CHECKABLE, f"only considered in the text; {why}"
    return (SUPPORTED if holds else CONTRADICTED), why


def _judge_finding(claim: Claim, m: Measurements, findings: Findings) -> tuple[bool | None, str]:
    """A diagnosis: any of its findings makes it true."""
    known = [findings.by_id[key] for key in claim.subject if key in findings.by_id]
    present = [f for f in known if f.status == PRESENT]
    if present and claim.beats and claim.subject[0].startswith("premature"):
        kind = {"premature_ventricular": "pvc", "premature_atrial": "pac"}[claim.subject[0]]
        wrong = [b for b in claim.beats if not 1 <= b <= len(m.kinds) or m.kinds[b - 1] != kind]
        return not wrong, f"beats of kind {kind}: {', '.join(str(k + 1) for k, x in enumerate(m.kinds) if x == kind)}"
    if present:
        return not claim.negated, f"{present[0].text} present: {_evidence(present[0])}"
    if not known:
        return None, "nothing here looks for it"
    open_ones = [f for f in known if f.status == NOT_ASSESSABLE]
    if open_ones:
        return None, f"{open_ones[0].text} not assessable: {open_ones[0].why}"
    return claim.negated, f"no criterion for {' or '.join(f.text for f in known)} is met"


def _evidence(finding: Finding) -> str:
    shown = [
        f"{e.name.replace('_', ' ')}{' in ' + e.lead if e.lead else ''} {e.value}{' ' + e.unit if e.unit else ''}"
        for e in finding.evidence[:3]
    ]
    return ", ".join(shown)
