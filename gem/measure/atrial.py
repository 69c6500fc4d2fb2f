"""Whether there are P waves at all, and what the atria do when there are none.

A delineator that must find a P in every beat invents it in atrial fibrillation. Ours may find none; of one that cannot
say how sure it is (neurokit2), P waves are believed only when the stretch before QRS repeats from beat to beat: the mean
over beats then stands out of the differences between beats, while fibrillation waves average away.
"""

from dataclasses import dataclass

import numpy as np

from gem.ecg.recording import Recording
from gem.measure.beats import Beats
from gem.measure.delineation import Delineation
from gem.measure.interval import Edges

COHERENT = 4.0
"""Limit of `Atrial.coherence` where the engine does not say how sure it is; chosen on PTB-XL folds 1-8 (configs/LOG.md)."""
_BEFORE_QRS_S, _GAP_S = 0.30, 0.02
_AFTER_T_S = 0.02
_FIRST_S = 0.25
"""The P wave of a QRS earlier than this may lie before the record's begin."""
_FLUTTER_HZ = (3.6, 6.5)
"""216 to 390 a minute: SVT guideline (Brugada 2020), 250-330 typical, slower under drugs."""
_BAND_HZ = (3.0, 12.0)
_RATIOS = (2, 3, 4)
_ATRIAL_LEADS = ("II", "III", "aVF", "V1")


@dataclass(frozen=True)
class Atrial:
    """What was found of the atria.

    p_share     share of normal beats with a P wave before QRS (beats whose P may lie before the record left out)
    says_sure   whether the engine says how sure it is of its P waves
    coherence   how far the mean of the stretch before QRS exceeds chance (1 = chance), normal beats; NaN: too little room
    wave_hz     frequency of the strongest atrial wave between the QRST complexes, or None
    wave_peak   how far it stands out: power near it and its double, as a share of 3-12 Hz
    ratio       atrial waves per QRS that a regular rhythm hides, 2 to 4, and their share of the power between QRS complexes
    """

    p_share: float
    says_sure: bool
    coherence: float
    wave_hz: float | None
    wave_peak: float
    ratio: tuple[int, float]

    @property
    def has_p(self) -> bool:
        """Whether P waves are believed."""
        if self.says_sure:
            return self.p_share >= 0.5
        if np.isnan(self.coherence):
            return self.p_share >= 0.5
        return self.coherence >= COHERENT and self.p_share >= 0.3

    @property
    def p_evidence(self) -> str:
        """The finding in words."""
        if self.says_sure:
            return f"P waves before {self.p_share:.0%} of the normal beats"
        if np.isnan(self.coherence):
            return f"too little room before QRS to judge P by its repetition; P found before {self.p_share:.0%} of the beats"
        repeats = "repeats" if self.has_p else "does not repeat"
        return f"the stretch before QRS {repeats} from beat to beat (coherence {self.coherence:.1f}, chance 1, limit {COHERENT:g})"


def atrial(clean: Recording, delineation: Delineation, edges: Edges, beats: Beats) -> Atrial:
    """Judge atrial activity of a cleaned recording."""
    says_sure = bool(np.isfinite(delineation.sure).all()) and len(delineation.sure) > 0
    cut = np.isnan(edges["p_on"]) & (edges["qrs_on"] < _FIRST_S)
    found = np.isfinite(edges["p_on"])[beats.normal & ~cut]
    share = float(found.mean()) if len(found) else 0.0
    coherence = float("nan") if says_sure else _coherence(clean, edges, beats)
    known = Atrial(share, says_sure, coherence, None, 0.0, (1, 0.0))
    if known.has_p:
        return known
    hz, peak = _atrial_wave(clean, delineation, beats)
    return Atrial(share, says_sure, coherence, hz, peak, _hidden_ratio(clean, delineation, edges))


def _coherence(clean: Recording, edges: Edges, beats: Beats) -> float:
    """Coherence of the stretch before QRS, previous T wave left out; NaN when there is too little of it."""
    fs = clean.fs
    width = round((_BEFORE_QRS_S - _GAP_S) * fs)
    t_before = np.concatenate([[-np.inf], edges["t_off"][:-1]])
    rows, masks = [], []
    for k in np.flatnonzero(beats.normal & np.isfinite(edges["qrs_on"])):
        end = round((edges["qrs_on"][k] - _GAP_S) * fs)
        begin = end - width
        if begin < 0 or end > clean.samples:
            continue
        free = np.arange(begin, end) / fs > (t_before[k] if np.isfinite(t_before[k]) else -np.inf) + _AFTER_T_S
        if free.sum() < 0.06 * fs:
            continue
        stretch = clean.signal[:, begin:end]
        rows.append(stretch - np.median(stretch[:, -max(2, round(0.03 * fs)) :], axis=1, keepdims=True))
        masks.append(free)
    if len(rows) < 3:
        return float("nan")
    x, mask = np.stack(rows), np.stack(masks)
    common = mask.sum(axis=0) >= max(3, 0.5 * len(rows))
    if common.sum() < 0.06 * fs:
        return float("nan")
    x = np.where(mask[:, None, :], x, np.nan)[:, :, common]
    count = np.sum(np.isfinite(x), axis=0)
    mean = np.nansum(x, axis=0) / count
    spread = np.nansum((x - mean) ** 2, axis=0) / np.maximum(count - 1, 1)
    mean = mean - mean.mean(axis=1, keepdims=True)
    return float(np.sum(count * mean**2) / max(np.sum(spread), 1e-9))


