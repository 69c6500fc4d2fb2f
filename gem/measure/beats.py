"""Beats: which are normally conducted, which are ectopic, and the representative beat of each lead.

Ectopic beats are set aside and counted; medians are taken over the normal ones (measurement.md).
Source: definitions of prematurity and of complexes of ventricular origin: Mason et al. 2007, AHA/ACCF/HRS
part II; the numeric limits below are ours.
"""

from dataclasses import dataclass, replace

import numpy as np

from gem.ecg.recording import Recording
from gem.measure.delineation import Delineation

NORMAL, PVC, PAC, PACED, OTHER = "normal", "pvc", "pac", "paced", "other"
PREMATURE, FOLLOWED = 0.83, 1.0
"""RR before an early beat and RR after it, as shares of the usual RR around it: early and not made up for at once."""
_ALIKE = 0.80
"""Correlation of QRS complexes over all leads that counts as the same shape."""
_WIDER_MS = 16.0
_WIDE_MS = 110.0
_SPIKE_BEFORE_QRS_S = 0.1
_QRS_REACH_S = 0.07
_BEFORE_S, _AFTER_S = 0.36, 0.64


@dataclass(frozen=True, eq=False)
class Beats:
    """Kinds of beats and the representative (median) normal beat.

    kinds    [B] "normal", "pvc", "pac", "paced" or "other"
    shape    [L, W] median of the aligned normal beats, mV
    start_s  time of shape's first sample relative to the beat, s (negative)
    shift_s  [B] correction of each beat's time found by alignment, s
    early    [B] whether the beat came early
    """

    kinds: np.ndarray
    shape: np.ndarray
    start_s: float
    shift_s: np.ndarray
    early: np.ndarray

    @property
    def normal(self) -> np.ndarray:
        """[B] the beats that carry the medians: normal ones, or paced ones where there are no others."""
        for kind in (NORMAL, PACED, OTHER):
            if (self.kinds == kind).any():
                out: np.ndarray = self.kinds == kind
                return out
        return np.ones(len(self.kinds), dtype=bool)


def fibrillating(beats: Beats) -> Beats:
    """The same beats in atrial fibrillation, where an early beat of the usual shape is no premature one."""
    return replace(beats, kinds=np.where(beats.kinds == PAC, NORMAL, beats.kinds))


def classify(clean: Recording, delineation: Delineation, width: np.ndarray, spikes_s: tuple[float, ...]) -> Beats:
    """Sort the beats of a cleaned recording by shape, width, timing and pacing spikes.

    width     [B] QRS duration of each beat over the leads, ms
    spikes_s  pacing spikes, s
    """
    beat_s, fs = delineation.beat_s, clean.fs
    cut = _cut(clean, beat_s, _QRS_REACH_S, _QRS_REACH_S)
    cluster, shift = _by_shape(cut, fs)
    dominant = _dominant(cluster, width)
    early = _early(beat_s, cluster == dominant)
    typical = np.nanmedian(width[cluster == dominant]) if np.isfinite(width[cluster == dominant]).any() else np.nan
    kinds = np.full(len(beat_s), NORMAL, dtype="U6")
    with np.errstate(invalid="ignore"):
        broad = (width > typical + _WIDER_MS) & (width > _WIDE_MS)
    foreign = cluster != dominant
    kinds[foreign] = OTHER
    kinds[foreign & broad] = PVC
    kinds[~foreign & early] = PAC
    kinds[foreign & early & ~broad] = PAC
    paced = _paced(delineation, spikes_s)
    kinds[paced] = PACED
    normal = kinds == NORMAL if (kinds == NORMAL).any() else kinds == (PACED if paced.any() else OTHER)
    shape = representative(clean, beat_s + shift, normal)
    return Beats(kinds, shape, -round(_BEFORE_S * fs) / fs, shift, early)


def representative(clean: Recording, beat_s: np.ndarray, which: np.ndarray) -> np.ndarray:
    """[L, W] median over the beats `which`, from 0.36 s before to 0.64 s after."""
    cut = _cut(clean, beat_s, _BEFORE_S, _AFTER_S)
    inside = (beat_s - _BEFORE_S >= 0) & (beat_s + _AFTER_S <= clean.duration_s)
    chosen = which & inside if (which & inside).any() else which
    out: np.ndarray = np.median(cut[chosen if chosen.any() else slice(None)], axis=0)
    return out


