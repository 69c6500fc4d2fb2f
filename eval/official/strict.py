"""Answers read as a person would: whole terms, what is denied is not said, options by their place, sets exactly; or "cannot tell"."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from gem.report.lexicon import compiled

_AFTER = re.compile(r"(?:final )?answers?\s*(?:is|are)?\s*[:=]\s*", re.IGNORECASE)
_LETTER_ALONE = re.compile(r"[\s\"'*_(\[]*([A-H])[\s\"'*_)\].:,;]*")
_LETTER_FIRST = re.compile(r"[\s\"'*_(\[]*([A-H])\s*[\"'*_]*[).:\]]+[\"'*_]*(?:\s|$)")
_LETTER_NAMED = re.compile(
    r"\b(?:answers?|options?|choices?|diagnosis|pick|choose|select(?:ed)?)\b"
    r"(?:\s+(?:is|are|was|would be|must be|should be|here|correct|option|letter)\b)*\s*:?\s*[\"'*_(\[]*([A-H])[\"'*_)\]]*(?![A-Za-z'])",
)
_OPTION_LINE = re.compile(r"^\s*([A-H])\s*[.):]\s*(.+?)\s*$", re.MULTILINE)
_LEAD = r"(?:aV[RLF]|V[1-6]|III|II|I)"
_LEAD_LIST = re.compile(rf"\bleads?\s+({_LEAD}(?:(?:\s*,\s*(?:and\s+)?|\s*/\s*|\s+and\s+|\s*&\s*)(?:leads?\s+)?{_LEAD}\b)+)", re.IGNORECASE)
_VERIFY = ("yes", "no", "not sure")
_DENIED_AFTER = re.compile(
    r"\s*(?:is|are|was|were)?\s*(?:not (?:present|seen|found|likely|evident)|absent|excluded|ruled out|unlikely|incorrect|wrong)\b",
    re.IGNORECASE,
)
_DENIED_BEFORE = re.compile(
    r"\b(?:rule[sd]? out|ruling out|exclude[sd]?|excluding|not|instead of|rather than|except(?: for)?)\s+(?:\w+\s+){0,2}$", re.IGNORECASE
)

Terms = Mapping[str, str]
"""Label -> pattern of everything that says it; case counts where the pattern does not say otherwise."""

PTB_SUPER: Terms = {
    "NORM": r"NORM|(?i:normal (?:ECG|electrocardiogram|EKG|tracing))",
    "MI": r"MI|(?i:myocardial infarction)",
    "STTC": r"STTC|(?i:ST[-/ ]?T(?: wave)? changes?)",
    "CD": r"CD|(?i:conduction disturbances?)",
    "HYP": r"HYP|(?i:hypertrophy)",
}
CPSC: Terms = {
    "NORM": r"NORM|(?i:normal (?:ECG|electrocardiogram|EKG|tracing|sinus rhythm))",
    "AF": r"AF|AFIB|(?i:atrial fibrillation)",
    "I-AVB": r"I-AVB|(?i:(?:first|1st)[- ]degree (?:AV|atrioventricular) block)",
    "LBBB": r"LBBB|(?i:left bundle[- ]branch block)",
    "RBBB": r"RBBB|(?i:right bundle[- ]branch block)",
    "PAC": r"PACs?|(?i:premature atrial (?:contractions?|complex(?:es)?|beats?))",
    "PVC": r"PVCs?|(?i:premature ventricular (?:contractions?|complex(?:es)?|beats?))",
    "STD": r"STD|(?i:ST[- ](?:segment )?depression)",
    "STE": r"STE|(?i:ST[- ](?:segment )?elevation)",
}
CODE15: Terms = {
    "1dAVb": r"(?i:1dAVb)|(?i:(?:first|1st)[- ]degree (?:AV|atrioventricular) block)",
    "RBBB": CPSC["RBBB"],
    "LBBB": CPSC["LBBB"],
    "SB": r"SB|(?i:sinus bradycardia)",
    "ST": r"ST(?![- ]?(?:T\b|(?i:segment|elevation|depression|change|deviation|abnormal)))|(?i:sinus tachycardia)",
    "AF": CPSC["AF"],
    "NORM": r"NORM|(?i:normal (?:ECG|electrocardiogram|EKG|tracing))",
    "ABNORMAL": r"ABNORMAL|(?i:abnormal (?:ECG|electrocardiogram|EKG|tracing))",
}


def final_part(text: str) -> str:
    """What follows the last "Answer:" (and a closed reasoning block), where there is one; else everything."""
    text = text.rpartition("</think>")[2]
    inside = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL | re.IGNORECASE)
    if inside:
        return str(inside[-1]).strip()
    found = list(_AFTER.finditer(text))
    return text[found[-1].end() :].strip() if found and text[found[-1].end() :].strip() else text.strip()


def labels(text: str, terms: Terms) -> list[str] | None:
    """The labels an answer asserts, in the order of `terms`; None when it names none at all.

    A label that is only denied is not asserted ([] when all are); where it is said and denied, the last word counts.
    """
    text = final_part(text)
    denied = _denied(text)
    out: dict[str, bool] = {}
    for label, pattern in terms.items():
        for found in _bounded(pattern).finditer(text):
            out[label] = not denied(found.start(), found.end())
    return [label for label in terms if out.get(label)] if out else None


def options_of(question: str) -> dict[str, str]:
    """Letter -> text of the options a multiple-choice question lists, one a line ("A. sinus rhythm")."""
    return dict(_OPTION_LINE.findall(question))


def letter(text: str, options: Mapping[str, str]) -> str | None:
    """The option chosen, or None when none or several are: by letter in the place of an answer, else by an option's text."""
    text = final_part(text)
    alone = _LETTER_ALONE.fullmatch(text) or _LETTER_FIRST.match(text)
    if alone:
        return alone[1] if alone[1] in options else None
    named = {
        m[1] for m in _LETTER_NAMED.finditer(text) if m[1] in options and not (m[1] == "A" and _is_article(text[m.end() :], options["A"]))
    }
    if named:
        return named.pop() if len(named) == 1 else None
    said = {key for key, option in options.items() if option in chosen(text, list(options.values()))}
    return said.pop() if len(said) == 1 else None


