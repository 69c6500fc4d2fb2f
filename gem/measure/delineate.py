"""The door to neurokit2: beats and fiducials from its peak detector and its `prominence` delineator.

What comes out is checked, not trusted. Repaired here: lists shorter than the beats (a NaN that is not
the very object `np.nan` is dropped by neurokit2), waves out of order, beats at the ends, pacing
spikes counted as beats, exceptions on few beats. P waves that neurokit2 finds in every beat, also in
atrial fibrillation, are judged later (`atrial.py`).
Sources: Makowski et al. 2021 (neurokit2); Emrich et al. 2024 (prominence).
"""

import warnings
from collections.abc import Sequence

import numpy as np

from gem.ecg.recording import Recording
from gem.ecg.rough import rough_beats
from gem.measure.delineation import FIDUCIALS, Delineation, ordered

METHODS = ("prominence", "dwt")
"""Methods of `neurokit2.ecg_delineate` that can be asked for."""

_NEUROKIT_KEYS = {
    "p_on": "ECG_P_Onsets", "p_peak": "ECG_P_Peaks", "p_off": "ECG_P_Offsets",
    "qrs_on": "ECG_R_Onsets", "q_peak": "ECG_Q_Peaks", "r_peak": "ECG_R_Peaks", "s_peak": "ECG_S_Peaks", "qrs_off": "ECG_R_Offsets",
    "t_on": "ECG_T_Onsets", "t_peak": "ECG_T_Peaks", "t_off": "ECG_T_Offsets",
}  # fmt: skip
_PEAK_WINDOW_S = 0.06


def delineate_neurokit(clean: Recording, spikes_s: Sequence[float], method: str = "prominence") -> Delineation:
    """Delineate every lead of `clean` with neurokit2.

    clean     no gaps, baseline removed, pacing spikes cut out; usable leads only
    spikes_s  pacing spikes, s
    method    one of `METHODS`
    """
    beats, _ = rough_beats(clean.signal, clean.fs, spikes_s)
    times = np.stack([_lead(row, clean.fs, beats, method) for row in clean.signal.astype(np.float64)])
    return Delineation(clean.leads, beats / clean.fs, times, f"neurokit2 {method}")


def _lead(x: np.ndarray, fs: float, beats: np.ndarray, method: str) -> np.ndarray:
    """Fiducials [B, 11] of one lead, s."""
    import neurokit2

    cleaned = neurokit2.ecg_clean(x, sampling_rate=round(fs))
    reach = round(_PEAK_WINDOW_S * fs)
    peaks = np.array([_peak(cleaned, beat, reach) for beat in beats])
    peaks = np.maximum.accumulate(np.maximum(peaks, np.arange(len(peaks)) + 1))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, waves = neurokit2.ecg_delineate(cleaned, peaks, sampling_rate=round(fs), method=method)
    except (ValueError, IndexError, ZeroDivisionError, TypeError, KeyError):
        waves = {}
    times = np.full((len(beats), len(FIDUCIALS)), np.nan)
    for k, name in enumerate(FIDUCIALS):
        found = np.asarray(waves.get(_NEUROKIT_KEYS[name], []), dtype=np.float64)
        times[:, k] = _per_beat(found, peaks, name) / fs
    times[:, FIDUCIALS.index("r_peak")] = peaks / fs
    return ordered(times)


def _peak(x: np.ndarray, beat: int, reach: int) -> int:
    """The tallest positive deflection near a beat, or the deepest negative one where that is far larger."""
    low, high = max(0, beat - reach), min(len(x), beat + reach)
    window = x[low:high] - np.median(x[max(0, low - 2 * reach) : high + 2 * reach])
    top, bottom = int(np.argmax(window)), int(np.argmin(window))
    return low + (bottom if -window[bottom] > 3 * window[top] else top)


def _per_beat(found: np.ndarray, peaks: np.ndarray, name: str) -> np.ndarray:
    """Positions, one a beat: by place when the list is complete, else each to the beat whose span holds it."""
    if len(found) == len(peaks):
        return found
    out = np.full(len(peaks), np.nan)
    before = FIDUCIALS.index(name) <= FIDUCIALS.index("q_peak")
    for position in found[np.isfinite(found)]:
        k = np.searchsorted(peaks, position) if before else np.searchsorted(peaks, position, side="right") - 1
        if 0 <= k < len(peaks):
            out[k] = position
    return out
