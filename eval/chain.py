"""Criterion chains: which criterion, is it met, where and how large, so what (the ECG-Reasoning-Benchmark kind), with a truth of marks.

A chain has one question beforehand ("Does this ECG show X?", asked alone) and four stages, each asked after the true answers of the
stages before: criterion selection, finding, grounding (lead or wave, then measurement), decision. Metrics are those of that benchmark:

    ida          initial diagnosis right
    completion   all four stages right
    depth        stages right before the first fault, 0 to 4
    gt_rda       decision right, given the true answers of all stages before
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.metric import Metric, mean
from eval.parse import option_of, yes_or_no
from eval.sample import Answer, Score, Turn, scored, unparsed

_LETTERS = "ABCDE"
_STAGES = ("criterion", "finding", "grounding", "decision")
KEYS = ("strict.ida", "strict.completion", "strict.depth", "strict.gt_rda", *(f"strict.{stage}" for stage in _STAGES))


@dataclass(frozen=True)
class Kind:
    """A diagnosis with a criterion on one measurement.

    id         of our finding
    name       as it is asked
    rule       the criterion in words
    measure    name of the measurement, `unit`, and what it is called
    low, high  the criterion holds from `low` on and below `high` (None: open)
    wave       what the measurement is taken from, for the grounding stage; "" where a lead is asked for instead
    width      of the ranges to choose from, in the unit
    """

    id: str
    name: str
    rule: str
    measure: str
    unit: str
    called: str
    low: float | None
    high: float | None
    wave: str
    width: float

    def holds(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value < self.high)


_PR = "from the onset of the P wave to the onset of the QRS complex"
_RR = "from one R peak to the next"
_QRS = "from the onset to the end of the QRS complex"
_QT = "from the onset of the QRS complex to the end of the T wave"
_NO_WAVE = "from the end of the P wave to the peak of the T wave"
WAVES = (_PR, _RR, _QRS, _QT, _NO_WAVE)

KINDS = (
    Kind("sinus_bradycardia", "sinus bradycardia", "sinus rhythm below 60 bpm", "heart_rate", "bpm", "heart rate", None, 60, _RR, 12),
    Kind("sinus_tachycardia", "sinus tachycardia", "sinus rhythm above 100 bpm", "heart_rate", "bpm", "heart rate", 100, None, _RR, 12),
    Kind("av_block_1", "first-degree AV block", "PR interval above 200 ms", "pr_interval", "ms", "PR interval", 200, None, _PR, 30),
    Kind("short_pr", "short PR interval", "PR interval below 120 ms", "pr_interval", "ms", "PR interval", None, 120, _PR, 30),
    Kind("wide_qrs", "intraventricular conduction delay or block", "QRS duration of 120 ms or more", "qrs_lead_median", "ms",
         "QRS duration", 120, None, _QRS, 20),
    Kind("long_qt", "prolonged QT interval", "QTc of 460 ms or more", "qtc_bazett", "ms", "QTc (Bazett)", 460, None, _QT, 30),
    Kind("t_inversion", "T wave inversion", "T wave negative by 0.1 mV or more in two contiguous leads", "t_amplitude", "mV",
         "T wave amplitude", None, -0.1, "", 0.15),
)  # fmt: skip
"""Limits as in gem/knowledge/criteria: rate (Mason 2007, part II), PR (Kusumoto 2019), QRS (Surawicz 2009, part III), QTc (Rautaharju
2009, part IV; 460 ms for both sexes, samples between 440 and 470 ms are left out), T waves (Thygesen 2018)."""

_BLOCKS = ("rbbb", "lbbb", "ivcd", "paced_ventricular", "pre_excitation")
_FINDINGS = {"wide_qrs": _BLOCKS}
"""What the rule engine looks for, where that is not the kind's own id."""


@dataclass(frozen=True)
class Case:
    """One diagnosis on one recording.

    holds   the truth; value: of the measurement (in `lead`, where the kind asks for one)
    leads   to choose from in the grounding stage, the right one first; () where the wave is asked for
    """

    kind: Kind
    holds: bool
    value: float
    lead: str | None = None
    leads: tuple[str, ...] = ()


def turns_of(case: Case, seed: Sequence[int]) -> tuple[Turn, ...]:
    """The questions; the order of options is drawn from `seed`."""
    rng, kind = np.random.default_rng(list(seed)), case.kind
    yes, decided = ("Yes", "No"), "Yes" if case.holds else "No"
    diagnosis = {"form": "label", "findings": _FINDINGS.get(kind.id, (kind.id,))}
    limit = {"form": "limit", "name": kind.measure, "low": kind.low, "high": kind.high, "lead": case.lead}
    met = diagnosis if kind.id == "t_inversion" else limit
    rules = [kind.rule, *_some(rng, [other.rule for other in KINDS if other.rule != kind.rule], 4)]
    ask = f"Does this ECG show {kind.name}? Answer Yes or No."
    out = [Turn(question=ask, options=yes, reference=decided, alone=True, meta={"stage": "initial", "label": kind.id, "asks": diagnosis})]
    out.append(_choice(rng, f"Which criterion decides whether there is {kind.name}?", rules, "criterion", None))
    question = f"Is this criterion met on this ECG: {kind.rule}? Answer Yes or No."
    out.append(_turn(question, yes, decided, "finding", met))
    out += _grounding(rng, case)
    out.append(_turn(f"So, does this ECG show {kind.name}? Answer Yes or No.", yes, decided, "decision", diagnosis))
    return tuple(out)


