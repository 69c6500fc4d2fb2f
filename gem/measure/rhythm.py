"""The rhythm: its name, and what the name rests on.

Sources: names and their definitions follow Mason et al. 2007, AHA/ACCF/HRS part II (statements), and Joglar et al. 2023,
ACC/AHA/ACCP/HRS (atrial fibrillation: irregularly irregular RR without repeating P waves); rates below 60 and above 100 bpm: part II.
The numeric limits of irregularity were chosen on PTB-XL folds 1-8 (configs/LOG.md).
"""

import numpy as np

from gem.measure.atrial import Atrial
from gem.measure.beats import NORMAL, PAC, PACED, PVC, Beats
from gem.measure.conduction import Relation
from gem.measure.interval import median_of
from gem.measure.measurement import Measurement, Rhythm

IRREGULAR = 0.04
"""Median change between successive RR intervals, as a share of the median RR."""
FLUTTER_PEAK, FLUTTER_SHARE = 0.55, 0.5
ARRHYTHMIA_S = 0.16
"""Longest less shortest RR of a sinus rhythm from which it is called sinus arrhythmia (Surawicz and Knilans 2008, chapter 13)."""
SLOW, FAST = 60.0, 100.0
_SINUS_P_DEG = (-45.0, 120.0)
"""Beyond this the P wave points away from the feet: normal is 0 to 75 degrees (Surawicz 2009, part III); the margin is ours."""
_JUNCTIONAL_BPM = (40.0, 60.0)
_WIDE_MS = 120.0
_ATRIAL_PACE_S = (0.13, 0.40)
"""A spike this long before the middle of QRS paces the atria."""


def name_rhythm(
    beat_s: np.ndarray, beats: Beats, atrial: Atrial, relation: Relation, qrs_ms: float, p_axis: Measurement, spikes_s: tuple[float, ...]
) -> Rhythm:
    """Name the rhythm.

    beat_s    [B] s
    relation  from `conduction.av_relation`
    qrs_ms    QRS duration of the normal beats, NaN when unknown
    p_axis    from `axis.frontal_axis`
    """
    rr = _own_rr(beat_s, beats)
    rate = 60.0 / median_of(np.diff(beat_s))
    change = _change(rr)
    irregular = change > IRREGULAR
    events = _events(beat_s, beats, relation) | {"atrial_paced_share": _atrial_paced(beat_s, spikes_s)}
    shown = f"RR {rr.min() * 1e3:.0f} to {rr.max() * 1e3:.0f} ms, median change {change:.0%}"
    evidence: tuple[str, ...] = (shown, atrial.p_evidence)
    pace = float((beats.kinds == PACED).mean())
    if pace >= 0.5:
        return Rhythm(
            "ventricular paced rhythm", not irregular, None, (f"pacing spikes before {pace:.0%} of the QRS complexes", shown), events
        )
    if relation.kind == "complete":
        width = "wide" if qrs_ms >= _WIDE_MS else "narrow"
        name = f"third-degree AV block with a {width} escape rhythm"
        return Rhythm(name, not irregular, None, (relation.evidence, *evidence), events)
    if atrial.has_p:
        if relation.kind:
            evidence, rate = (relation.evidence, *evidence), relation.atrial_rate or rate
        spread = 0.0 if relation.kind else float(rr.max() - rr.min())
        return _with_p(rate, spread, irregular, atrial, p_axis, evidence, events)
    flutter = _flutter(atrial, irregular)
    if flutter:
        return Rhythm("atrial flutter", not irregular, None, (flutter, *evidence), events)
    if irregular:
        return Rhythm("atrial fibrillation", False, None, evidence, events)
    return Rhythm(_without_p(rate, qrs_ms), True, None, evidence, events)


def _flutter(atrial: Atrial, irregular: bool) -> str:
    """What speaks for flutter, in words, or "" when nothing does."""
    ratio, share = atrial.ratio
    if not irregular and share >= FLUTTER_SHARE:
        return f"{ratio} atrial waves a beat hold {share:.0%} of the power between the QRS complexes"
    if irregular and atrial.wave_peak >= FLUTTER_PEAK:
        return f"atrial waves at {60 * (atrial.wave_hz or 0):.0f} a minute hold {atrial.wave_peak:.0%} of the power at 3-12 Hz"
    return ""


