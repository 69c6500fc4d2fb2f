"""The rhythm: its name, and what the name rests on.

Sources: names and their definitions follow Mason et al. 2007, AHA/ACCF/HRS part II (statements), and
Joglar et al. 2023, ACC/AHA/ACCP/HRS (atrial fibrillation: irregularly irregular RR without repeating P
waves). Rates: sinus bradycardia < 60 (part II: "sinus bradycardia"), tachycardia > 100 bpm. The numeric
limits of irregularity and coherence are ours, chosen on PTB-XL folds 1-8 (configs/LOG.md).
"""

import numpy as np

from gem.measure.atrial import Atrial
from gem.measure.beats import NORMAL, PAC, PACED, PVC, Beats
from gem.measure.interval import median_of
from gem.measure.measurement import Measurement, Rhythm

IRREGULAR = 0.05
"""Median change between successive RR intervals, as a share of the median RR."""
COHERENT = 4.0
"""Atrial coherence below which no P wave repeats; see `atrial.Atrial`."""
FLUTTER_PEAK = 0.55
ARRHYTHMIA_S = 0.12
"""Longest less shortest RR of a sinus rhythm from which it is called sinus arrhythmia."""
PAUSE_S = 2.0
SLOW, FAST = 60.0, 100.0
_JUNCTIONAL_BPM = (40.0, 60.0)
_WIDE_MS = 120.0


def has_p(atrial: Atrial) -> bool:
    """Whether a P wave repeats before the QRS complexes; believed where too little is left to judge (fast rates)."""
    if np.isnan(atrial.coherence):
        return atrial.p_share >= 0.5
    return atrial.coherence >= COHERENT and atrial.p_share >= 0.3


def name_rhythm(beat_s: np.ndarray, beats: Beats, atrial: Atrial, qrs_ms: float, p_axis: Measurement) -> Rhythm:
    """Name the rhythm.

    beat_s  [B] s
    qrs_ms  QRS duration of the normal beats, NaN when unknown
    p_axis  from `axis.frontal_axis`
    """
    rr = _own_rr(beat_s, beats)
    rate = 60.0 / median_of(np.diff(beat_s))
    change, spread = _change(rr), float(rr.max() - rr.min())
    irregular = change > IRREGULAR
    p = has_p(atrial)
    events = _events(beat_s, beats)
    shown = f"RR {rr.min() * 1e3:.0f} to {rr.max() * 1e3:.0f} ms, median change {change:.0%}"
    pace = (beats.kinds == PACED).mean()
    p_evidence = _p_evidence(atrial, p)
    if pace >= 0.5:
        return Rhythm(
            "ventricular paced rhythm", not irregular, None, (f"pacing spikes before {pace:.0%} of the QRS complexes", shown), events
        )
    if not p or irregular:
        waves = f"atrial waves at {60 * (atrial.wave_hz or 0):.0f} a minute hold {atrial.wave_peak:.0%} of the power at 3-12 Hz"
        if atrial.wave_peak >= FLUTTER_PEAK:
            return Rhythm("atrial flutter", not irregular, None, (waves, p_evidence, shown), events)
        if not p and irregular:
            return Rhythm("atrial fibrillation", False, None, (shown, p_evidence), events)
    if p:
        return _with_p(rate, spread, irregular, atrial, p_axis, (shown, p_evidence), events)
    return Rhythm(_without_p(rate, qrs_ms), not irregular, None, (shown, p_evidence), events)


def _p_evidence(atrial: Atrial, p: bool) -> str:
    if np.isnan(atrial.coherence):
        return f"too little room before QRS to judge P by its repetition; P found before {atrial.p_share:.0%} of the beats"
    repeats = "repeats" if p else "does not repeat"
    return f"the stretch before QRS {repeats} from beat to beat (coherence {atrial.coherence:.1f}, chance 1, limit {COHERENT:g})"


def _with_p(
    rate: float, spread: float, irregular: bool, atrial: Atrial, p_axis: Measurement, evidence: tuple[str, ...], events: dict[str, float]
) -> Rhythm:
    """Rhythms with a P wave before each QRS: sinus when P points down and left, else atrial."""
    axis = p_axis.value
    downward = axis is None or -30.0 <= axis <= 105.0
    if axis is not None:
        evidence = (*evidence, f"P axis {axis:.0f} deg")
    if not downward:
        name = "ectopic atrial rhythm" if rate <= FAST else "atrial tachycardia"
    elif spread >= ARRHYTHMIA_S and SLOW - 20 <= rate <= FAST:
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


def _own_rr(beat_s: np.ndarray, beats: Beats) -> np.ndarray:
    """RR intervals (s) between neighbouring beats of the basic rhythm; all of them where these are too few.

    The beat after a premature one is left out too: its pause is the ectopic beat's doing.
    """
    rr = np.diff(beat_s)
    basic = ~np.isin(beats.kinds, (PVC,)) & ~((beats.kinds == PAC) & beats.early)
    both = basic[1:] & basic[:-1]
    if (beats.kinds == PAC).mean() > 0.25:
        both = ~np.isin(beats.kinds[1:], (PVC,)) & ~np.isin(beats.kinds[:-1], (PVC,))
    return rr[both] if both.sum() >= 3 else rr


def _change(rr: np.ndarray) -> float:
    """Median change between successive RR intervals as a share of the median RR; 0 where there are too few."""
    return float(np.median(np.abs(np.diff(rr))) / np.median(rr)) if len(rr) >= 3 else 0.0


def is_fibrillation(beat_s: np.ndarray, beats: Beats, atrial: Atrial) -> bool:
    """Whether RR is irregular without any P wave that repeats; ventricular beats aside."""
    ventricular = beats.kinds == PVC
    rr = np.diff(beat_s)[~ventricular[1:] & ~ventricular[:-1]]
    return not has_p(atrial) and _change(rr) > IRREGULAR


def _events(beat_s: np.ndarray, beats: Beats) -> dict[str, float]:
    """What findings refer to: counts of ectopic beats, couplings, the longest pause."""
    kinds = beats.kinds
    ventricular = kinds == PVC
    premature = kinds == PAC
    ectopic = ventricular | premature
    rr, own = np.diff(beat_s), _own_rr(beat_s, beats)
    return {
        "premature_ventricular": float(ventricular.sum()),
        "premature_atrial": float(premature.sum()),
        "ventricular_bigeminy": float(_every(ventricular, 2)),
        "ventricular_trigeminy": float(_every(ventricular, 3)),
        "atrial_bigeminy": float(_every(premature, 2)),
        "ectopic_share": float(ectopic.mean()),
        "paced_share": float((kinds == PACED).mean()),
        "normal_beats": float((kinds == NORMAL).sum()),
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
