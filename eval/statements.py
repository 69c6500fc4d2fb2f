"""SCP statements of PTB-XL against the findings that a text asserts."""

from collections.abc import Collection
from functools import cache

from gem.knowledge.statement import statements
from gem.report.claim import read_claims


@cache
def english() -> dict[str, str]:
    """SCP code -> words: those of the finding that stands for the fewest other codes; NORM is a normal ECG."""
    out: dict[str, tuple[int, str]] = {}
    for statement in statements().values():
        for code in statement.scp:
            best = out.get(code)
            if best is None or len(statement.scp) < best[0]:
                out[code] = (len(statement.scp), statement.text)
    return {code: text for code, (_, text) in out.items()} | {"NORM": "normal ECG"}


def as_text(codes: Collection[str]) -> str:
    """The statements in words, "" where none is known: "normal ECG; sinus rhythm"."""
    return "; ".join(dict.fromkeys(english()[code] for code in sorted(codes) if code in english()))


def against(text: str, codes: Collection[str]) -> dict[str, int]:
    """Counts: diagnoses the text asserts (claims) that a statement bears out (right), and statements (codes) that it asserts (caught).

    A claim that any of several findings would make true is right when one of them is. Diagnoses without an SCP statement, denied and
    only considered ones do not count.
    """
    said = [c.subject for c in read_claims(text) if c.kind in ("finding", "wave") and not c.negated and not c.hedged]
    mapped = [{code for key in subject if key in statements() for code in statements()[key].scp} for subject in said]
    meant = list({frozenset(some) for some in mapped if some})
    there = {code for code in codes if code in english() and code != "NORM"}
    right = sum(bool(some & there) for some in meant)
    caught = sum(any(code in some for some in meant) for code in there)
    return {"claims": len(meant), "right": right, "codes": len(there), "caught": caught}
