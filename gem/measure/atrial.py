"""Whether there are P waves at all, and what the atria do when there are none.

A delineator that must find a P in every beat invents it in atrial fibrillation. P waves are believed
here when the stretch before QRS repeats from beat to beat: the mean over beats then stands out of the
differences between beats, while fibrillation waves average away.
"""

from dataclasses import dataclass

import numpy as np

from gem.ecg.recording import Recording
from gem.measure.beats import Beats
from gem.measure.delineation import Delineation
from gem.measure.interval import Edges

_BEFORE_QRS_S, _GAP_S = 0.30, 0.02
_AFTER_T_S = 0.02
_FLUTTER_HZ = (3.6, 6.5)
"""216 to 390 a minute."""
_BAND_HZ = (3.0, 12.0)


@dataclass(frozen=True)
class Atrial:
    """What was found of the atria.

    coherence    how far the mean of the stretch before QRS exceeds chance (1 = chance), normal beats
    p_share      share of normal beats before which the delineator found P in most leads
    p_height_mv  height of the mean P stretch, median of the three largest leads
    wave_hz      frequency of the strongest atrial wave between the QRST complexes, or None
    wave_peak    how far that frequency stands out: power within 0.4 Hz of it and its double, as a share of 3-12 Hz
    """

    coherence: float
    p_share: float
    p_height_mv: float
    wave_hz: float | None
    wave_peak: float


def atrial(clean: Recording, delineation: Delineation, edges: Edges, beats: Beats) -> Atrial:
    """Judge atrial activity of a cleaned recording."""
    coherence, height = _coherence(clean, edges, beats)
    found = np.isfinite(delineation.at("p_on")).mean(axis=0)
    share = float(np.mean(found[beats.normal] >= 0.5)) if beats.normal.any() else 0.0
    hz, peak = _atrial_wave(clean, delineation, beats)
    return Atrial(coherence, share, height, hz, peak)


def _coherence(clean: Recording, edges: Edges, beats: Beats) -> tuple[float, float]:
    """Coherence and height of the stretch before QRS, previous T wave left out."""
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
        stretch = clean.signal[:, begin:end]
        if free.sum() < 0.06 * fs:
            continue
        level = np.median(stretch[:, -max(2, round(0.03 * fs)) :], axis=1, keepdims=True)
        rows.append(stretch - level)
        masks.append(free)
    if len(rows) < 3:
        return float("nan"), float("nan")
    x, mask = np.stack(rows), np.stack(masks)
    common = mask.sum(axis=0) >= max(3, 0.5 * len(rows))
    if common.sum() < 0.06 * fs:
        return float("nan"), float("nan")
    x = np.where(mask[:, None, :], x, np.nan)[:, :, common]
    count = np.sum(np.isfinite(x), axis=0)
    mean = np.nansum(x, axis=0) / count
    spread = np.nansum((x - mean) ** 2, axis=0) / np.maximum(count - 1, 1)
    mean = mean - mean.mean(axis=1, keepdims=True)
    coherence = float(np.sum(count * mean**2) / max(np.sum(spread), 1e-9))
    heights = np.sort(np.ptp(mean, axis=1))[::-1]
    return coherence, float(np.median(heights[:3]))


def _atrial_wave(clean: Recording, delineation: Delineation, beats: Beats) -> tuple[float | None, float]:
    """Strongest frequency of II, III, aVF and V1 once the representative beats are subtracted."""
    names = [k for k, name in enumerate(clean.leads) if name in ("II", "III", "aVF", "V1")]
    if not names:
        return None, 0.0
    residual = _without_qrst(clean, delineation, beats)[names]
    window = np.hanning(residual.shape[1])
    power = np.abs(np.fft.rfft(residual * window, n=4 * residual.shape[1], axis=1)) ** 2
    hz = np.fft.rfftfreq(4 * residual.shape[1], 1 / clean.fs)
    total = (power / np.maximum(power[:, (hz > _BAND_HZ[0]) & (hz < _BAND_HZ[1])].sum(axis=1, keepdims=True), 1e-12)).sum(axis=0)
    band = (hz >= _FLUTTER_HZ[0]) & (hz <= _FLUTTER_HZ[1])
    best = hz[band][int(np.argmax(total[band]))]
    near = (np.abs(hz - best) < 0.4) | (np.abs(hz - 2 * best) < 0.4)
    near &= (hz > _BAND_HZ[0]) & (hz < _BAND_HZ[1])
    return float(best), float(total[near].sum() / len(names))


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
    for m in middles:
        a, b = max(0, m - bridge), min(clean.samples - 1, m + bridge)
        share = np.linspace(0, 1, b - a + 1)
        out[:, a : b + 1] = out[:, [a]] * (1 - share) + out[:, [b]] * share
    return out
