"""Where the heart beats, roughly, and the mean beat: enough to judge quality, not to measure."""

from collections.abc import Sequence

import numpy as np

_BEFORE_S, _AFTER_S = 0.28, 0.44
_REFRACTORY_S = 0.25


def smooth(x: np.ndarray, width: int) -> np.ndarray:
    """Moving average along the last axis, same length, ends averaged over what is there."""
    width = max(1, min(width, x.shape[-1]))
    total = np.concatenate([np.zeros((*x.shape[:-1], 1)), np.cumsum(x, axis=-1, dtype=np.float64)], axis=-1)
    at = np.arange(x.shape[-1])
    low = np.clip(at - width // 2, 0, x.shape[-1])
    high = np.clip(at - width // 2 + width, 0, x.shape[-1])
    out: np.ndarray = (total[..., high] - total[..., low]) / (high - low)
    return out


def bridged(signal: np.ndarray) -> np.ndarray:
    """[L, T] with missing samples replaced by the lead's median."""
    if not np.isnan(signal).any():
        return signal
    with np.errstate(all="ignore"):
        level = np.nan_to_num(np.nanmedian(signal, axis=1, keepdims=True))
    return np.where(np.isnan(signal), level, signal)


def rough_beats(signal: np.ndarray, fs: float, spikes_s: Sequence[float] = (), mains_hz: float | None = None) -> tuple[np.ndarray, float]:
    """Samples near the middle of the QRS complexes, and how little these stand out.

    signal    [L, T] mV, usable leads
    spikes_s  pacing spikes, whose own steep edges are cut out first
    mains_hz  mains interference, averaged away over one period

    The energy of the slope over all leads, smoothed over 100 ms, must exceed a share of what it
    reaches in most 2 s stretches; peaks nearer than 250 ms are one beat. The second number is the
    median energy as a share of these tops: 0.003 in most ECGs, below 0.25 in all of PTB-XL, above
    0.5 in noise and in ventricular fibrillation, where nothing stands out.
    """
    x = bridged(signal) if mains_hz is None else smooth(bridged(signal), round(fs / mains_hz))
    step = max(1, round(0.01 * fs))
    slope = np.zeros_like(x)
    slope[:, step:] = x[:, step:] - x[:, :-step]
    for spike in spikes_s:
        at = round(spike * fs)
        slope[:, max(0, at - step) : at + 2 * step] = 0
    limit = np.percentile(np.abs(slope), 99, axis=1, keepdims=True)
    energy = smooth(np.sum(np.minimum(np.abs(slope), limit) ** 2, axis=0), round(0.1 * fs))
    stretch = round(2 * fs)
    tops = [energy[k : k + stretch].max() for k in range(0, max(1, len(energy) - stretch // 2), stretch)]
    peaks = np.flatnonzero((energy[1:-1] >= energy[:-2]) & (energy[1:-1] > energy[2:]) & (energy[1:-1] > 0.3 * np.median(tops))) + 1
    kept: list[int] = []
    for peak in peaks[np.argsort(-energy[peaks])]:
        if all(abs(peak - other) > _REFRACTORY_S * fs for other in kept):
            kept.append(int(peak))
    return np.array(sorted(kept), dtype=int), float(np.median(energy) / max(np.median(tops), 1e-12))


def mean_beats(signal: np.ndarray, fs: float, beats: np.ndarray, judged: Sequence[int]) -> tuple[np.ndarray, float]:
    """The median beat [L, W] from 280 ms before to 440 ms after each beat, and how alike single beats are to it.

    Likeness is the median, over beats, of the correlation of a beat (the leads `judged` together, QRS
    and 200 ms around it) with the median beat; 0 when there are fewer than two beats.
    """
    before, after = round(_BEFORE_S * fs), round(_AFTER_S * fs)
    x = bridged(signal)
    whole = [b for b in beats if b - before >= 0 and b + after <= x.shape[1]]
    if len(whole) < 2:
        return np.zeros((len(signal), before + after)), 0.0
    cut = np.stack([x[:, b - before : b + after] for b in whole])
    cut = cut - np.median(cut, axis=2, keepdims=True)
    mean = np.median(cut, axis=0)
    middle = slice(before - round(0.1 * fs), before + round(0.1 * fs))
    flat = cut[:, judged, middle].reshape(len(whole), -1)
    template = mean[judged, middle].reshape(-1)
    norms = np.linalg.norm(flat, axis=1) * np.linalg.norm(template)
    likeness = float(np.median(flat @ template / np.where(norms > 0, norms, np.inf)))
    return mean, likeness


def beat_window(fs: float) -> int:
    """Index of the beat's middle inside a mean beat."""
    return round(_BEFORE_S * fs)
