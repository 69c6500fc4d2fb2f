"""What may enter a data set: every sentence through `gem.report.verify`, style, near-duplicates.

A sentence is accepted when all its claims are supported; without a claim it is accepted only when it holds no number, no
lead and no term of an ECG either, or when its writer made it true by construction and says so. A free answer loses the
sentences that are not accepted and is rejected when it loses too many; any other answer is rejected with the first of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from data_gen.facts import Facts
from data_gen.instruct.draft import Answer, Draft
from gem.report.claim import Claim, read_claims, sentences
from gem.report.tokens import tokens
from gem.report.verify import CONTRADICTED, SUPPORTED, judge

LOST_AT_MOST = 1 / 3
"""Share of its sentences that a free answer may lose."""
NEAR = 0.9
"""Share of common word triples from which two samples of one record are the same."""
_GIVEN = r"(?:the|this|your|given|provided|original|accompanying)"
_STYLE = (
    (rf"\b{_GIVEN}\s+(?:\w+\s+)?(?:report|fact sheet|metadata|json)\b", "speaks of a report that the reader does not have"),
    (
        r"\b(?:provided|given|supplied|listed|computed|machine)\s+(?:\w+\s+)?(?:measurements?|values?|numbers?|data|findings?)\b",
        "speaks of numbers it was given",
    ),
    (r"\b(?:as an AI|language model|I cannot see|no image|not able to view)\b", "speaks of itself"),
    (r"\{\w+\}|<\w+>|```", "holds a placeholder or markup"),
)
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?= ?(?:ms|mV|bpm|degrees|mm|s)\b)")
_TERMS = ("finding", "quantity", "wave", "number", "leads", "beats")


@dataclass(frozen=True)
class Rejected:
    """Why a sentence or a sample was not accepted.

    kind   "contradicted", "unsupported", "unchecked", "style", "duplicate" or "nothing left"
    scope  "sentence" where the rest of the answer was kept, else "sample"
    """

    task: str
    scope: str
    kind: str
    text: str
    why: str


@dataclass(frozen=True)
class Judged:
    """The accepted draft or None, what was taken out, and the claims that were read: (claims, claims with a number)."""

    draft: Draft | None
    rejected: tuple[Rejected, ...]
    claims: int = 0
    numeric: int = 0


@lru_cache(maxsize=8192)
def _read(text: str) -> tuple[tuple[tuple[int, int], ...], tuple[Claim, ...]]:
    """Sentences and claims of a text; the same denial stands in many samples."""
    return tuple(sentences(text)), tuple(read_claims(text))


@lru_cache(maxsize=8192)
def _bare(sentence: str) -> bool:
    """Whether a sentence holds no number, lead or term of an ECG."""
    return not any(token.kind in _TERMS for token in tokens(sentence)) and not re.search(r"\d", sentence)


def accept(draft: Draft, facts: Sequence[Facts]) -> Judged:
    """Judge one draft against the recordings it is about."""
    out, rejected, total, numeric = [], [], 0, 0
    for question, answer in draft.pairs:
        for pattern, why in _STYLE:
            if re.search(pattern, answer.text, re.IGNORECASE):
                return Judged(None, (Rejected(draft.task, "sample", "style", answer.text, why),))
        if answer.knowledge:
            out.append((question, answer))
            continue
        kept, faults, claims, numbers = _answer(draft, answer, facts)
        total, numeric = total + claims, numeric + numbers
        if kept is None:
            return Judged(None, (*rejected, *faults))
        rejected += faults
        out.append((question, kept))
    return Judged(replace(draft, pairs=tuple(out)), tuple(rejected), total, numeric)


def _answer(draft: Draft, answer: Answer, facts: Sequence[Facts]) -> tuple[Answer | None, list[Rejected], int, int]:
    """One answer, without the sentences that are not accepted, or None."""
    faults, lost, count, claims, numeric = [], [], 0, 0, 0
    for number, text in answer.checks:
        spans, read = _read(text)
        for k, (start, end) in enumerate(spans):
            sentence = text[start:end]
            mine = [claim for claim in read if claim.sentence == k]
            kind, why = _sentence(sentence, mine, facts[number], answer.known)
            count += 1
            if not kind:
                claims, numeric = claims + len(mine), numeric + sum(claim.value is not None for claim in mine)
            else:
                faults.append(Rejected(draft.task, "sentence" if draft.free else "sample", kind, sentence, why))
                lost.append((start, end))
    loose = "" if not answer.asserts else _unasserted(answer)
    if loose:
        faults.append(
            Rejected(draft.task, "sample", "unchecked", answer.text, f"{loose} is in the answer, but in nothing that was verified")
        )
    if not faults:
        return answer, [], claims, numeric
    if loose or not draft.free or len(lost) > LOST_AT_MOST * count:
        return None, [replace(fault, scope="sample") for fault in faults], claims, numeric
    text = without(answer.text, lost)
    if not text:
        return None, [replace(faults[0], scope="sample", kind="nothing left")], claims, numeric
    return replace(answer, text=text), faults, claims, numeric


def _sentence(sentence: str, claims: Sequence[Claim], facts: Facts, known: Sequence[str]) -> tuple[str, str]:
    """("", "") when it is accepted, else the kind of fault and why."""
    if any(sentence in text for text in known):
        return "", ""
    verdicts = [(judge(claim, facts.measured, facts.findings), claim) for claim in claims]
    for (verdict, why), claim in verdicts:
        if verdict == CONTRADICTED:
            return "contradicted", f"{claim.text}: {why}"
    for (verdict, why), claim in verdicts:
        if verdict != SUPPORTED:
            return "unsupported", f"{claim.text}: {verdict}, {why}"
        if claim.kind == "finding" and not claim.negated and not claim.hedged and set(claim.subject) <= facts.disputed:
            return "unsupported", f"{claim.text}: labels or report disagree with the trace"
    if not claims and not _bare(sentence):
        return "unsupported", "says something of the ECG that no claim is read from"
    if claims and (left := _unread(sentence, claims)):
        return "unsupported", f"{left} belongs to no claim"
    return "", ""


def _unread(sentence: str, claims: Sequence[Claim]) -> str:
    """A number with a unit that no claim of the sentence covers, or ""."""
    said = {f"{abs(v):g}" for claim in claims for v in (claim.value, claim.upper) if v is not None}
    return next((m.group() for m in NUMBER.finditer(sentence) if f"{abs(float(m.group())):g}" not in said), "")


def _unasserted(answer: Answer) -> str:
    """A number with a unit in an answer that stands in nothing verified, or ""."""
    verified = {m.group() for text in (*(text for _, text in answer.asserts), *answer.known) for m in NUMBER.finditer(text)}
    return next((m.group() for m in NUMBER.finditer(answer.text) if m.group() not in verified), "")


def without(text: str, lost: Sequence[tuple[int, int]]) -> str:
    """The text without some spans; a line that holds nothing but its heading goes with them."""
    for start, end in sorted(lost, reverse=True):
        text = text[:start] + text[end:]
    lines = [re.sub(r" {2,}", " ", line).strip() for line in text.split("\n")]
    return "\n".join(line for line in lines if line and not line.endswith(":"))


class Seen:
    """Samples of one record so far: exact and near repeats of the same task are refused."""

    def __init__(self) -> None:
        self._shingles: list[tuple[str, frozenset[tuple[str, ...]]]] = []

    def repeats(self, draft: Draft) -> bool:
        """Whether a sample like this was seen; remembers it when not."""
        words = re.findall(r"[\w']+(?:\.\d+)?", " ".join(f"{question} {answer.text}" for question, answer in draft.pairs).lower())
        mine = frozenset(zip(words, words[1:], words[2:], strict=False)) or frozenset([tuple(words)])
        for task, other in self._shingles:
            if task == draft.task and len(mine & other) >= NEAR * len(mine | other):
                return True
        self._shingles.append((draft.task, mine))
        return False
