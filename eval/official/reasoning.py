"""Chains of questions: ECG-Reasoning-Benchmark's steps, its own string rules (compat) and ours (strict), and what a chain is worth.

Source: arXiv 2603.14326 and github.com/Jwoo5/ecg-reasoning-benchmark (README, evaluators). A sample is one first question and loops of
four stages: which criterion, is the finding there, where is it (leads, waves, a measurement; none or several questions), and the decision.
A chain ends at its first wrong answer; every question is nevertheless asked, with the true answers before it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.official import strict
from eval.official.rows import BrokenRow
from eval.sample import Turn

INITIAL = "initial_diagnostic_question"
GROUNDING = ("lead_grounding", "wave_grounding", "measurement_grounding")
STAGES = ("criterion_selection", "finding_identification", *GROUNDING, "diagnostic_decision")
_OLD_NAMES = {"finding": "finding_identification", "decision": "diagnostic_decision", "grounding": "ecg_grounding"}
_LEADS = re.compile(r"\b(?:iii|ii|i|avr|avl|avf|v[1-6])\b")
_LEAD_PHRASE = re.compile(rf"\bleads?\s+{_LEADS.pattern}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+){_LEADS.pattern})*")
_RANGE = re.compile(r"\[?\s*-?\d+\.?\d*\s*[^\d\s]*\s*-\s*-?\d+\.?\d*\s*[^\d\s]*\s*\]?")


def turns_of(data: Mapping[str, Any]) -> list[Turn]:
    """All questions of a chain in order; `meta` says loop and stage. Raises `BrokenRow`.

    After the first, the history holds the true answers. After the first question it holds the model's own: release 0.0.1 put the truth
    there and so gave the diagnosis away.
    """
    try:
        first = data[INITIAL]
        loops = data.get("reasoning", data.get("path_1"))
        out = [_turn(first, INITIAL, -1, given=False)]
        for number, loop in enumerate(loops):
            steps = {_OLD_NAMES.get(key, key): step for key, step in loop.items()}
            grounding = steps.get("ecg_grounding") or []
            out.append(_turn(steps["criterion_selection"], "criterion_selection", number))
            out.append(_turn(steps["finding_identification"], "finding_identification", number))
            out += [_turn(step, str(step["question_type"]), number) for step in grounding]
            out.append(_turn(steps["diagnostic_decision"], "diagnostic_decision", number))
    except (KeyError, TypeError, AttributeError) as fault:
        raise BrokenRow(f"the chain lacks {fault}") from fault
    unknown = {turn.meta["stage"] for turn in out[1:]} - set(STAGES)
    if unknown:
        raise BrokenRow(f"the chain has questions of an unknown kind ({', '.join(sorted(map(str, unknown)))})")
    return out


def _turn(step: Mapping[str, Any], stage: str, loop: int, given: bool = True) -> Turn:
    options, answer = tuple(map(str, step["options"])), step.get("answer", "")
    reference = tuple(map(str, answer)) if isinstance(answer, list) else str(answer)
    listed = "\n".join(f"- {one}" for one in options)
    history = (", ".join(reference) if isinstance(reference, tuple) else reference) if given else None
    many = "all options that apply" if isinstance(answer, list) else "one option"
    question = f"{step['question']}\nOptions:\n{listed}\nAnswer with {many} only."
    return Turn(question=question, options=options, reference=reference, given=history, meta={"stage": stage, "loop": loop})


def compat_right(stage: str, reference: str | Sequence[str], text: str) -> bool:
    """By the published heuristic evaluator, but for its list of single sentences of single models, which are not repeated here.

    "Normal", "None" and "not sure" begin with "no" and count as No; a wave must be given to the letter.
    """
    one = reference if isinstance(reference, str) else (reference[0] if reference else "")
    gold, said = one.strip().lower(), text.strip().lower()
    if stage in (INITIAL, "finding_identification", "diagnostic_decision"):
        word = _published_yes_no(said.strip("."))
        return gold == (word if word or stage != "diagnostic_decision" else said.strip("."))
    if stage == "criterion_selection":
        said = text.strip("-").strip().lower()
        return gold == said or ("presence" in gold and said == gold.replace("presence of ", "") != "")
    if stage == "lead_grounding":
        listed = [reference] if isinstance(reference, str) else reference
        return _published_leads(said) == {lead.strip().lower() for lead in listed}
    if stage == "measurement_grounding" and gold != said:
        found = _RANGE.match(said)
        return found is not None and _RANGE.match(gold) is not None and gold == f"[{found.group().strip('[]')}]"
    return gold == said


def _published_yes_no(said: str) -> str:
    for word in ("yes", "no"):
        if said.startswith((word, f"**{word}**")) or said.endswith((word, f"**{word}**")):
            return word
    return ""


def _published_leads(said: str) -> set[str]:
    """Leads after "lead" or "leads", else the parts between commas, semicolons, slashes or line breaks."""
    while said != (said := said.strip("-").strip(":").strip()):
        pass
    phrases = [found.group() for found in _LEAD_PHRASE.finditer(said)]
    if phrases:
        parts = [lead for phrase in phrases for lead in _LEADS.findall(phrase)]
    else:
        said = said.replace("and", ",").replace("leads", "lead")
        sign = next((one for one in (",", ";", "/", "\n") if one in said), None)
        parts = [part.strip("-").strip() for part in said.split(sign) if part.strip()] if sign else [said]
    return {f"lead {one}" if _LEADS.fullmatch(one) else one for one in parts}


def strict_said(turn: Turn, text: str) -> set[str]:
    """The options that an answer chooses, whole terms, denial heeded; empty when none can be told."""
    if turn.meta.get("stage") in GROUNDING:
        bare = {one.strip("[] "): one for one in turn.options}  # a range may be said without its brackets, a lead without "lead"
        text = re.sub(rf"^\s*(?={_LEADS.pattern}(?:\W|and)*(?:{_LEADS.pattern}|\W|and)*$)", "leads ", text.lower())
        return {bare[one] for one in strict.chosen(re.sub(r"[\[\]]", " ", text), list(bare))}
    if {one.lower() for one in turn.options} >= {"yes", "no"}:
        plain = [one for one in turn.options if one.lower() not in ("yes", "no")]
        longer = strict.chosen(text, plain) if plain else set()
        return longer or strict.chosen(text, [one for one in turn.options if one not in plain])
    return strict.chosen(text, turn.options)


def strict_right(turn: Turn, said: set[str]) -> bool:
    gold = {turn.reference} if isinstance(turn.reference, str) else set(turn.reference)
    return {one.strip().lower() for one in said} == {one.strip().lower() for one in gold}


@dataclass(frozen=True)
class Chain:
    """What the right and wrong answers of one chain come to.

    completed   every reasoning step right (soft); hard: the first question too
    depth       stages reached in loops that have grounding questions (0 to 4 a loop), and how many such loops there are
    gt_rda      the last decision right, given the true answers before it
    """

    ida: bool
    completed: bool
    depth: int
    loops: int
    gt_rda: bool
    hits: Mapping[str, int]
    asked: Mapping[str, int]


def chain_of(turns: Sequence[Turn], right: Sequence[bool]) -> Chain:
    """Of the turns of `turns_of`. Raises `BrokenRow` for a chain without a step."""
    if len(turns) < 2:
        raise BrokenRow("the chain has no step")
    hits, asked = dict.fromkeys(STAGES, 0), dict.fromkeys(STAGES, 0)
    depth = loops = 0
    going = True
    for loop in range(max(turn.meta["loop"] for turn in turns) + 1):
        mine = [(turn, ok) for turn, ok in zip(turns, right, strict=True) if turn.meta["loop"] == loop]
        reached = 0
        for stages in (("criterion_selection",), ("finding_identification",), GROUNDING, ("diagnostic_decision",)):
            for turn, ok in mine:
                if turn.meta["stage"] in stages:
                    asked[turn.meta["stage"]] += 1
                    hits[turn.meta["stage"]] += ok
                    going = going and ok
            reached += going
        if any(turn.meta["stage"] in GROUNDING for turn, _ in mine):
            loops, depth = loops + 1, depth + reached
    return Chain(right[0], going, depth, loops, right[-1], hits, asked)
