"""What of a recording may be trusted, per lead and overall, with the reasons.

Nothing here needs a delineation: it runs before measuring and decides whether to measure.
Thresholds are ours unless a source is named; how often they fire on real records, and how they
agree with the noise labels of PTB-XL, is measured by `tests/ecg/test_quality_data.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gem.ecg.lead import STANDARD
from gem.ecg.recording import Recording
from gem.ecg.rough import mean_beats, rough_beats
from gem.ecg.trouble import (
    Mains,
    baseline_wander,
    clipped_share,
    electrode_swap,
    flat_stretch,
    limb_residual,
    mains_amplitude,
    missing_stretch,
    muscle_noise,
    pacing_spikes,
)

SHORTEST_S = 2.5
"""One column of a 3x4 page; shorter stretches may hold no complete beat."""
USUAL_S = 8.0
"""Rhythm is read on about 10 s."""
SLOWEST_HZ = 100.0
"""PTB-XL's low rate; edges are then known to 10 ms at best."""
WANTED_HZ = 250.0
FLAT_MV = 0.02
"""Peak to peak (middle 98 %) of a lead that shows nothing: a fifth of a small square."""
HUGE_MV = 20.0
OFFSET_MV = 5.0
MISSING_SHARE, FLAT_SHARE, CLIPPED_SHARE = 0.2, 0.3, 0.05
MAINS_MV = 0.03
"""Amplitude of the mains sine; 0.06 mV peak to peak is over half a small square."""
WANDER_MV = 1.0
MUSCLE_MV, MUSCLE_TOO_MUCH_MV = 0.02, 0.15
"""RMS above 35 Hz between the QRS complexes."""
RESIDUAL_MV, RESIDUAL_SHARE = 0.05, 0.15
LEAST_LIKENESS = 0.35
"""Median correlation of single beats with the mean beat; white noise stays below 0.25."""


MURKY, LIKE_ENOUGH = 0.35, 0.9
"""Where the slope energy between beats is this share of that of the beats (`rough.rough_beats`), they must be this alike:
a fast wide rhythm is, ventricular fibrillation is not."""


@dataclass(frozen=True)
class LeadQuality:
    """ok: may be measured; reasons: what is wrong or weak, also where ok."""

    ok: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quality:
    """The verdict on one recording.

    overall    "ok", "limited" or "unusable" (then nothing is measured)
    reasons    why, in words
    per_lead   every lead of the recording
    mains_hz   50 or 60 when mains interference was found, else None
    spikes_s   times of pacing spikes, s from the first sample
    reversal   suspected electrode swap, in words, or None
    """

    overall: str
    reasons: tuple[str, ...]
    per_lead: dict[str, LeadQuality]
    mains_hz: float | None = None
    spikes_s: tuple[float, ...] = ()
    reversal: str | None = None

    @property
    def usable_leads(self) -> tuple[str, ...]:
        return tuple(name for name, lead in self.per_lead.items() if lead.ok)

    def with_reasons(self, reasons: list[str]) -> "Quality":
        """The same with what measuring found against it; "ok" becomes "limited" by any reason."""
        if not reasons:
            return self
        return replace(self, overall="limited" if self.overall == "ok" else self.overall, reasons=(*self.reasons, *reasons))

    def to_json(self) -> dict[str, object]:
        return {
            "overall": self.overall,
            "reasons": list(self.reasons),
            "per_lead": {name: {"ok": lead.ok, "reasons": list(lead.reasons)} for name, lead in self.per_lead.items()},
        }


def inspect(recording: Recording) -> Quality:
    """Judge a recording. Never raises on what the signal holds."""
    fatal = _fatal(recording)
    if fatal:
        return Quality("unusable", tuple(fatal), {name: LeadQuality(False, tuple(fatal)) for name in recording.leads})
    mains = mains_amplitude(recording)
    per_lead = {name: _lead(recording, k, mains) for k, name in enumerate(recording.leads)}
    usable = [k for k, lead in enumerate(per_lead.values()) if lead.ok]
    if not usable:
        why = dict.fromkeys(lead.reasons[0].split(",")[0].split(" (")[0] for lead in per_lead.values() if lead.reasons)
        return Quality("unusable", (f"no usable lead: {'; '.join(why)}",), per_lead, mains.hz)
    spikes = pacing_spikes(recording, usable)
    beats, murk = rough_beats(recording.signal[usable], recording.fs, spikes, mains.hz if mains.mv.max() > MAINS_MV else None)
    shapes, likeness = mean_beats(recording.signal, recording.fs, beats, usable)
    if len(beats) < 2 or likeness < LEAST_LIKENESS or (murk > MURKY and likeness < LIKE_ENOUGH):
        found = f"{len(beats)} candidate beats, likeness {likeness:.2f}, level between them {murk:.0%} of theirs"
        reason = f"no repeating heart beat found ({found}): noise, ventricular fibrillation or asystole"
        return Quality("unusable", (reason,), per_lead, mains.hz)
    swap = electrode_swap(dict(zip(recording.leads, shapes, strict=True)), recording.fs)
    reasons = [*_overall(recording, per_lead), *([f"electrodes possibly swapped: {swap}"] if swap else [])]
    return Quality("limited" if reasons else "ok", tuple(reasons), per_lead, mains.hz, tuple(spikes), swap)


