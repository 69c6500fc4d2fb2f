"""Options and references of ECG-QA questions, in either form they are published in."""

import re
from collections.abc import Iterable

from eval.official import strict
from eval.official.compat import FIXED_SUFFIX

_COMMA = re.compile(r",\s*(?![^()]*\))")
"""One that does not stand inside an option ("bigeminal pattern (unknown origin, supraventricular, or ventricular)")."""


def listed(question: str) -> tuple[str, ...]:
    """The options that a prompt lists after "Options:", () when it lists none."""
    _, sign, tail = question.rpartition("Options:")
    if not sign:
        return ()
    parts = _COMMA.split(tail.replace(FIXED_SUFFIX, "").strip().rstrip("."))
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def meant(reference: str | Iterable[str], options: Iterable[str]) -> set[str]:
    """The reference as a set of options: a list as it is, a text by the options in it ("lead aVF/lead V3")."""
    by_name = {one.lower(): one for one in options}
    if not isinstance(reference, str):
        return {by_name.get(one.strip().lower(), one.strip()) for one in reference}
    if reference.strip().lower() in by_name:
        return {by_name[reference.strip().lower()]}
    return strict.chosen(reference, list(by_name.values())) or {reference.strip()}
