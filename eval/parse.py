"""Reading an answer strictly: whole terms, negation, positions; what is not unmistakable is None (unparsed)."""

import re
from collections.abc import Mapping, Sequence

_CLAUSE = re.compile(r"[.;\n]|\bbut\b|\bhowever\b|\balthough\b", re.IGNORECASE)
_NOT = re.compile(r"\b(?:no|not|without|neither|nor|absent|absence of|negative for|rule[sd]? out|excluded?|denies)\b", re.IGNORECASE)
_YES = re.compile(r"\b(yes|no)\b", re.IGNORECASE)
_CHOSEN = re.compile(r"(?:answer|option|choice|choose|select)(?:\s+(?:is|would be))?\s*:?\s*\(?([A-H])\)?(?![\w'])", re.IGNORECASE)
_FIRST = re.compile(r"^\s*(?:\*\*)?\(?([A-H])\)?(?:[.):,\s*-]|$)")
_NUMBER = re.compile(
    r"(?<![\w.])([-+]?\d+(?:\.\d+)?)\s*(ms|msec|milliseconds?|s|sec|seconds?|bpm|/min|beats per minute|deg|degrees?|°|mv|millivolts?)?"
    r"(?!\w)",
    re.IGNORECASE,
)
_UNITS = {
    "ms": ("ms", 1.0), "msec": ("ms", 1.0), "millisecond": ("ms", 1.0), "milliseconds": ("ms", 1.0),
    "s": ("ms", 1e3), "sec": ("ms", 1e3), "second": ("ms", 1e3), "seconds": ("ms", 1e3),
    "bpm": ("bpm", 1.0), "/min": ("bpm", 1.0), "beats per minute": ("bpm", 1.0),
    "deg": ("deg", 1.0), "degree": ("deg", 1.0), "degrees": ("deg", 1.0), "°": ("deg", 1.0),
    "mv": ("mV", 1.0), "millivolt": ("mV", 1.0), "millivolts": ("mV", 1.0),
}  # fmt: skip


_SHORT = 8
"""Words of an answer beyond which a number without a unit may be about anything."""


def terms_in(text: str, terms: Mapping[str, Sequence[str]]) -> dict[str, bool]:
    """Label -> asserted (True) or denied (False), for every label one of whose terms is there as a whole.

    terms  label -> its spellings; one in capitals is a code and must be so written, others in any case

    A negation reaches from its word to the end of its clause; a label that is both asserted and denied counts as asserted.
    """
    out: dict[str, bool] = {}
    for clause in _CLAUSE.split(text):
        denial = _NOT.search(clause)
        for label, spellings in terms.items():
            for spelling in spellings:
                flags = 0 if spelling.isupper() else re.IGNORECASE
                for match in re.finditer(rf"(?<![\w-]){re.escape(spelling)}(?![\w-])", clause, flags):
                    denied = denial is not None and denial.end() <= match.start()
                    out[label] = out.get(label, False) or not denied
    return out


def yes_or_no(text: str) -> bool | None:
    """Yes or no as the first word, or as the only one of the two in the answer."""
    said = [word.lower() for word in _YES.findall(text)]
    if not said:
        return None
    first = re.match(r"\W*(yes|no)\b", text, re.IGNORECASE)
    if first:
        return first.group(1).lower() == "yes"
    return said[0] == "yes" if len(set(said)) == 1 else None


def option_of(text: str, options: Sequence[str]) -> int | None:
    """Which option: its letter at the beginning, a stated choice, or the text of exactly one option; None when it stays open.

    options  as the model saw them, "A. text" or the text alone
    """
    bare = [re.sub(r"^[A-H][.)]\s*", "", option) for option in options]
    said = text.strip()
    exact = [k for k, option in enumerate(options) if said.casefold() in (option.casefold(), bare[k].casefold())]
    if len(exact) == 1:
        return exact[0]
    named = {match.upper() for match in _CHOSEN.findall(said)}
    first = _FIRST.match(said)
    if first and (len(said) <= 3 or said[first.end() - 1] in ".):,*-" or len(said.split()) <= 2):
        named = {first.group(1).upper()}
    if len(named) == 1:
        k = ord(named.pop()) - ord("A")
        return k if k < len(options) else None
    whole = [k for k, option in enumerate(bare) if re.search(rf"(?<!\w){re.escape(option)}(?!\w)", said, re.IGNORECASE)]
    longest = [k for k in whole if not any(j != k and bare[k].casefold() in bare[j].casefold() for j in whole)]
    return longest[0] if len(longest) == 1 else None


def number_in(text: str, unit: str) -> float | None:
    """The one number in this unit, or, in a short answer without units, the only number; None where several different ones are there."""
    found = _NUMBER.findall(text)
    in_unit = {float(n) * _UNITS[u.lower()][1] for n, u in found if u and _UNITS[u.lower()][0] == unit}
    if in_unit:
        return in_unit.pop() if len(in_unit) == 1 else None
    if any(u for _, u in found) or len(text.split()) > _SHORT:
        return None
    bare = {float(n) for n, _ in found}
    return bare.pop() if len(bare) == 1 else None
