"""The single faults a trace can have, each measured by one function."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gem.ecg.lead import LIMB
from gem.ecg.recording import Recording
from gem.ecg.rough import beat_window, bridged, smooth

_FLAT_RUN_S = 1.0
_CLIP_RUN_S = 0.01
_SPIKE_HZ = 400.0
"""Below this sampling rate pacing spikes are lost."""
_SPIKE_MV = 0.15
_SPIKE_LEADS = 2
_SPIKE_LIKENESS = 0.9


@dataclass(frozen=True)
class Mains:
    """hz: 50 or 60, or None; mv: [L] amplitude of the sine, mV."""

    hz: float | None
    mv: np.ndarray


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of True as (first, one past last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def missing_stretch(x: np.ndarray, fs: float) -> tuple[float, str]:
    """Share of missing samples of one lead, and the longest stretch in words ("" when none)."""
    gaps = np.isnan(x)
    if not gaps.any():
        return 0.0, ""
    first, last = max(_runs(gaps), key=lambda run: run[1] - run[0])
    return float(gaps.mean()), f"missing for {(last - first) / fs:.2g} s from {first / fs:.1f} s"


def flat_stretch(x: np.ndarray, fs: float) -> tuple[float, str]:
    """Share of time in unchanging stretches of at least 1 s, and the longest in words."""
    runs = [run for run in _runs(np.diff(x) == 0) if run[1] - run[0] >= _FLAT_RUN_S * fs]
    if not runs:
        return 0.0, ""
    first, last = max(runs, key=lambda run: run[1] - run[0])
    return sum(b - a for a, b in runs) / len(x), f"flat for {(last - first) / fs:.1f} s from {first / fs:.1f} s"


def clipped_share(x: np.ndarray, fs: float) -> float:
    """Share of time spent exactly at the largest or smallest value in runs of 10 ms or more, twice or oftener."""
    share, need = 0.0, max(4, round(_CLIP_RUN_S * fs))
    for rail in (x.max(), x.min()):
        runs = [b - a for a, b in _runs(x == rail) if b - a >= need]
        if len(runs) >= 2 and abs(rail - np.median(x)) > 0.3:
            share += sum(runs) / len(x)
    return share


def mains_amplitude(recording: Recording) -> Mains:
    """50 or 60 Hz interference: the power within 0.6 Hz of it above that of its neighbours.

    QRS harmonics fill the neighbours as they fill the line itself, so they cancel.
    """
    signal, fs = bridged(recording.signal), recording.fs
    silent = Mains(None, np.zeros(len(signal)))
    if fs <= 125:
        return silent
    window = np.hanning(signal.shape[1])
    spectrum = np.abs(np.fft.rfft((signal - signal.mean(axis=1, keepdims=True)) * window, axis=1)) ** 2
    spectrum *= 4 / (window.sum() ** 2)
    hz = np.fft.rfftfreq(signal.shape[1], 1 / fs)
    best = silent
    for line in (50.0, 60.0):
        near = np.abs(hz - line)
        inside, around = near <= 0.6, (near > 1.2) & (near <= 4.0)
        if inside.sum() < 3 or around.sum() < 3:
            continue
        floor = np.median(spectrum[:, around], axis=1) * inside.sum()
        # the Hann window spreads a line's power over 1.5 bins
        power = np.maximum(spectrum[:, inside].sum(axis=1) - 1.4 * floor, 0) / 1.5
        amplitude = np.sqrt(power)
        if np.median(amplitude) + amplitude.max() > np.median(best.mv) + best.mv.max():
            best = Mains(line, amplitude)
    return best if best.mv.max() > 0.005 else silent


def muscle_noise(x: np.ndarray, fs: float, mains_hz: float | None) -> float:
    """RMS above 35 Hz in the quiet third of the trace (between QRS complexes), mains line left out, mV."""
    spectrum = np.fft.rfft(x - x.mean())
    hz = np.fft.rfftfreq(len(x), 1 / fs)
    spectrum[hz < 35] = 0
    for harmonic in (1, 2, 3):
        if mains_hz:
            spectrum[np.abs(hz - harmonic * mains_hz) < 1.5] = 0
    local = smooth(np.fft.irfft(spectrum, len(x)) ** 2, round(0.08 * fs))
    return float(np.sqrt(np.percentile(local, 40)))


def baseline_wander(x: np.ndarray, fs: float) -> float:
    """Peak to peak of the trace smoothed over one second, its ends left out, mV."""
    slow = smooth(x, round(1.0 * fs))
    cut = round(0.5 * fs)
    slow = slow[cut:-cut] if len(slow) > 3 * cut else slow
    return float(np.percentile(slow, 99) - np.percentile(slow, 1))


def limb_residual(recording: Recording, usable: object) -> tuple[float, float] | None:
    """RMS of I + III - II in mV and as a share of II, or None unless all three are recorded and usable."""
    quality = usable if isinstance(usable, dict) else {}
    if any("derived" in line for line in recording.history):
        return None
    if not all(name in recording.leads and quality[name].ok for name in ("I", "II", "III")):
        return None
    one, two, three = (recording.lead(name) for name in ("I", "II", "III"))
    residual = one + three - two
    residual = residual - np.nanmedian(residual)
    rms = float(np.sqrt(np.nanmean(residual**2)))
    return rms, rms / max(float(np.nanstd(two)), 1e-6)


def pacing_spikes(recording: Recording, usable: Sequence[int]) -> list[float]:
    """Times (s) of pacing spikes: sharp within 4 ms, quiet before, seen in two
    limb and two chest leads (muscle twitches stay in the limb leads), and not alone of their shape.

    A QRS peak is as tall but rounds its top and has a steep flank before it. Below 400 Hz spikes
    are lost and none is reported.
    """
    fs = recording.fs
    if fs < _SPIKE_HZ:
        return []
    x = bridged(recording.signal[list(usable)])
    d = max(1, round(0.004 * fs))
    rise = np.zeros_like(x)
    fall = np.zeros_like(x)
    rise[:, d:] = x[:, d:] - x[:, :-d]
    fall[:, :-d] = x[:, :-d] - x[:, d:]
    sharp = np.where(rise * fall > 0, np.minimum(np.abs(rise), np.abs(fall)), 0)
    before = np.zeros_like(x)
    first, last = round(0.012 * fs), round(0.032 * fs)
    for shift in range(first, last):
        before[:, shift:] = np.maximum(before[:, shift:], np.abs(rise[:, :-shift]))
    hits = (sharp >= _SPIKE_MV) & (before <= 0.3 * sharp)
    wide = smooth(hits.astype(float), 2 * d + 1) > 0
    limb = np.array([recording.leads[k] in LIMB for k in usable])
    groups = [group for group in (limb, ~limb) if group.any()]
    together = np.all([wide[group].sum(axis=0) >= min(_SPIKE_LEADS, group.sum()) for group in groups], axis=0)
    runs = _runs(together)
    if len(runs) < 2:
        return []
    tops = [a + int(np.argmax(sharp[:, a:b].sum(axis=0))) for a, b in runs]
    shapes = np.array([_signed_peak(sharp, rise, top, d) for top in tops])
    shapes /= np.linalg.norm(shapes, axis=1, keepdims=True) + 1e-9
    alike = (np.abs(shapes @ shapes.T) > _SPIKE_LIKENESS).sum(axis=1)
    return [top / fs for top, n in zip(tops, alike, strict=True) if n >= 2]


def _signed_peak(sharp: np.ndarray, rise: np.ndarray, at: int, d: int) -> np.ndarray:
    """The largest sharpness of each lead near sample `at`, with the sign of its rise."""
    near = slice(max(0, at - d), at + d + 1)
    peak = np.argmax(sharp[:, near], axis=1)
    rows = np.arange(len(sharp))
    out: np.ndarray = sharp[:, near][rows, peak] * np.sign(rise[:, near][rows, peak])
    return out


def electrode_swap(beats: dict[str, np.ndarray], fs: float) -> str | None:
    """A suspected limb electrode swap, in words, from the mean beat of each lead; None is the rule.

    Specificity first, since few ECGs are swapped: P, QRS and T must all point the wrong way.
    Swaps of left arm and left leg look like a normal variant and are not looked for.
    Source: the signs follow from the lead algebra (Sensors 2019, 19:2920).
    """
    if not all(name in beats for name in ("I", "II", "III", "aVR", "V6")):
        return None
    sign = {name: _directions(beats[name], fs) for name in ("I", "II", "III", "aVR", "V6")}
    tall = {name: float(np.ptp(beats[name])) for name in ("I", "II", "III")}
    if tall["II"] < 0.08 * min(tall["I"], tall["III"]) and tall["I"] > 0.3:
        return "right arm and right leg (lead II is nearly flat)"
    if tall["III"] < 0.08 * min(tall["I"], tall["II"]) and tall["I"] > 0.3:
        return "left arm and right leg (lead III is nearly flat)"
    upside_down = (-1, -1, -1)
    if sign["I"] == upside_down and sign["aVR"][0] >= 0 and sign["V6"][1:] == (1, 1) and sign["II"][0] >= 0:
        return "left and right arm (P, QRS and T of lead I point down, V6 up)"
    if sign["II"] == upside_down and sign["aVR"][:2] == (1, 1) and sign["V6"][1] == 1:
        return "right arm and left leg (P, QRS and T of lead II point down, aVR up)"
    return None


def _directions(beat: np.ndarray, fs: float) -> tuple[int, int, int]:
    """Signs of P, QRS and T of a mean beat: +1, -1, or 0 where there is little of it."""
    at = beat_window(fs)
    level = np.median(beat[: at - round(0.06 * fs)])
    parts = (
        beat[at - round(0.24 * fs) : at - round(0.06 * fs)],
        beat[at - round(0.06 * fs) : at + round(0.06 * fs)],
        beat[at + round(0.12 * fs) : at + round(0.42 * fs)],
    )
    signs = []
    for part, least in zip(parts, (0.03, 0.15, 0.05), strict=True):
        high, low = float(part.max() - level), float(level - part.min())
        signs.append(0 if max(high, low) < least or max(high, low) < 1.4 * min(high, low) else (1 if high > low else -1))
    return signs[0], signs[1], signs[2]
