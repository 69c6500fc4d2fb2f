"""A sentence as tokens: terms, numbers with units, leads, beats. What is none of these is passed over."""

import re
from dataclasses import dataclass
from functools import cache

from gem.ecg.lead import CHEST, GROUPS, LIMB, STANDARD, canonical
from gem.report.lexicon import Term, compiled

RELATIONS = {
    "=": r"",
    "~": r"about|approximately|approx\.?|around|roughly|nearly|circa|~|≈",
    ">": r">|above|over|more than|greater than|exceed(?:s|ing)?|longer than|larger than|taller than|deeper than|beyond",
    ">=": r">=|≥|at least|no less than|not less than|from",
    "<": r"<|below|under|less than|shorter than|smaller than|short of",
    "<=": r"<=|≤|at most|up to|no more than|not more than|does not exceed|do not exceed|maximum(?: of)?",
}
_UNITS = {
    "bpm": r"bpm|beats (?:per|a) min(?:ute)?|beats/min(?:ute)?|/ ?min(?:ute)?|per minute|a minute",
    "mV ms": r"mV ?[·*x]? ?ms",
    "mm s": r"mm ?[·*x]? ?s(?:ec)?(?![a-z/])",
    "ms": r"ms(?:ec)?|milliseconds?",
    "s": r"s(?:ec(?:onds?)?)?(?![a-z])",
    "mV": r"mV|millivolts?",
    "uV": r"[uµμ]V|microvolts?",
    "mm": r"mm(?! ?/)",
    "deg": r"°|deg(?:rees?)?",
    "%": r"%",
}
_NUMBER = r"[-+−–]?\d+(?:\.\d+)?"
_ANY_UNIT = "|".join(f"(?P<u{k}>{pattern})" for k, pattern in enumerate(_UNITS.values()))
_RELATION = "|".join(f"(?P<r{k}>{pattern})" for k, pattern in enumerate(RELATIONS.values()) if pattern)
_VALUE = re.compile(
    rf"(?<![\w.:/'’])(?:(?:{_RELATION})\s*)?(?P<between>between\s+)?(?P<a>{_NUMBER})"
    rf"(?:\s*(?:to|and|-|–|−)\s*(?P<b>{_NUMBER}))?\s*-?(?:{_ANY_UNIT})(?![A-Za-z])",
    re.IGNORECASE,
)
_WORD_NUMBERS = {
    w: k for k, w in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"])
}
_COUNT = re.compile(rf"(?<![\w.:/'’°-])(?P<n>\d{{1,2}}|{'|'.join(_WORD_NUMBERS)})(?![\w.:/%°-])", re.IGNORECASE)
_BEATS = re.compile(
    r"\bbeats?\s+(?:no\.? |number )?(?P<list>\d+(?:(?:\s*,\s*|\s*(?:and|or|&)\s*|\s*,\s*and\s*)\d+)*)\b(?!\s*(?:per|a)\b)", re.IGNORECASE
)

_ONE = r"(?:a[vV][RLFrlf]|A[Vv][RLFrlf]|avr|avl|avf|[Vv][1-9]R?|III|II|I)"
_SPAN = rf"{_ONE}(?:\s*(?:-|–|to|through|thru)\s*(?:[Vv]?[1-6]|{_ONE}))?"
_GROUP_WORDS = {
    "infero-?lateral": ("II", "III", "aVF", "I", "aVL", "V5", "V6"),
    "antero-?lateral": ("I", "aVL", "V3", "V4", "V5", "V6"),
    "antero-?septal": GROUPS["anteroseptal"],
    "high lateral": GROUPS["high lateral"],
    "low lateral": GROUPS["low lateral"],
    "inferior": GROUPS["inferior"],
    "lateral": GROUPS["lateral"],
    "septal": GROUPS["septal"],
    "anterior": GROUPS["anteroseptal"],
    "limb|extremity|frontal(?: plane)?": LIMB,
    "right (?:precordial|chest)": ("V1", "V2"),
    "mid-?(?:precordial|chest)": ("V3", "V4"),
    "left (?:precordial|chest)": ("V5", "V6"),
    "precordial|chest": CHEST,
    "all(?: the)?(?: (?:12|twelve))?|every|(?:12|twelve)": STANDARD,
}
_GROUP = "|".join(f"(?P<g{k}>{pattern})" for k, pattern in enumerate(_GROUP_WORDS))
_LEADS = re.compile(
    rf"(?<![\w'’])(?P<word>leads?\s+)?(?P<list>{_SPAN}(?:(?:\s*,\s*(?:and\s+|or\s+)?|\s*(?:and|or|&|\+|/)\s*)(?:leads?\s+)?{_SPAN}(?![\w'’]))*)(?![\w'’])"
)
_GROUP_LEADS = re.compile(rf"\b(?:the\s+)?(?:{_GROUP})\s+leads?\b", re.IGNORECASE)
_BEFORE_BARE = re.compile(r"(?:\b(?:in|of|from|lead|leads|and|or|to|across|throughout)\s+|[(,/]\s*)$", re.IGNORECASE)


