"""Which findings hold on a simulated trace.

Judged from values of the trace alone: sinus_bradycardia, sinus_tachycardia, sinus_arrhythmia, pause,
av_block_1, short_pr, long_qt, short_qt, left_axis, right_axis, extreme_axis, and in `morphology` ivcd, lafb,
lpfb, lvh_voltage, left_atrial, right_atrial, q_*, st_depression, t_inversion, low_voltage.

By construction, and only if the trace meets the definition as well: all others. So a spec that asks for
RBBB with a QRS of 100 ms does not get "rbbb", and an ST elevation of a healthy heart is no infarct.

The universal definition of infarction reads ST depression and T inversion in the absence of LVH and bundle branch
block, so they are not judged beside those, RVH, pre-excitation and a QRS of 120 ms or more; Q waves are not beside
LBBB and pre-excitation. Beats of ventricular origin (paced, wide escape) have no finding of shape.

With an electrode reversal only rhythm, intervals, axes and electrode_swap are judged: what else the swapped
leads show is no sign of the heart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gem.simulate.morphology import morphology
from gem.simulate.render import Heart
from gem.simulate.spec import SINUS, SimulationSpec

FINDINGS = (
    "sinus_rhythm", "sinus_bradycardia", "sinus_tachycardia", "sinus_arrhythmia", "atrial_fibrillation", "atrial_flutter",
    "supraventricular_tachycardia", "premature_atrial", "premature_ventricular", "bigeminy", "trigeminy", "paced_ventricular",
    "paced_atrial", "pause", "av_block_1", "av_block_2_mobitz_1", "av_block_2_mobitz_2", "av_block_2_to_1", "av_block_3", "short_pr",
    "rbbb", "rbbb_incomplete", "lbbb", "lbbb_incomplete", "ivcd", "lafb", "lpfb", "pre_excitation",
    "left_axis", "right_axis", "extreme_axis", "left_atrial", "right_atrial", "lvh", "lvh_voltage", "rvh",
    "stemi_inferior", "stemi_anterior", "stemi_lateral", "stemi_posterior", "q_inferior", "q_anteroseptal", "q_anterior", "q_lateral",
    "st_depression", "t_inversion", "early_repolarisation", "long_qt", "short_qt", "low_voltage", "electrode_swap",
)  # fmt: skip
"""Every id that can be in a truth."""

_SLOW, _FAST = 60.0, 100.0
"""Beats per minute: sinus rhythm is 60 to 100 (Mason 2007, AHA/ACC/HRS recommendations, part II)."""
_SINUS_ARRHYTHMIA_S = 0.160
"""Longest minus shortest PP (Surawicz and Knilans 2008, chapter 13)."""
_PAUSE_S = 2.0
"""What a report mentions; from 3 s on it is pathological (Kusumoto 2019, ACC/AHA/HRS bradycardia guideline, Circulation 140:e382)."""
_LONG_PR_MS, _SHORT_PR_MS = 200.0, 120.0
"""Kusumoto 2019 (first-degree AV block); Surawicz 2009, part III (short PR)."""
_LONG_QT_MS = {"male": 450.0, "female": 460.0, None: 460.0}
_SHORT_QT_MS = 360.0
"""Long: Rautaharju 2009, part IV; short: Zeppenfeld 2022, ESC guidelines for ventricular arrhythmias. QTc by Bazett and
by Fridericia must both be beyond; not judged from 120 ms of QRS on, where QT is long because QRS is. Sex not known: the
higher limit."""
_WIDE_MS = 120.0
_LEFT_DEG, _RIGHT_DEG = -30.0, 90.0
"""Surawicz 2009, part III: -30 to 90 is normal, to -90 is left, to 180 is right; the rest is called extreme."""


@dataclass(frozen=True, eq=False)
class Facts:
    """What the findings are judged from.

    kinds, times  of the beats inside the record
    p_on          onsets of the P waves inside the record, s
    values        global values; per_lead amplitudes, mV
    """

    heart: Heart
    matrix: np.ndarray
    kinds: tuple[str, ...]
    times: np.ndarray
    p_on: np.ndarray
    values: dict[str, dict[str, Any]]
    per_lead: dict[str, dict[str, float | None]]

    def value(self, name: str) -> float:
        number = self.values[name]["value"]
        return float("nan") if number is None else float(number)


_ASKED = {
    "rbbb_lafb": {"rbbb", "lafb"}, "lvh": {"lvh_voltage"}, "lvh_strain": {"lvh", "lvh_voltage"}, "old_mi_inferior": {"q_inferior"},
    "old_mi_anteroseptal": {"q_anteroseptal"},
    "old_mi_anterior": {"q_anterior"}, "old_mi_lateral": {"q_lateral"}, "normal": set(),
}  # fmt: skip
_Q, _T = {"q_inferior", "q_anteroseptal", "q_anterior", "q_lateral"}, {"st_depression", "t_inversion"}
_VOLTAGE, _ATRIA, _FASCICLES = {"lvh", "lvh_voltage", "low_voltage"}, {"left_atrial", "right_atrial"}, {"lafb", "lpfb"}
_BY_CHANCE = {*_Q, *_T, *_VOLTAGE, *_ATRIA, *_FASCICLES, "ivcd"}


def astray(spec: SimulationSpec, found: tuple[str, ...]) -> int:
    """How many findings of shape were asked for and do not hold, or hold and were not asked for.

    What was set by hand may bring with it what it likes: a given amplitude low voltage, an infarct other Q waves.
    """
    kinds: list[str] = [*spec.structure, *spec.ischaemia]
    if spec.rhythm not in ("paced_ventricular", "paced_dual"):
        kinds.append(spec.conduction)
    asked = set().union(*(_ASKED.get(kind, {kind}) for kind in kinds))
    free: set[str] = set()
    for given, brings in (
        (bool(spec.ischaemia), _Q | _T),
        (spec.t_form != "upright" or spec.t_axis_deg is not None or spec.t_amplitude != 1.0, _T),
        (spec.amplitude is not None, _VOLTAGE),
        (spec.p_ms is not None or spec.p_amplitude != 1.0, _ATRIA),
        (spec.qrs_ms is not None, {"ivcd"}),
        (spec.axis_deg is not None, _FASCICLES | _Q),
    ):
        free |= brings if given else set()
    missing = set() if spec.reversal != "none" else asked - set(found)
    return len(missing) + len((set(found) & _BY_CHANCE) - asked - free)


def findings(facts: Facts) -> tuple[str, ...]:
    """The ids, sorted, that hold on the clean trace."""
    spec = facts.heart.spec
    held = {*_rhythm(facts), *_av_conduction(facts), *_intervals(facts)}
    if spec.reversal != "none":
        held.add("electrode_swap")
    elif facts.kinds:
        held.update(morphology(facts.heart, facts.matrix, facts.kinds, facts.values, facts.per_lead))
    return tuple(sorted(held))


def _rhythm(facts: Facts) -> Iterator[str]:
    spec = facts.heart.spec
    by_name = {"atrial_fibrillation", "atrial_flutter", "supraventricular_tachycardia"}
    if spec.rhythm in by_name:
        yield spec.rhythm
    if spec.rhythm in SINUS:
        yield from _sinus(facts)
    if "pac" in facts.kinds:
        yield "premature_atrial"
    if "pvc" in facts.kinds:
        yield "premature_ventricular"
    for name, length in (("bigeminy", 2), ("trigeminy", 3)):
        if spec.ectopy == name and _repeats(facts.kinds, length):
            yield name
    if spec.rhythm in ("paced_ventricular", "paced_dual"):
        yield "paced_ventricular"
    if spec.rhythm in ("paced_atrial", "paced_dual"):
        yield "paced_atrial"
    if len(facts.times) > 1 and np.diff(facts.times).max() > _PAUSE_S:
        yield "pause"


def _repeats(kinds: tuple[str, ...], length: int) -> bool:
    """Whether every `length`-th beat is ventricular, three times or more."""
    places = [k for k, kind in enumerate(kinds) if kind == "pvc"]
    return len(places) >= 3 and all(b - a == length for a, b in pairwise(places))


def _sinus(facts: Facts) -> Iterator[str]:
    spec = facts.heart.spec
    # with complete AV block the ventricles do not follow the sinus node
    if spec.av_block != "complete":
        yield "sinus_rhythm"
    cycles = np.diff(facts.p_on)
    if not len(cycles):
        return
    rate = 60 / float(np.median(cycles))
    if rate < _SLOW:
        yield "sinus_bradycardia"
    if rate > _FAST:
        yield "sinus_tachycardia"
    if spec.pause_s is None and spec.ectopy != "pac" and np.ptp(cycles) > _SINUS_ARRHYTHMIA_S:
        yield "sinus_arrhythmia"


def _av_conduction(facts: Facts) -> Iterator[str]:
    spec = facts.heart.spec
    pr = facts.value("pr_interval")
    names = {"mobitz_1": "av_block_2_mobitz_1", "mobitz_2": "av_block_2_mobitz_2", "2_to_1": "av_block_2_to_1", "complete": "av_block_3"}
    if spec.av_block in names:
        if len(facts.p_on) > len(facts.kinds):
            yield names[spec.av_block]
    elif spec.rhythm in (*SINUS, "paced_atrial") and pr > _LONG_PR_MS:
        yield "av_block_1"
    if spec.rhythm in SINUS and pr < _SHORT_PR_MS:
        yield "short_pr"


def _intervals(facts: Facts) -> Iterator[str]:
    qrs, axis = facts.value("qrs_duration"), facts.value("qrs_axis")
    qtc = [facts.value(name) for name in ("qtc_bazett", "qtc_fridericia")]
    if qrs < _WIDE_MS and min(qtc) >= _LONG_QT_MS[facts.heart.spec.sex]:
        yield "long_qt"
    if qrs < _WIDE_MS and max(qtc) <= _SHORT_QT_MS:
        yield "short_qt"
    if -90 <= axis < _LEFT_DEG:
        yield "left_axis"
    if axis > _RIGHT_DEG:
        yield "right_axis"
    if axis < -90:
        yield "extreme_axis"
