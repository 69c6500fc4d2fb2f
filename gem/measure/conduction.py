"""How atria and ventricles hang together: dropped beats and dissociation, from P waves that no QRS follows.

Source: Kusumoto 2019, ACC/AHA/HRS bradycardia guideline (2018), table 4: Mobitz I, PR grows before the dropped beat; Mobitz II,
PR is constant; 2:1, every second P is conducted; third degree, P and QRS are independent. The numeric limits are ours.
"""

from dataclasses import dataclass

import numpy as np

from gem.measure.interval import Edges

_FEWEST_LOOSE = 2
_ON_GRID = 0.15
"""How far a P wave may stand off the atrial rhythm, as a share of its cycle."""
_STEADY_PR_MS, _WILD_PR_MS, _GROWN_PR_MS = 25.0, 45.0, 30.0
_STEADY_RR = 0.06
_PAUSE = 1.3
"""An escape rhythm has no pause this many times its usual RR; a dropped beat makes one."""


@dataclass(frozen=True)
class Relation:
    """kind: "mobitz_1", "mobitz_2", "2_to_1", "complete", or "" when every P is followed; evidence in words; atrial rate, bpm."""

    kind: str
    evidence: str = ""
    atrial_rate: float | None = None


def av_relation(edges: Edges, loose_p: np.ndarray, beat_s: np.ndarray) -> Relation:
    """Judge AV conduction.

    edges    from `global_edges`
    loose_p  [N, 2] edges of P waves that no QRS follows, s
    beat_s   [B] s
    """
    bound = edges["p_on"][np.isfinite(edges["p_on"])]
    loose = loose_p[:, 0] if len(loose_p) else np.empty(0)
    if len(loose) < _FEWEST_LOOSE or len(beat_s) < 3:
        return Relation("")
    p = np.sort(np.concatenate([bound, loose]))
    cycle = _cycle(np.diff(p))
    if cycle is None:
        return Relation("")
    rr = np.diff(beat_s)
    rate = 60.0 / cycle
    pr = (edges["qrs_on"] - edges["p_on"]) * 1e3
    known = pr[np.isfinite(pr)]
    spread = 1.4826 * float(np.median(np.abs(known - np.median(known)))) if len(known) >= 3 else float("inf")
    steady_rr = float(np.median(np.abs(rr - np.median(rr))) / np.median(rr)) < _STEADY_RR
    if np.median(rr) < 1.15 * cycle and not (rr > 1.4 * cycle).any():
        return Relation("")
    seen = f"{len(loose)} P waves without QRS, atrial rate {rate:.0f}, ventricular rate {60 / np.median(rr):.0f} a minute"
    if steady_rr and spread > _WILD_PR_MS and rr.max() < _PAUSE * np.median(rr):
        return Relation("complete", f"{seen}; PR varies from {known.min():.0f} to {known.max():.0f} ms" if len(known) else seen, rate)
    if steady_rr and abs(np.median(rr) / cycle - 2) < 0.2:
        return Relation("2_to_1", f"{seen}; PR {np.median(known):.0f} ms" if len(known) else seen, rate)
    growth = _growth(pr, rr, cycle)
    if growth is not None and growth > _GROWN_PR_MS:
        return Relation("mobitz_1", f"{seen}; PR grows by {growth:.0f} ms before the dropped beat", rate)
    if growth is not None and spread < _STEADY_PR_MS:
        return Relation("mobitz_2", f"{seen}; PR constant at {np.median(known):.0f} ms", rate)
    return Relation("")


def _cycle(pp: np.ndarray) -> float | None:
    """The atrial cycle, s, when the P waves (some of them hidden) stand on a regular grid; None otherwise."""
    short = pp[pp > 0.3]
    if len(short) < 3:
        return None
    base = float(np.percentile(short, 25))
    cycle = float(np.median(short[np.abs(short / base - 1) < 0.2]))
    steps = short / cycle
    off = np.abs(steps - np.round(steps))
    return cycle if np.mean(off < _ON_GRID) >= 0.8 else None


def _growth(pr: np.ndarray, rr: np.ndarray, cycle: float) -> float | None:
    """Median PR before a long pause less PR after it, ms; None without a pause between known PR intervals."""
    after = [k + 1 for k in np.flatnonzero(rr > 1.4 * cycle)]
    changes = [pr[k - 1] - pr[k] for k in after if np.isfinite(pr[k]) and np.isfinite(pr[k - 1])]
    return float(np.median(changes)) if changes else None
