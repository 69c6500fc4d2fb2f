"""Criterion chains on LUDB (cardiologists' marks) and on simulated ECGs (their truth); see `eval.chain`."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import ClassVar

from eval.chain import KEYS, KINDS, Case, Kind, balanced, chain_metrics, score_chain, turns_of
from eval.load import simulated
from eval.ludb import AUTHOR, LudbRecord, ludb, t_amplitudes, truth
from eval.metric import Metric
from eval.sample import Answer, Ecg, Sample, Score
from eval.task import Task

_MARGIN = {"heart_rate": 2.0, "pr_interval": 8.0, "qrs_lead_median": 6.0, "qtc_bazett": 20.0}
"""A value this near to a limit is no question: readers differ by as much."""
_SAID = {
    "sinus_bradycardia": ("sinus bradycardia",),
    "sinus_tachycardia": ("sinus tachycardia",),
    "av_block_1": ("i degree av block",),
    "wide_qrs": ("complete right bundle", "complete left bundle", "non-specific intravintricular", "ventricular pacing"),
}
"""Kinds that LUDB's cardiologists also state in words: a case counts only where words and marks agree."""
_T_LEADS = (("I", "aVL"), ("II", "III"), ("III", "aVF"), ("II", "aVF"), ("V2", "V3"), ("V3", "V4"), ("V4", "V5"), ("V5", "V6"))
"""Contiguous pairs; aVR and V1 are negative in health."""


class _Chains(Task):
    keys: ClassVar[tuple[str, ...]] = KEYS

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        return score_chain(sample.turns, answers)

    def metrics(self) -> dict[str, Metric]:
        return chain_metrics()

    def strata(self) -> tuple[str, ...]:
        return ("kind", "holds", *super().strata())


class LudbChains(_Chains):
    """per_side: cases of each kind at most where it holds, and as many where it does not; records: only the first so many."""

    name = "ludb_chains"
    version = "1"
    about = "LUDB, criterion chains in four stages, truth from the cardiologists' marks and words"
    per_side: int = 20
    records: int | None = None

    def samples(self, data: Path) -> Iterator[Sample]:
        pairs = [(r, case) for r in islice(ludb(data), self.records) for case in _of_record(r)]
        for r, case in balanced(pairs, self.per_side):
            turns = turns_of(case, (r.number, KINDS.index(case.kind)))
            meta = r.meta | {"kind": case.kind.id, "holds": case.holds}
            yield Sample(id=f"{r.number}/{case.kind.id}", turns=turns, ecgs=(r.ecg,), record=r.ecg, author=AUTHOR, meta=meta)


class SimulatedChains(_Chains):
    """n recordings of the simulator, seeds from `seed` on; per_side as in ludb_chains."""

    name = "simulated_chains"
    version = "1"
    about = "simulated ECGs, criterion chains in four stages, truth by construction"
    n: int = 400
    seed: int = 9_100_000
    per_side: int = 20

    def samples(self, data: Path) -> Iterator[Sample]:
        pairs = [(k, case) for k in range(self.seed, self.seed + self.n) for case in _of_seed(k)]
        for k, case in balanced(pairs, self.per_side):
            spec = simulated(k).truth.spec
            ecg = Ecg(path=f"simulated {k}", age=spec.age, sex=spec.sex, simulated=k)
            meta = {"source": "simulator", "age": spec.age, "sex": spec.sex, "kind": case.kind.id, "holds": case.holds}
            turns = turns_of(case, (k, KINDS.index(case.kind)))
            yield Sample(id=f"{k}/{case.kind.id}", turns=turns, ecgs=(ecg,), record=ecg, author="the simulator", meta=meta)


def _of_record(r: LudbRecord) -> Iterator[Case]:
    values = truth(r.number)
    sinus = r.says("sinus rhythm", "sinus bradycardia", "sinus tachycardia") and not r.says(
        "pacemaker", "iii degree", "flutter", "fibrillation"
    )
    for kind in KINDS:
        if kind.id == "t_inversion":
            yield from _t_case(kind, t_amplitudes(r.number))
        elif kind.measure in values and not _near(kind, values[kind.measure]) and (sinus or kind.id in ("wide_qrs", "long_qt")):
            holds = kind.holds(values[kind.measure])
            if kind.id not in _SAID or r.says(*_SAID[kind.id]) == holds:
                yield Case(kind, holds, values[kind.measure])


def _of_seed(seed: int) -> Iterator[Case]:
    made = simulated(seed).truth
    values = {name: float(one["value"]) for name, one in made.values.items() if one.get("value") is not None}
    sinus = made.rhythm in ("sinus rhythm", "sinus arrhythmia")
    for kind in KINDS:
        if kind.id == "t_inversion":
            yield from _t_case(kind, {lead: t for lead, named in made.per_lead.items() if (t := named.get("t_amplitude")) is not None})
            continue
        name = "qrs_duration" if kind.measure == "qrs_lead_median" else kind.measure
        if name in values and not _near(kind, values[name]) and sinus:
            holds = kind.holds(values[name])
            known = kind.id in ("wide_qrs",) or holds == (kind.id in made.findings)
            if known:
                yield Case(kind, holds, values[name])


def _near(kind: Kind, value: float) -> bool:
    limits = [limit for limit in (kind.low, kind.high) if limit is not None]
    return any(abs(value - limit) < _MARGIN[kind.measure] for limit in limits)


def _t_case(kind: Kind, heights: dict[str, float]) -> Iterator[Case]:
    """Inverted by 0.1 mV in two contiguous leads; or nowhere below 0.05 mV, and then the height in V5 is asked for."""
    usual = {lead: height for lead, height in heights.items() if lead not in ("aVR", "V1")}
    if len(usual) < 8:
        return
    inverted = any(all(usual.get(lead, 0.0) <= -0.12 for lead in pair) for pair in _T_LEADS)
    upright = all(height >= 0.05 for lead, height in usual.items() if lead not in ("III", "aVL"))
    lowest = sorted(usual, key=lambda lead: usual[lead])
    if inverted:
        others = [lead for lead in lowest[1:] if usual[lead] > usual[lowest[0]] + 0.1]
        if len(others) >= 3:
            leads = (lowest[0], others[0], others[len(others) // 2], others[-1])
            yield Case(kind, True, usual[lowest[0]], lowest[0], leads)
    elif upright and "V5" in usual:
        yield Case(kind, False, usual["V5"], "V5")
