"""The 14 beat sequences of the grounding data: one value a beat and lead.

Names and units are in `measurement.SEQUENCES`; what is absent is NaN ("" for st_form).
"""

import numpy as np

from gem.ecg.recording import Recording
from gem.measure.delineation import Delineation
from gem.measure.wave import ST_SLOPE_MV

_LEVEL_S = 0.02


def sequences(clean: Recording, delineation: Delineation) -> dict[str, np.ndarray]:
    """[L, B] values of each sequence, rows as in `delineation.leads`."""
    at = delineation.at
    beat_s = delineation.beat_s
    rr = np.diff(beat_s)
    shape = delineation.times.shape[:2]
    before = np.broadcast_to(np.concatenate([[np.nan], rr]) * 1e3, shape)
    after = np.broadcast_to(np.concatenate([rr, [np.nan]]) * 1e3, shape)
    qt = (at("t_off") - at("qrs_on")) * 1e3
    level = _levels(clean, at("qrs_on"))
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "heart_rate": 60e3 / before,
            "rr_preceding": before,
            "rr_following": after,
            "p_amplitude": _largest(clean, at("p_on"), at("p_off"), level),
            "p_duration": (at("p_off") - at("p_on")) * 1e3,
            "pr_interval": (at("qrs_on") - at("p_on")) * 1e3,
            "qrs_amplitude": _height(clean, at("qrs_on"), at("qrs_off")),
            "qrs_duration": (at("qrs_off") - at("qrs_on")) * 1e3,
            "t_amplitude": _largest(clean, at("t_on"), at("t_off"), level),
            "t_duration": (at("t_off") - at("t_on")) * 1e3,
            "st_duration": (at("t_on") - at("qrs_off")) * 1e3,
            "st_form": _st_forms(clean, at("qrs_off")),
            "qt_interval": qt,
            "qtc_interval": qt / np.sqrt(before / 1e3),
        }


def _samples(clean: Recording, times_LB: np.ndarray) -> np.ndarray:
    """Times as sample numbers inside the recording; absent ones as -1."""
    at = np.where(np.isfinite(times_LB), times_LB, -1) * clean.fs
    out: np.ndarray = np.where(np.isfinite(times_LB), np.clip(np.round(at), 0, clean.samples - 1), -1).astype(int)
    return out


def _means(clean: Recording, begin_LB: np.ndarray, end_LB: np.ndarray) -> np.ndarray:
    """[L, B] mean of the signal between two sample numbers (end left out)."""
    total = np.concatenate([np.zeros((len(clean.leads), 1)), np.cumsum(clean.signal, axis=1, dtype=np.float64)], axis=1)
    rows = np.arange(len(clean.leads))[:, None]
    begin, end = np.clip(begin_LB, 0, clean.samples - 1), np.clip(end_LB, 1, clean.samples)
    end = np.maximum(end, begin + 1)
    out: np.ndarray = (total[rows, end] - total[rows, begin]) / (end - begin)
    return out


def _levels(clean: Recording, qrs_on_LB: np.ndarray) -> np.ndarray:
    """[L, B] mean of the 20 ms before QRS; NaN where its onset is absent."""
    on = _samples(clean, qrs_on_LB)
    out: np.ndarray = np.where(on >= 0, _means(clean, on - round(_LEVEL_S * clean.fs), on), np.nan)
    return out


def _largest(clean: Recording, first_LB: np.ndarray, last_LB: np.ndarray, level_LB: np.ndarray) -> np.ndarray:
    """[L, B] the value farthest from the level between two fiducials, less the level."""
    top, bottom = _extremes(clean, first_LB, last_LB)
    with np.errstate(invalid="ignore"):
        up, down = top - level_LB, bottom - level_LB
        out: np.ndarray = np.where(np.abs(up) >= np.abs(down), up, down)
    return out


def _height(clean: Recording, first_LB: np.ndarray, last_LB: np.ndarray) -> np.ndarray:
    top, bottom = _extremes(clean, first_LB, last_LB)
    out: np.ndarray = top - bottom
    return out


def _extremes(clean: Recording, first_LB: np.ndarray, last_LB: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[L, B] largest and smallest value between two fiducials (both included); NaN where one is absent."""
    first, last = _samples(clean, first_LB), _samples(clean, last_LB)
    whole = (first >= 0) & (last >= first)
    top = np.full(first.shape, np.nan)
    bottom = np.full(first.shape, np.nan)
    for k, signal in enumerate(clean.signal):
        ok = np.flatnonzero(whole[k])
        if not len(ok):
            continue
        edges = np.stack([first[k, ok], np.minimum(last[k, ok] + 1, clean.samples)], axis=1).ravel()
        padded = np.append(signal, signal[-1])
        top[k, ok] = np.maximum.reduceat(padded, edges)[::2]
        bottom[k, ok] = np.minimum.reduceat(padded, edges)[::2]
    return top, bottom


def _st_forms(clean: Recording, qrs_off_LB: np.ndarray) -> np.ndarray:
    """[L, B] "horizontal", "upsloping" or "downsloping" from J to J + 60 ms of the lead; "" where J is absent or the record ends."""
    j = _samples(clean, qrs_off_LB)
    width, gap = max(2, round(0.008 * clean.fs)), round(0.06 * clean.fs)
    change = _means(clean, j + gap, j + gap + width) - _means(clean, j, j + width)
    forms = np.select([change >= ST_SLOPE_MV, change <= -ST_SLOPE_MV], ["upsloping", "downsloping"], "horizontal")
    out: np.ndarray = np.where((j >= 0) & (j + gap + width < clean.samples), forms, "")
    return out
