"""Samples for a model that is told what was measured: answers that quote only what it is told, several questions in one conversation."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from data_gen.instruct.accept import NUMBER, without
from data_gen.instruct.draft import Draft
from gem.report.claim import sentences

_ANY = re.compile(r"\d+(?:\.\d+)?")
_LEAD = r"(?:aVR|aVL|aVF|V[1-6]|III|II|I)\b"
_IN_LEAD = re.compile(rf"(\d+(?:\.\d+)?) (ms|mV)(?: (\d+(?:\.\d+)?) mV)? in ({_LEAD})")
_OTHER_WAVES = re.compile(r"\b(?:P|R|S|R'|QRS|QT|PR|RR)\b")
"""What the lines about single leads do not give: they tell Q waves, ST levels and T waves."""


def only_told(draft: Draft, told: str) -> Draft | None:
    """The draft without sentences that state a number with a unit which `told` does not hold; None where an answer would lose all of it.

    An answer that may not lose a sentence is kept whole or not at all.
    """
    pairs = []
    for question, answer in draft.pairs:
        lost = [(a, b) for a, b in sentences(answer.text) if not answer.knowledge and _untold(answer.text[a:b], told)]
        if lost and not draft.free:
            return None
        text = without(answer.text, lost)
        if not text:
            return None
        pairs.append((question, replace(answer, text=text) if lost else answer))
    return replace(draft, pairs=tuple(pairs))


def _untold(sentence: str, told: str) -> bool:
    """Whether a number of the sentence is not told; one in a lead must be told of that lead."""
    numbers = {match.group().lstrip("-") for match in NUMBER.finditer(sentence)}
    if not numbers:
        return False
    if not re.search(_LEAD, sentence):
        return not numbers <= set(_ANY.findall(told))
    pairs = _pairs(sentence)
    return bool(_OTHER_WAVES.search(sentence)) or not pairs <= _pairs(told) or not numbers <= {number for number, _ in pairs}


def _pairs(text: str) -> set[tuple[str, str]]:
    """(number, lead) of every value in a lead."""
    return {(number, match[4]) for match in _IN_LEAD.finditer(text) for number in (match[1], match[3]) if number}


def joined(rows: Sequence[dict[str, Any]], turns: int, seed: int) -> list[dict[str, Any]]:
    """Conversations on one recording as longer ones of up to `turns` questions, in an order that follows from the seed and their ids."""
    order = sorted(rows, key=lambda row: hashlib.sha256(f"{seed} {row['id']}".encode()).digest())
    out: list[dict[str, Any]] = []
    for row in order:
        asked = len(row["turns"]) // 2
        last = out[-1] if out else None
        if last is not None and len(last["turns"]) // 2 + asked <= turns and last["ecgs"] == row["ecgs"]:
            out[-1] = last | {"turns": [*last["turns"], *row["turns"]], "task": "several"}
        else:
            out.append(row)
    return out