def _fatal(recording: Recording) -> list[str]:
    reasons = []
    if recording.duration_s < SHORTEST_S:
        reasons.append(f"only {recording.duration_s:.2g} s long; at least {SHORTEST_S} s are needed")
    if recording.fs < SLOWEST_HZ:
        reasons.append(f"sampled at {recording.fs:g} Hz; at least {SLOWEST_HZ:g} Hz are needed")
    if reasons:
        return reasons
    with np.errstate(all="ignore"):
        spread = _spread(recording.signal)
    seen = spread[np.isfinite(spread)]
    if not len(seen):
        return ["every sample is missing"]
    if np.median(seen) > HUGE_MV:
        return [f"values of {np.median(seen):.3g} mV peak to peak cannot be an ECG; is the unit uV (--unit uV)?"]
    if np.max(seen) < FLAT_MV:
        hint = "" if np.max(seen) == 0 else f" ({np.max(seen):.2g} mV peak to peak; is the unit V?)"
        return [f"all leads are flat{hint}"]
    return []


def _spread(signal: np.ndarray) -> np.ndarray:
    """Peak to peak of the middle 98 %, per row; NaN where nothing is recorded."""
    ordered = np.sort(signal, axis=1)  # NaN last
    count = np.sum(~np.isnan(signal), axis=1)
    rows = np.arange(len(signal))
    low = ordered[rows, (0.01 * (count - 1)).astype(int)]
    high = ordered[rows, (0.99 * (count - 1)).astype(int).clip(0)]
    return np.where(count > 0, high - low, np.nan)


def _lead(recording: Recording, k: int, mains: Mains) -> LeadQuality:
    """One lead: first what forbids measuring it, then what weakens it."""
    x, fs = recording.signal[k], recording.fs
    missing, missing_text = missing_stretch(x, fs)
    if missing > MISSING_SHARE:
        return LeadQuality(False, (f"{missing:.0%} of the samples are missing",))
    notes = [missing_text] if missing_text else []
    x = x[~np.isnan(x)]
    spread = float(np.percentile(x, 99) - np.percentile(x, 1))
    offset = float(np.median(x))
    if spread < FLAT_MV:
        return LeadQuality(False, (f"flat ({spread * 1e3:.0f} uV peak to peak): lead off",))
    if abs(offset) > OFFSET_MV:
        return LeadQuality(False, (f"offset of {offset:.1f} mV: electrode off",))
    if spread > HUGE_MV:
        return LeadQuality(False, (f"{spread:.3g} mV peak to peak: not an ECG signal",))
    flat, flat_text = flat_stretch(x, fs)
    clipped = clipped_share(x, fs)
    muscle = muscle_noise(x, fs, mains.hz)
    wander = baseline_wander(x, fs)
    forbidding = (flat > FLAT_SHARE, clipped > CLIPPED_SHARE, muscle > MUSCLE_TOO_MUCH_MV)
    ok = not any(forbidding)
    found = {
        flat_text: bool(flat_text),
        f"clipped for {clipped:.1%} of the time": clipped > 0,
        f"muscle noise, {muscle * 1e3:.0f} uV RMS": muscle > MUSCLE_MV,
        f"mains interference, {mains.hz or 0:g} Hz, {mains.mv[k] * 1e3:.0f} uV": bool(mains.mv[k] > MAINS_MV),
        f"baseline wander, {wander:.1f} mV": wander > WANDER_MV,
    }
    worst = [text for text, forbids in zip(found, forbidding, strict=False) if forbids]
    notes = worst + notes + [text for text, there in found.items() if there and text not in worst]
    return LeadQuality(ok, tuple(notes))


def _overall(recording: Recording, per_lead: dict[str, LeadQuality]) -> list[str]:
    """Reasons that limit the whole recording."""
    reasons = []
    absent = [name for name in STANDARD if name not in per_lead]
    if absent:
        reasons.append(f"{len(absent)} of the 12 standard leads are not recorded: {', '.join(absent)}")
    for name, lead in per_lead.items():
        if not lead.ok and name in STANDARD:
            reasons.append(f"lead {name} not usable: {lead.reasons[0] if lead.reasons else 'unknown'}")
    for kind in ("mains interference", "muscle noise", "baseline wander", "clipped", "flat for", "missing for"):
        hit = [name for name, lead in per_lead.items() if lead.ok and any(kind in reason for reason in lead.reasons)]
        if hit:
            reasons.append(f"{kind.removesuffix(' for')} in {_listed(hit, len(per_lead))}")
    if recording.duration_s < USUAL_S:
        reasons.append(f"only {recording.duration_s:.1f} s: rhythm is read on about 10 s")
    if recording.fs < WANTED_HZ:
        reasons.append(f"sampled at {recording.fs:g} Hz: edges of waves are known to {1000 / recording.fs:.0f} ms at best")
    residual = limb_residual(recording, per_lead)
    if residual is not None and residual[0] > RESIDUAL_MV and residual[1] > RESIDUAL_SHARE:
        reasons.append(f"limb leads disagree: I + III - II is {residual[0] * 1e3:.0f} uV RMS instead of 0")
    return reasons


def _listed(names: Sequence[str], of: int) -> str:
    return f"all {of} leads" if len(names) == of and of > 2 else ", ".join(names)
