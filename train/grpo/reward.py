"""What an answer is worth, by the trace alone and by the findings of its reference; no phrase is compared with anybody's phrase.

    claims         share of the distinct claims that the trace supports; 0 where nothing is claimed
    statements     F1 of the findings it asserts against those that the reference asserts
    format         1 for an answer that ends by itself and says no sentence twice, else 0
    contradicted   the number of contradicted claims, taken off

Where the recording cannot be read there is nothing to claim: an answer that says so is worth as much as a perfect one, another only its
format less its claims.
"""

import re
from dataclasses import dataclass

from gem.ecg.quality import inspect
from gem.ecg.recording import Recording
from gem.errors import NotReadable
from gem.knowledge.find import Findings, find
from gem.measure.measure import measure_recording
from gem.measure.measurement import Measurements
from gem.report.claim import Claim, read_claims, sentences
from gem.report.verify import CONTRADICTED, SUPPORTED, verify

_ABSTAINS = re.compile(
    r"\b(?:can(?:not|'t| not) be (?:interpreted|read|assessed|measured|analy[sz]ed)|not (?:interpretable|readable|assessable|diagnostic)"
    r"|uninterpretable|unreadable|non-?diagnostic|no interpretation|quality (?:is )?(?:too (?:poor|low|bad)|insufficient))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Weights:
    """What each part counts; `contradicted` is per claim, and no more than `worst` is taken off."""

    claims: float = 1.0
    statements: float = 1.0
    format: float = 0.25
    contradicted: float = 0.5
    worst: float = 2.0

    @property
    def best(self) -> float:
        return self.claims + self.statements + self.format


@dataclass(frozen=True)
class Trace:
    """One recording as measured, or None where it cannot be read."""

    measured: tuple[Measurements, Findings] | None

    @classmethod
    def of(cls, recording: Recording) -> "Trace":
        """Measure it. A recording whose quality forbids an interpretation is unreadable, and no fault."""
        try:
            measurements = measure_recording(recording, inspect(recording))
        except NotReadable:
            return cls(None)
        return cls((measurements, find(measurements)))


@dataclass(frozen=True)
class Reward:
    """The parts, and their sum by the weights."""

    claims: float
    statements: float
    format: float
    contradicted: int
    total: float


def reward(answer: str, reference: str, trace: Trace, ended: bool = True, weights: Weights | None = None) -> Reward:
    """Judge one answer.

    reference  an answer whose findings count as right; its words do not
    ended      the answer ended by itself, and was not cut
    """
    w = weights or Weights()
    said = [answer[a:b].strip().lower() for a, b in sentences(answer)]
    form = float(ended and bool(said) and len(set(said)) == len(said))
    if trace.measured is None:
        return _unreadable(answer, form, w)
    checked = verify(answer, *trace.measured)
    verdicts = {_essence(v.claim): v.verdict for v in checked.verdicts}
    share = sum(v == SUPPORTED for v in verdicts.values()) / len(verdicts) if verdicts else 0.0
    wrong = sum(v == CONTRADICTED for v in verdicts.values())
    f1 = statement_f1(answer, reference)
    total = w.claims * share + w.statements * f1 + w.format * form - min(w.worst, w.contradicted * wrong)
    return Reward(share, f1, form, wrong, total)


def _unreadable(answer: str, form: float, w: Weights) -> Reward:
    claimed = len({_essence(claim) for claim in read_claims(answer)})
    if _ABSTAINS.search(answer) and not claimed:
        return Reward(1.0, 1.0, form, 0, w.claims + w.statements + w.format * form)
    return Reward(0.0, 0.0, form, claimed, w.format * form - min(w.worst, w.contradicted * claimed))


def statement_f1(answer: str, reference: str) -> float:
    """F1 of asserted findings: neither denied nor only considered. Both without a finding agree only where both claim something."""
    ours, theirs = _asserted(answer), _asserted(reference)
    if not ours and not theirs:
        return float(bool(read_claims(answer)))
    hits = sum(any(one & two for two in theirs) for one in ours)
    found = sum(any(one & two for one in ours) for two in theirs)
    precision = hits / len(ours) if ours else 0.0
    recall = found / len(theirs) if theirs else 0.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _asserted(text: str) -> set[frozenset[str]]:
    return {frozenset(c.subject) for c in read_claims(text) if c.kind == "finding" and not c.negated and not c.hedged}


def _essence(claim: Claim) -> tuple[object, ...]:
    """A claim said twice is one claim."""
    return (claim.kind, claim.subject, claim.leads, claim.beats, claim.relation, claim.value, claim.upper, claim.word, claim.negated)