def _chosen(clean: Recording) -> list[int]:
    """Rows of the leads that show the atria best, or all."""
    return [k for k, name in enumerate(clean.leads) if name in _ATRIAL_LEADS] or list(range(len(clean.leads)))


def _atrial_wave(clean: Recording, delineation: Delineation, beats: Beats) -> tuple[float | None, float]:
    """Strongest frequency once the representative beats are subtracted: for an irregular rhythm."""
    rows = _chosen(clean)
    residual = _without_qrst(clean, delineation, beats)[rows]
    power, hz = _spectrum(residual, clean.fs)
    inside = (hz > _BAND_HZ[0]) & (hz < _BAND_HZ[1])
    total = (power / np.maximum(power[:, inside].sum(axis=1, keepdims=True), 1e-12)).sum(axis=0)
    band = (hz >= _FLUTTER_HZ[0]) & (hz <= _FLUTTER_HZ[1])
    best = hz[band][int(np.argmax(total[band]))]
    near = ((np.abs(hz - best) < 0.4) | (np.abs(hz - 2 * best) < 0.4)) & inside
    return float(best), float(total[near].sum() / len(rows))


def _spectrum(x: np.ndarray, fs: float) -> tuple[np.ndarray, np.ndarray]:
    """[L, F] power and [F] Hz, four times interpolated."""
    n = 4 * x.shape[1]
    return np.abs(np.fft.rfft(x * np.hanning(x.shape[1]), n=n, axis=1)) ** 2, np.fft.rfftfreq(n, 1 / fs)


def _without_qrst(clean: Recording, delineation: Delineation, beats: Beats) -> np.ndarray:
    """The signal less the median QRST of its kind at each beat; QRS itself bridged."""
    fs = clean.fs
    out = clean.signal.astype(np.float64).copy()
    before, after = round(0.06 * fs), round(0.4 * fs)
    middles = np.round((delineation.beat_s + beats.shift_s) * fs).astype(int)
    whole = (middles - before >= 0) & (middles + after <= clean.samples)
    for kind in np.unique(beats.kinds):
        chosen = middles[(beats.kinds == kind) & whole]
        if len(chosen) < 2:
            continue
        mean = np.median(np.stack([clean.signal[:, m - before : m + after] for m in chosen]), axis=0)
        mean = mean - mean[:, -max(1, round(0.02 * fs)) :].mean(axis=1, keepdims=True)
        for m in chosen:
            out[:, m - before : m + after] -= mean
    bridge = round(0.06 * fs)
    return _bridged(out, [(m - bridge, m + bridge) for m in middles])


def _bridged(x: np.ndarray, spans: list[tuple[int, int]]) -> np.ndarray:
    """Stretches of samples replaced by straight lines, in place."""
    for first, last in spans:
        a, b = max(0, first), min(x.shape[1] - 1, last)
        if a < b:
            share = np.linspace(0, 1, b - a + 1)
            x[:, a : b + 1] = x[:, [a]] * (1 - share) + x[:, [b]] * share
    return x


def _hidden_ratio(clean: Recording, delineation: Delineation, edges: Edges) -> tuple[int, float]:
    """Atrial waves per QRS of a regular rhythm: the harmonic of the ventricular rate that holds most of the power between QRS
    complexes, where it lies at a flutter rate; (1, 0) otherwise."""
    fs = clean.fs
    known = np.isfinite(edges["qrs_on"]) & np.isfinite(edges["qrs_off"])
    spans = [(round((a - 0.01) * fs), round((b + 0.02) * fs)) for a, b in zip(edges["qrs_on"][known], edges["qrs_off"][known], strict=True)]
    x = _bridged(clean.signal[_chosen(clean)].astype(np.float64), spans)
    power, hz = _spectrum(x, fs)
    beat_hz = 1.0 / float(np.median(np.diff(delineation.beat_s)))
    harmonics = np.stack([power[:, np.abs(hz - n * beat_hz) < 0.15].sum(axis=1) for n in range(1, 7)])
    share = (harmonics / np.maximum(harmonics.sum(axis=0), 1e-12)).mean(axis=1)
    possible = [n for n in _RATIOS if _FLUTTER_HZ[0] <= n * beat_hz <= _FLUTTER_HZ[1]]
    best = max(possible, key=lambda n: share[n - 1], default=1)
    return (best, float(share[best - 1])) if best > 1 else (1, 0.0)
