"""Numbers by reference: where a model was told what was measured, it writes the name of a quantity, and the number told is put there.

A small model that spells numbers digit by digit gets them wrong. A model whose tokenizer has the tokens of `NAMES` writes "PR interval
⟦PR interval⟧ ms" instead; `spelled` puts the number there that the prompt holds, and `quoted` makes such texts of a training answer.
A quantity that was not told cannot be quoted: it is spelled as "?", and no number is made up.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gem.ecg.lead import STANDARD
from gem.report.phrase import OVER_ALL

_OPEN, _CLOSE = "⟦", "⟧"
_IN_LEADS = ("Q ms", "Q mV", "ST", "T")
NAMES: tuple[str, ...] = tuple(
    f"{_OPEN}{name}{_CLOSE}" for name in (*dict.fromkeys(OVER_ALL.values()), *(f"{what} {lead}" for lead in STANDARD for what in _IN_LEADS))
)
"""Tokens of a tokenizer that quotes."""
_QUANTITY = re.compile(rf"({'|'.join(re.escape(name) for name in sorted(OVER_ALL.values(), key=len, reverse=True))}) (-?\d+(?:\.\d+)?)")
_LEAD = r"(aVR|aVL|aVF|V[1-6]|III|II|I)\b"
_Q = re.compile(rf"(\d+(?:\.\d+)?) ms (\d+(?:\.\d+)?) mV in {_LEAD}")
_LEVEL = re.compile(rf"(-?\d+(?:\.\d+)?) mV in {_LEAD}")
_NUMBER = re.compile(r"(?<![\w.⟦-])-?\d+(?:\.\d+)?(?= ?(?:ms|mV|bpm|degrees)\b)|(?<![\w.⟦-])\d+(?:\.\d+)?(?= mV| and|,| in)")
_TOKEN = re.compile(f"{_OPEN}([^{_OPEN}{_CLOSE}]+){_CLOSE}")
_WORDS = {
    "heart rate": ("rate", "bpm"), "P wave duration": ("P wave", "P lasts"), "PR interval": ("PR",), "QRS duration": ("QRS",),
    "QT interval": ("QT ", "QT interval"), "QTc (Bazett)": ("Bazett", "QTc"), "QTc (Fridericia)": ("Fridericia",), "P axis": ("P axis",),
    "QRS axis": ("axis",), "T axis": ("T axis",), "Sokolow-Lyon": ("Sokolow",), "Cornell": ("Cornell",),
}  # fmt: skip
_NEAR = 60
"""Characters around a number in which the name of its quantity is looked for, where two quantities have the same value."""


def told_numbers(text: str) -> dict[str, str]:
    """Name -> number as told, from the lines of `gem.infer.facts.fact_block`; the first of several."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("Measured: "):
            for match in _QUANTITY.finditer(line):
                found.setdefault(match[1], match[2])
        if line.startswith("In leads: "):
            for part in line.removeprefix("In leads: ").split("; "):
                for name, number in _in_leads(part):
                    found.setdefault(name, number)
    return found


def _in_leads(part: str) -> list[tuple[str, str]]:
    if part.startswith("Q wave "):
        return [pair for m in _Q.finditer(part) for pair in ((f"Q ms {m[3]}", m[1]), (f"Q mV {m[3]}", m[2]))]
    what = "ST" if part.startswith("ST ") else "T"
    return [(f"{what} {m[2]}", m[1]) for m in _LEVEL.finditer(part)]


def quoted(text: str, told: Mapping[str, str]) -> str:
    """The text with tokens for the numbers that were told; others stay."""
    by_number: dict[str, list[str]] = {}
    for name, number in told.items():
        by_number.setdefault(number.removeprefix("-"), []).append(name)

    def token(match: re.Match[str]) -> str:
        number = match.group()
        names = by_number.get(number.removeprefix("-"), [])
        if not names:
            return number
        name = _meant(names, text, match.start(), match.end())
        same = told[name] == number
        return f"{_OPEN}{name}{_CLOSE}" if same or not number.startswith("-") else number

    return _NUMBER.sub(token, text)


def _meant(names: Sequence[str], text: str, start: int, end: int) -> str:
    """Of quantities with the same value the one that stands nearest before the number, or whose lead stands nearest behind."""
    if len(names) == 1:
        return names[0]
    before, behind = text[max(0, start - _NEAR) : start], text[end : end + _NEAR // 2]
    lead = re.search(rf"^(?: ?(?:ms|mV))? in {_LEAD}", behind)
    if lead is not None:
        mine = [name for name in names if name.endswith(f" {lead[1]}")]
        if mine:
            return mine[0]
    places = {name: max((before.rfind(word) for word in _WORDS.get(name, (name,))), default=-1) for name in names}
    return max(names, key=lambda name: places[name])


def spelled(text: str, told: Mapping[str, str]) -> str:
    """The text with the numbers told in the places of tokens, without a sign where the words before say it."""

    def number(match: re.Match[str]) -> str:
        value = told.get(match[1], "?")
        unsigned = match[1].startswith(("ST ", "T ")) and re.search(r"(?:depression|inversion|inverted)\b[^.;]*$", text[: match.start()])
        return value.removeprefix("-") if unsigned else value

    return _TOKEN.sub(number, text)


def quotes(tokenizer: Any) -> bool:
    """Whether a tokenizer has the tokens."""
    return NAMES[0] in tokenizer.get_vocab()


def open_token(text: str) -> int:
    """Where a token that is not yet whole begins in a text that is being made, or its length."""
    at = text.rfind(_OPEN)
    return at if at >= 0 and _CLOSE not in text[at:] else len(text)


def told_in(messages: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What the user's turns of a conversation tell."""
    texts = [part["text"] for m in messages if m["role"] == "user" for part in _parts(m["content"]) if part["type"] == "text"]
    return told_numbers("\n".join(texts))


def quoting(messages: Sequence[Mapping[str, Any]], told: Mapping[str, str]) -> list[dict[str, Any]]:
    """The conversation with the assistant's numbers as tokens."""
    return [{**m, "content": quoted(m["content"], told)} if m["role"] == "assistant" else dict(m) for m in messages]


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