def _is_article(after: str, option: str) -> bool:
    """Whether the A in "the answer is A normal ECG" is a word and not the option, whose text would follow."""
    word = after.lstrip()
    return bool(word) and after[:1].isspace() and word[0].islower() and not word.lower().startswith(option.lower()[:12])


def chosen(text: str, options: Sequence[str]) -> set[str]:
    """The options an answer names as whole terms and does not deny, longest first, so "left axis" is not "axis".

    Lists of leads are read ("leads I, II and V3"). For options of yes and no, the first word decides.
    """
    text = final_part(text)
    lowered = {one.lower(): one for one in options}
    if set(lowered) <= {*_VERIFY, "none"}:
        return _verified(text, lowered)
    if text.strip(" .\"'*").lower() in lowered:
        return {lowered[text.strip(" .\"'*").lower()]}
    text = _LEAD_LIST.sub(lambda m: " / ".join(f"lead {one}" for one in re.findall(_LEAD, m[1], re.IGNORECASE)), text)
    denied = _denied(text)
    taken: list[tuple[int, int]] = []
    out = set()
    for low, option in sorted(lowered.items(), key=lambda item: -len(item[0])):
        if low in ("no", "yes", "not sure"):
            continue  # beside other options these are only answers when they are the whole answer, which was tried above
        for found in _bounded(rf"(?i:{re.escape(low)})").finditer(text):
            if any(a < found.end() and found.start() < b for a, b in taken):
                continue
            taken.append(found.span())
            if low == "none" or not denied(*found.span()):
                out.add(option)
    return out


def _verified(text: str, options: Mapping[str, str]) -> set[str]:
    """The first of yes, no, not sure that opens the answer; else the only one in it."""
    found = re.findall(r"(?<![a-z])(not sure|uncertain|yes|none|no)(?![a-z])", text.lower())
    opening = re.match(r"[\W_]*(not sure|uncertain|yes|none|no)(?![a-z])", text.lower())
    word = opening[1] if opening else found[0] if len(set(found)) == 1 else ""
    word = "not sure" if word == "uncertain" else word
    return {options[word]} if word in options else set()


@cache
def _bounded(pattern: str) -> re.Pattern[str]:
    """A pattern as a whole term: no letter, digit or joining hyphen beside it (III-AVB is no I-AVB, LAFB no AF)."""
    return re.compile(rf"(?<![A-Za-z0-9])(?<![A-Za-z0-9]-)(?:{pattern})(?![A-Za-z0-9])(?!-[A-Za-z0-9])")


@cache
def _marks() -> dict[str, re.Pattern[str]]:
    """The words of denial and the ends of clauses, as everywhere in this project (gem.report.lexicon)."""
    kinds: dict[str, list[str]] = {"no": [], "gone": [], "break": []}
    for term, pattern in compiled():
        if term.kind in kinds:
            kinds[term.kind].append(pattern.pattern)
    return {kind: re.compile("|".join(f"(?:{one})" for one in ones), re.IGNORECASE | re.ASCII) for kind, ones in kinds.items()}


def _denied(text: str) -> Callable[[int, int], bool]:
    """A function (start, end) -> whether a term there is denied: a "no" before it in its clause, or "is absent" after it."""
    marks = _marks()
    ends = [found.start() for found in marks["break"].finditer(text)] + [found.start() for found in re.finditer(r"\n", text)]
    no = [found.start() for found in marks["no"].finditer(text)]
    gone = [found.start() for found in marks["gone"].finditer(text)]

    def denied(start: int, end: int) -> bool:
        left = max((at for at in ends if at < start), default=-1)
        right = min((at for at in ends if at >= end), default=len(text))
        before = any(left < at < start for at in no) or _DENIED_BEFORE.search(text[max(0, left) : start]) is not None
        after = any(end <= at < right for at in gone) or _DENIED_AFTER.match(text[end:]) is not None
        return before or after

    return denied
