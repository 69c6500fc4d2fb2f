"""Teachers without a model: an honest one that writes from the fact sheet, an adversary that alters it, and one that only repeats."""

import json
import random
import re
from dataclasses import dataclass
from typing import Any

from gem.ecg.lead import STANDARD
from gem.llm.message import Ask, ModelDown, Reply
from gem.report.tolerance import tolerance_of

_INTERVALS = {
    "heart_rate": ("heart rate", "bpm"), "pr_interval": ("PR interval", "ms"), "qrs_lead_median": ("QRS duration", "ms"),
    "qt_interval": ("QT interval", "ms"), "qtc_bazett": ("QTc (Bazett)", "ms"), "qrs_axis": ("QRS axis", "degrees"),
}  # fmt: skip
_WAVES = {"r_amplitude": "R wave", "s_amplitude": "S wave", "t_amplitude": "T wave"}


@dataclass(frozen=True)
class Said:
    """One sentence and, where it was altered, how."""

    text: str
    fault: str = ""


class Replay:
    """Answers nothing itself: what is not cached is missing."""

    def send(self, ask: Ask) -> Reply:
        raise ModelDown(f"replay: no cached answer to request {ask.key[:12]}; import the answers first, or name another cache")


class StandIn:
    """Writes from the fact sheet in the request. `faults` is the share of sentences that it alters; seeded by the request."""

    def __init__(self, faults: float = 0.0) -> None:
        self._faults = faults

    def send(self, ask: Ask) -> Reply:
        sentences = self.sentences(ask)
        texts = [one.text for one in sentences]
        if "turns" in ask.schema["properties"]:
            third = max(1, len(texts) // 3)
            turns = [{"question": "What do you see?", "answer": " ".join(texts[k : k + third])} for k in range(0, len(texts), third)]
            text = json.dumps({"turns": turns[:8]})
        else:
            text = json.dumps({"answer": " ".join(texts)}, ensure_ascii=False)
        return Reply(text, "adversary" if self._faults else "stand-in", len(ask.messages[0][1]) // 4, len(text) // 4)

    def sentences(self, ask: Ask) -> list[Said]:
        """What it says to a request, with the faults it planted."""
        sheet = json.loads(ask.messages[0][1].partition("\nFACTS\n")[2])
        rng = random.Random(ask.key)
        out = []
        for kind, make in (("value", _values), ("wave", _waves), ("finding", _findings), ("absence", _absences)):
            for sentence, altered in make(sheet, rng):
                wrong = rng.random() < self._faults and altered is not None
                out.append(Said(altered, kind) if wrong and altered is not None else Said(sentence))
        return out


def _values(sheet: dict[str, Any], rng: random.Random) -> list[tuple[str, str | None]]:
    """Intervals and axis, and the same with another number."""
    out: list[tuple[str, str | None]] = []
    for name, (what, unit) in _INTERVALS.items():
        if name not in sheet["global"] or sheet["global"][name].get("doubt"):
            continue
        value = sheet["global"][name]["value"]
        away = max(2.5 * tolerance_of(name).width(value), abs(value) * rng.uniform(0.25, 0.6)) * rng.choice((-1, 1))
        if name == "qrs_axis":
            wrong = (value + rng.choice((-1, 1)) * rng.uniform(35, 120) + 180) % 360 - 180
        else:
            wrong = value + away if value + away > 0 else value - away
        out.append((f"The {what} is {value:.0f} {unit}.", f"The {what} is {wrong:.0f} {unit}."))
    return out


def _waves(sheet: dict[str, Any], rng: random.Random) -> list[tuple[str, str | None]]:
    """Waves of leads, and the same with another number or in a lead where it is not so."""
    out: list[tuple[str, str | None]] = []
    for lead in rng.sample(list(sheet["per_lead"]), min(6, len(sheet["per_lead"]))):
        name = rng.choice(list(_WAVES))
        value = sheet["per_lead"][lead].get(name)
        if value is None or abs(value) < 0.08:
            continue
        width = tolerance_of(name).width(value)
        shown = abs(value) if name == "s_amplitude" else value
        others = {
            other: sheet["per_lead"].get(other, {}).get(name)
            for other in STANDARD
            if sheet["per_lead"].get(other, {}).get(name) is not None
        }
        far = [other for other, v in others.items() if abs(v - value) > 2.5 * max(width, tolerance_of(name).width(v))]
        number = shown + (1 if shown > 0 else -1) * max(3 * width, abs(shown) * rng.uniform(0.4, 1.0))
        altered = f"{_WAVES[name]} of {number:.2f} mV in {lead}."
        if far and rng.random() < 0.5:
            altered = f"{_WAVES[name]} of {shown:.2f} mV in {rng.choice(far)}."
        out.append((f"{_WAVES[name]} of {shown:.2f} mV in {lead}.", altered))
    return out


def _findings(sheet: dict[str, Any], rng: random.Random) -> list[tuple[str, str | None]]:
    """What is found, and the same denied, or another diagnosis in its place."""
    out: list[tuple[str, str | None]] = []
    for finding in sheet["findings"]:
        wrong = f"This ECG shows no {finding['text']}."
        if sheet["absent"] and rng.random() < 0.5:
            wrong = f"This ECG shows {rng.choice(sheet['absent'])}."
        out.append((f"This ECG shows {finding['text']}.", wrong))
    return out


def _absences(sheet: dict[str, Any], rng: random.Random) -> list[tuple[str, str | None]]:
    """What is not there, and the same asserted."""
    chosen = [text for text in rng.sample(sheet["absent"], min(4, len(sheet["absent"]))) if not re.search(r"swap", text)]
    return [(f"There is no sign of {text}.", f"There is {text}.") for text in chosen]