def _with_p(
    rate: float, spread: float, irregular: bool, atrial: Atrial, p_axis: Measurement, evidence: tuple[str, ...], events: dict[str, float]
) -> Rhythm:
    """Rhythms with a P wave before each QRS: sinus when P points down and left, else atrial."""
    axis = p_axis.value
    downward = axis is None or _SINUS_P_DEG[0] <= axis <= _SINUS_P_DEG[1]
    if axis is not None:
        evidence = (*evidence, f"P axis {axis:.0f} deg")
    if events["atrial_paced_share"] >= 0.5:
        name = "atrial paced rhythm"
    elif not downward:
        name = "ectopic atrial rhythm" if rate <= FAST else "atrial tachycardia"
    elif irregular and spread >= ARRHYTHMIA_S and SLOW - 20 <= rate <= FAST:
        name = "sinus arrhythmia"
    else:
        name = "sinus bradycardia" if rate < SLOW else "sinus tachycardia" if rate > FAST else "sinus rhythm"
    return Rhythm(name, not irregular, atrial.p_share, evidence, events)


def _without_p(rate: float, qrs_ms: float) -> str:
    wide = qrs_ms >= _WIDE_MS
    if rate > FAST:
        return "wide complex tachycardia" if wide else "supraventricular tachycardia"
    if wide and rate < _JUNCTIONAL_BPM[0] + 10:
        return "ventricular escape rhythm"
    return "junctional rhythm" if _JUNCTIONAL_BPM[0] <= rate <= _JUNCTIONAL_BPM[1] else "regular rhythm without visible P waves"


def is_fibrillation(beat_s: np.ndarray, beats: Beats, atrial: Atrial) -> bool:
    """Whether RR is irregular without P waves; ventricular beats aside."""
    ventricular = beats.kinds == PVC
    rr = np.diff(beat_s)[~ventricular[1:] & ~ventricular[:-1]]
    return not atrial.has_p and _change(rr) > IRREGULAR


def _change(rr: np.ndarray) -> float:
    """Median change between successive RR intervals as a share of the median RR; 0 where there are too few."""
    return float(np.median(np.abs(np.diff(rr))) / np.median(rr)) if len(rr) >= 3 else 0.0


def _own_rr(beat_s: np.ndarray, beats: Beats) -> np.ndarray:
    """RR intervals (s) between neighbouring beats of the basic rhythm; all of them where these are too few.

    The pause after a premature beat is left out with it: both are the ectopic beat's doing.
    """
    rr = np.diff(beat_s)
    foreign = np.isin(beats.kinds, (PVC, PAC))
    both = ~foreign[1:] & ~foreign[:-1]
    return rr[both] if both.sum() >= 3 else rr


def _atrial_paced(beat_s: np.ndarray, spikes_s: tuple[float, ...]) -> float:
    """Share of beats with a spike where P begins."""
    if not spikes_s:
        return 0.0
    gap = beat_s[:, None] - np.asarray(spikes_s)[None, :]
    return float(((gap > _ATRIAL_PACE_S[0]) & (gap < _ATRIAL_PACE_S[1])).any(axis=1).mean())


def _events(beat_s: np.ndarray, beats: Beats, relation: Relation) -> dict[str, float]:
    """What findings refer to: counts of ectopic beats, couplings, dropped beats, the longest and shortest RR (s)."""
    kinds = beats.kinds
    ventricular, premature = kinds == PVC, kinds == PAC
    rr, own = np.diff(beat_s), _own_rr(beat_s, beats)
    return {
        "premature_ventricular": float(ventricular.sum()),
        "premature_atrial": float(premature.sum()),
        "ventricular_bigeminy": float(_every(ventricular, 2)),
        "ventricular_trigeminy": float(_every(ventricular, 3)),
        "atrial_bigeminy": float(_every(premature, 2)),
        "ectopic_share": float((ventricular | premature).mean()),
        "paced_share": float((kinds == PACED).mean()),
        "normal_beats": float((kinds == NORMAL).sum()),
        "mobitz_1": float(relation.kind == "mobitz_1"),
        "mobitz_2": float(relation.kind == "mobitz_2"),
        "2_to_1": float(relation.kind == "2_to_1"),
        "complete_av_block": float(relation.kind == "complete"),
        "longest_rr": float(rr.max()),
        "rr_shortest": float(rr.min()),
        "rr_longest": float(rr.max()),
        "basic_rr_shortest": float(own.min()),
        "basic_rr_longest": float(own.max()),
    }


def _every(hit: np.ndarray, n: int) -> bool:
    """Whether every n-th beat is a hit, at least three times in a row and for most of the hits."""
    places = np.flatnonzero(hit)
    if len(places) < 3:
        return False
    steps = np.diff(places) == n
    return bool(steps.mean() >= 0.75 and steps.sum() >= 2)
