"""Our rule engine as a model under test: measurements, criteria, and the template that writes them.

It reads signals, never pictures. A turn whose `meta["asks"]` states its question in a known form is answered from findings and
measurements; the options of any other are judged as claims by the ruler, and the best of them chosen.
"""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from eval.load import measured
from eval.models.config import Baseline
from eval.models.model import Prompt, refused
from eval.sample import Answer
from gem.errors import GemError, NotReadable
from gem.knowledge.find import Findings
from gem.measure.measurement import Measurements, fiducials_json
from gem.report.verify import CONTRADICTED, SUPPORTED, verify
from gem.report.write import write

_SURE = math.log(0.95), math.log(0.05)
_VERDICTS = {SUPPORTED: 2.0, CONTRADICTED: -2.0}

Known = tuple[Measurements, Findings]


class Rules:
    """One answer a prompt; a recording that forbids an interpretation is answered with that, which parses as nothing."""

    def __init__(self, config: Baseline) -> None:
        self.name, self.fingerprint = "rules", config.model_dump(mode="json")

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        return [self._one(prompt) for prompt in prompts]

    def _one(self, prompt: Prompt) -> Answer:
        if not prompt.sample.ecgs:
            return refused(prompt)
        try:
            known = measured(prompt.sample.ecgs[0])
        except NotReadable:
            return refused(prompt)
        except GemError as fault:
            return Answer(error=str(fault))
        asks = prompt.turn.meta.get("asks")
        if asks is None:
            return self._judged(prompt, known)
        text, chosen = _FORMS[asks["form"]](asks, known, prompt)
        if not prompt.turn.options:
            return Answer(text=text)
        likely = tuple(_SURE[0] if option == chosen else _SURE[1] for option in prompt.turn.options)
        return Answer(text=chosen or text, likelihoods=likely)

    def _judged(self, prompt: Prompt, known: Known) -> Answer:
        """Without options the report; with them the one that the trace supports best, judged as a claim."""
        if not prompt.turn.options:
            return Answer(text=write(*known).text)
        worth = []
        for option in prompt.turn.options:
            said = [v.verdict for v in verify(option, *known).verdicts]
            worth.append(sum(_VERDICTS.get(verdict, 0.0) for verdict in said) / max(1, len(said)))
        best = prompt.turn.options[max(range(len(worth)), key=worth.__getitem__)]
        total = math.log(sum(math.exp(one) for one in worth))
        return Answer(text=best, likelihoods=tuple(one - total for one in worth))


def _report(asks: Any, known: Known, prompt: Prompt) -> tuple[str, str | None]:
    return write(*known).text, None


def _label(asks: Any, known: Known, prompt: Prompt) -> tuple[str, str | None]:
    """{"form": "label", "findings": [...]}: any of these findings present; {"none_of": [...]}: none of them."""
    there = known[1].has(*asks["findings"]) if "findings" in asks else not known[1].has(*asks["none_of"])
    chosen = prompt.turn.options[0 if there else 1]
    return chosen, chosen


def _labels(asks: Any, known: Known, prompt: Prompt) -> tuple[str, str | None]:
    """{"form": "labels", "of": {label: [findings]}, "else": label}: every label with a finding; the last where there is none."""
    said = [label for label, keys in asks["of"].items() if known[1].has(*keys)]
    return "; ".join(said or [asks["else"]]), None


def _value(asks: Any, known: Known, prompt: Prompt) -> tuple[str, str | None]:
    """{"form": "value", "name", "lead"}: a measurement; where options are ranges ({"ranges": [[low, high], ...]}) the one it lies in."""
    m = known[0].get(asks["name"], asks.get("lead"))
    if m.value is None:
        return "It cannot be measured.", None
    inside = [k for k, (low, high) in enumerate(asks.get("ranges", ())) if low <= m.value < high]
    return f"{m.value:.4g} {m.unit}", prompt.turn.options[inside[0]] if inside else None


def _limit(asks: Any, known: Known, prompt: Prompt) -> tuple[str, str | None]:
    """{"form": "limit", "name", "low": x or None, "high": y or None}: is it at least low and below high? The first option is yes."""
    value = known[0].get(asks["name"], asks.get("lead")).value
    if value is None:
        return "It cannot be measured.", None
    low, high = asks.get("low"), asks.get("high")
    holds = (low is None or value >= low) and (high is None or value < high)
    chosen = prompt.turn.options[0 if holds else 1]
    return chosen, chosen


def _lead(asks: Any, known: Known, prompt: Prompt) -> tuple[str, str | None]:
    """{"form": "lead", "name", "leads": [...], "pick": "lowest" or "highest"}: the lead with the extreme of a measurement."""
    values = {lead: m.value for lead in asks["leads"] if (m := known[0].get(asks["name"], lead)).value is not None}
    if not values:
        return "It cannot be measured in any of these leads.", None
    best = (min if asks["pick"] == "lowest" else max)(values, key=values.__getitem__)
    chosen = next(option for option in prompt.turn.options if option.endswith(f" {best}"))
    return chosen, chosen


def _known_option(asks: Any, known: Known, prompt: Prompt) -> tuple[str, str | None]:
    """{"form": "knowledge", "answer": k}: what needs no ECG; the rule engine has the criteria by heart."""
    chosen = prompt.turn.options[asks["answer"]]
    return chosen, chosen


def _delineation(asks: Any, known: Known, prompt: Prompt) -> tuple[str, str | None]:
    return json.dumps({"delineation": fiducials_json(known[0].delineation)}), None


_FORMS: dict[str, Callable[[Any, Known, Prompt], tuple[str, str | None]]] = {
    "report": _report,
    "label": _label,
    "labels": _labels,
    "value": _value,
    "limit": _limit,
    "lead": _lead,
    "knowledge": _known_option,
    "delineation": _delineation,
}