def _cut(clean: Recording, beat_s: np.ndarray, before_s: float, after_s: float) -> np.ndarray:
    """[B, L, W] stretches around the beats; the ends of the recording repeat their last sample."""
    before, after = round(before_s * clean.fs), round(after_s * clean.fs)
    middle = np.round(beat_s * clean.fs).astype(int)
    at = np.clip(middle[:, None] + np.arange(-before, after), 0, clean.samples - 1)
    out: np.ndarray = clean.signal[:, at].transpose(1, 0, 2)
    return out


def _by_shape(cut: np.ndarray, fs: float) -> tuple[np.ndarray, np.ndarray]:
    """[B] cluster of each QRS by correlation over all leads, and the time shift that aligns it with its cluster, s.

    A beat joins the first cluster whose founding beat it resembles at the best shift within 20 ms.
    """
    reach = max(1, round(0.02 * fs))
    flat = cut - cut.mean(axis=2, keepdims=True)
    core = flat[:, :, reach:-reach]
    cluster = np.full(len(cut), -1)
    shift = np.zeros(len(cut))
    founders: list[np.ndarray] = []
    order = np.argsort(
        np.abs(np.linalg.norm(core.reshape(len(cut), -1), axis=1) - np.median(np.linalg.norm(core.reshape(len(cut), -1), axis=1)))
    )
    for k in order:
        for c, founder in enumerate(founders):
            likeness, best = _best_shift(flat[k], founder, reach)
            if likeness > _ALIKE:
                cluster[k], shift[k] = c, best / fs
                break
        else:
            cluster[k] = len(founders)
            founders.append(core[k])
    return cluster, shift


def _best_shift(beat: np.ndarray, founder: np.ndarray, reach: int) -> tuple[float, int]:
    """Largest correlation of `beat` [L, W + 2 reach] with `founder` [L, W], and the shift (samples) where it is."""
    width = founder.shape[1]
    windows = np.lib.stride_tricks.sliding_window_view(beat, width, axis=1)
    products = np.einsum("lsw,lw->s", windows, founder)
    norms = np.sqrt(np.einsum("lsw,lsw->s", windows, windows)) * np.linalg.norm(founder)
    likeness = products / np.where(norms > 0, norms, np.inf)
    best = int(np.argmax(likeness))
    return float(likeness[best]), best - reach


def _dominant(cluster: np.ndarray, width: np.ndarray) -> int:
    """The commonest shape; of shapes about as common (bigeminy), the narrower."""
    names, counts = np.unique(cluster, return_counts=True)
    common = names[counts >= 0.7 * counts.max()]
    widths = [np.nanmedian(width[cluster == c]) if np.isfinite(width[cluster == c]).any() else np.inf for c in common]
    return int(common[int(np.argmin(widths))])


def _early(beat_s: np.ndarray, dominant: np.ndarray) -> np.ndarray:
    """[B] beats that come early for the RR intervals of the dominant shape around them, and are followed by no short one."""
    rr = np.diff(beat_s)
    own = dominant[1:] & dominant[:-1]
    out = np.zeros(len(beat_s), dtype=bool)
    for k in range(1, len(beat_s)):
        near = [j for j in (*range(max(0, k - 5), k - 1), *range(k + 1, min(len(rr), k + 3))) if own[j]]
        far = [j for j in range(len(rr)) if own[j] and j not in (k - 1, k)]
        around = near if len(near) >= 2 else far
        if not around:
            continue
        usual = float(np.median(rr[around]))
        following = rr[k] if k < len(rr) else usual
        out[k] = rr[k - 1] < PREMATURE * usual and following >= FOLLOWED * usual
    return out


def _paced(delineation: Delineation, spikes_s: tuple[float, ...]) -> np.ndarray:
    """[B] whether a pacing spike stands within 100 ms before the QRS complex begins or inside it."""
    if not spikes_s:
        return np.zeros(len(delineation.beat_s), dtype=bool)
    spikes = np.asarray(spikes_s)
    gap = delineation.beat_s[:, None] - spikes[None, :]
    out: np.ndarray = ((gap > -0.02) & (gap < _SPIKE_BEFORE_QRS_S + 0.08)).any(axis=1)
    return out