def _grounding(rng: np.random.Generator, case: Case) -> list[Turn]:
    """Where (a lead or a wave), then how large."""
    kind, out = case.kind, []
    if case.leads:
        pick = {"form": "lead", "name": kind.measure, "leads": case.leads, "pick": "lowest"}
        out.append(_choice(rng, "In which of these leads is the T wave most negative?", list(case.leads), "grounding", pick))
    elif kind.wave:
        waves = [kind.wave, *_some(rng, [wave for wave in WAVES if wave != kind.wave], 3)]
        out.append(_choice(rng, f"Between which points is it measured ({kind.called})?", waves, "grounding", None))
    at = int(rng.integers(0, 4))
    first = (np.floor(case.value / kind.width) - at) * kind.width
    ranges = [(round(float(first + k * kind.width), 3), round(float(first + (k + 1) * kind.width), 3)) for k in range(4)]
    options = tuple(f"{_LETTERS[k]}. {low:g} to {high:g} {kind.unit}" for k, (low, high) in enumerate(ranges))
    where = f" in lead {case.lead}" if case.lead else ""
    question = f"In which range is the {kind.called}{where}?\n" + "\n".join(options)
    asks = {"form": "value", "name": kind.measure, "lead": case.lead, "ranges": ranges}
    return [*out, _turn(question, options, options[at], "grounding", asks)]


def _choice(rng: np.random.Generator, question: str, texts: list[str], stage: str, asks: Mapping[str, Any] | None) -> Turn:
    """Options in a random order; the first of `texts` is the right one."""
    order = rng.permutation(len(texts))
    options = tuple(f"{_LETTERS[k]}. {texts[j]}" for k, j in enumerate(order))
    at = int(np.flatnonzero(order == 0)[0])
    return _turn(f"{question}\n" + "\n".join(options), options, options[at], stage, asks or {"form": "knowledge", "answer": at})


def _turn(question: str, options: tuple[str, ...], reference: str, stage: str, asks: Mapping[str, Any]) -> Turn:
    return Turn(
        question=question, options=options, reference=reference, given=reference, meta={"stage": stage, "label": stage, "asks": dict(asks)}
    )


def _some(rng: np.random.Generator, texts: list[str], n: int) -> list[str]:
    return [texts[k] for k in rng.permutation(len(texts))[:n]]


def score_chain(turns: Sequence[Turn], answers: Sequence[Answer]) -> dict[str, Score]:
    """All keys of a chain; an answer that cannot be read is wrong, and says so."""
    read = [_right(turn, answer) for turn, answer in zip(turns, answers, strict=True)]
    stage_right = {
        stage: all(bool(right) for turn, right in zip(turns, read, strict=True) if turn.meta["stage"] == stage)
        for stage in ("initial", *_STAGES)
    }
    lost = {
        stage: any(right is None for turn, right in zip(turns, read, strict=True) if turn.meta["stage"] == stage) for stage in stage_right
    }
    depth = next((k for k, stage in enumerate(_STAGES) if not stage_right[stage]), len(_STAGES))
    steps = {stage: stage_right[stage] for stage in _STAGES}

    def one(right: bool, gone: bool) -> Score:
        return unparsed("neither an option nor yes or no", float(right)) if gone else scored(float(right), {"stages": steps})

    every = any(lost[stage] for stage in _STAGES)
    out = {"strict.ida": one(stage_right["initial"], lost["initial"]), "strict.gt_rda": one(stage_right["decision"], lost["decision"])}
    out["strict.completion"] = one(depth == len(_STAGES), every)
    out["strict.depth"] = unparsed("a stage without a readable answer", float(depth)) if every else scored(float(depth), {"stages": steps})
    return out | {f"strict.{stage}": one(stage_right[stage], lost[stage]) for stage in _STAGES}


def _right(turn: Turn, answer: Answer) -> bool | None:
    """Whether the answer is the reference; None when it cannot be read."""
    text = answer.text or ""
    if turn.options == ("Yes", "No"):
        said = yes_or_no(text)
        return None if said is None else said == (turn.reference == "Yes")
    k = option_of(text, turn.options)
    return None if k is None else turn.options[k] == turn.reference


def chain_metrics() -> dict[str, Metric]:
    return {key: mean(key, percent=key != "strict.depth") for key in KEYS}


def balanced(cases: Sequence[tuple[Any, Case]], per_side: int) -> list[tuple[Any, Case]]:
    """For every kind as many cases where it holds as where it does not, at most `per_side` of each, evenly taken."""
    out: list[tuple[Any, Case]] = []
    for kind in KINDS:
        sides = [[pair for pair in cases if pair[1].kind.id == kind.id and pair[1].holds == holds] for holds in (True, False)]
        many = min(len(sides[0]), len(sides[1]), per_side)
        for side in sides:
            out += [side[k * len(side) // many] for k in range(many)]
    return out