_QT_PAIR = re.compile(r"\bQT\s*/\s*(QTc[BF]?)(?: interval)?\s*[:=]?\s*(\d{3})\s*/\s*(\d{3})\s*ms\b")
"""The carts' way of printing two numbers at once."""


@dataclass(frozen=True)
class Token:
    """kind: one of Term.kind, or "number", "count", "leads", "beats"; start and end in the sentence."""

    kind: str
    start: int
    end: int
    ids: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    beats: tuple[int, ...] = ()
    relation: str = "="
    value: float = 0.0
    upper: float | None = None
    unit: str = ""


@cache
def _terms() -> list[tuple[Term, re.Pattern[str]]]:
    return compiled()


def tokens(sentence: str) -> list[Token]:
    """All tokens of a sentence in order; of overlapping ones the longest, then the first, stays."""
    found = [*_numbers(sentence), *_leads(sentence), *_beats(sentence), *_counts(sentence)]
    for term, pattern in _terms():
        found += [Token(term.kind, m.start(), m.end(), ids=term.ids) for m in pattern.finditer(sentence)]
    pairs = [token for m in _QT_PAIR.finditer(sentence) for token in _pair(m)]
    found = [token for token in found if not any(a.start <= token.start < b.end for a, b in zip(pairs[::4], pairs[3::4], strict=True))]
    kept: list[Token] = []
    for token in sorted(found, key=lambda t: (t.start - t.end, t.start)):
        if all(token.end <= other.start or token.start >= other.end for other in kept):
            kept.append(token)
    return sorted([*kept, *pairs], key=lambda t: t.start if t not in pairs else pairs[0].start)


def _pair(m: re.Match[str]) -> list[Token]:
    """QT, its number, QTc, its number: in the order in which they belong together."""
    corrected = {"QTcB": "qtc_bazett", "QTcF": "qtc_fridericia"}.get(m[1], "qtc")
    return [
        Token("quantity", m.start(), m.start() + 2, ids=("qt_interval",)),
        Token("number", m.start(2), m.end(2), value=float(m[2]), unit="ms"),
        Token("quantity", m.start(1), m.end(1), ids=(corrected,)),
        Token("number", m.start(3), m.end(), value=float(m[3]), unit="ms"),
    ]


def _float(text: str) -> float:
    return float(text.replace("−", "-").replace("–", "-"))


def _numbers(sentence: str) -> list[Token]:
    out = []
    for m in _VALUE.finditer(sentence):
        unit = next(name for k, name in enumerate(_UNITS) if m[f"u{k}"])
        relation = next((sign for k, sign in enumerate(RELATIONS) if RELATIONS[sign] and m[f"r{k}"]), "=")
        a, b = _float(m["a"]), m["b"]
        upper = _float(b) if b else None
        if upper is not None and upper < 0 and a > 0 and not m["between"]:
            upper = -upper
        out.append(
            Token("number", m.start(), m.end(), relation="range" if upper is not None else relation, value=a, upper=upper, unit=unit)
        )
    return out


def _counts(sentence: str) -> list[Token]:
    return [
        Token("count", m.start(), m.end(), value=float(_WORD_NUMBERS.get(m["n"].lower(), m["n"] if m["n"].isdigit() else 0)))
        for m in _COUNT.finditer(sentence)
    ]


def _beats(sentence: str) -> list[Token]:
    return [
        Token("beats", m.start(), m.end(), beats=tuple(int(n) for n in re.findall(r"\d+", m["list"]))) for m in _BEATS.finditer(sentence)
    ]


def _leads(sentence: str) -> list[Token]:
    out = []
    for m in _GROUP_LEADS.finditer(sentence):
        if sentence[: m.start()].rstrip().endswith("over"):  # "over all leads" is not in each of them
            continue
        leads = next(group for k, group in enumerate(_GROUP_WORDS.values()) if m[f"g{k}"])
        out.append(Token("leads", m.start(), m.end(), leads=leads))
    for m in _LEADS.finditer(sentence):
        names = _expanded(m["list"])
        bare = names == ("I",) and not m["word"] and not _BEFORE_BARE.search(sentence[: m.start()])
        if names and not bare:
            out.append(Token("leads", m.start(), m.end(), leads=names))
    return out


def _expanded(text: str) -> tuple[str, ...]:
    """Names in a list such as "V1 to V4, aVF and III", ranges filled, order kept."""
    names: list[str] = []
    for m in re.finditer(rf"(?P<a>{_ONE})(?:\s*(?:-|–|to|through|thru)\s*(?P<b>[Vv]?[1-6]|{_ONE}))?", text):
        first = canonical(m["a"])
        last = canonical(f"V{m['b']}" if m["b"] and m["b"].isdigit() else m["b"]) if m["b"] else first
        order = CHEST if first in CHEST and last in CHEST else LIMB
        if first in order and last in order and order.index(first) <= order.index(last):
            names += order[order.index(first) : order.index(last) + 1]
        else:
            names += [first, last]
    return tuple(dict.fromkeys(names))
