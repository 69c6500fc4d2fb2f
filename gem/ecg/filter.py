"""Steps that change a signal: gaps, baseline, mains, sampling rate. Each adds a line of history.

Source: Kligfield et al. 2007, AHA/ACCF/HRS recommendations, part I: low-frequency cut-off 0.05 Hz,
or up to 0.67 Hz when the filter has zero phase; high-frequency cut-off 150 Hz or more for adults.
"""

from fractions import Fraction

import numpy as np
from scipy.signal import butter, filtfilt, iirnotch, resample_poly, sosfiltfilt

from gem.ecg.recording import Recording
from gem.errors import RecordingError

BASELINE_HZ = 0.5
"""Below AHA's 0.67 Hz for zero-phase filters."""

NOTCH_Q = 30.0
"""A notch of 50/30 = 1.7 Hz width."""


def fill_gaps(recording: Recording) -> Recording:
    """NaN samples replaced by straight lines, so that filters can run; all-NaN leads become zero.

    Measuring does not look inside gaps: it keeps the mask of the recording this came from.
    """
    gaps = np.isnan(recording.signal)
    if not gaps.any():
        return recording
    filled = recording.signal.copy()
    at = np.arange(recording.samples)
    for row, gap in zip(filled, gaps, strict=True):
        if gap.all():
            row[:] = 0.0
        elif gap.any():
            row[gap] = np.interp(at[gap], at[~gap], row[~gap])
    return recording.after(filled, f"{int(gaps.sum())} missing samples bridged by straight lines")


def remove_baseline(recording: Recording) -> Recording:
    """Zero-phase high-pass at `BASELINE_HZ` (2nd-order Butterworth, forward and backward).

    The recording must have no NaN (`fill_gaps`). The ends are padded by reflection,
    so the first and last second are less certain than the rest.
    """
    sos = butter(2, BASELINE_HZ, "highpass", fs=recording.fs, output="sos")
    pad = min(recording.samples - 1, int(2 * recording.fs))
    signal = sosfiltfilt(sos, recording.signal, axis=1, padlen=pad)
    return recording.after(signal, f"baseline removed: zero-phase high-pass {BASELINE_HZ} Hz")


def remove_mains(recording: Recording, hz: float) -> Recording:
    """Zero-phase notch at the mains frequency `hz` (50 or 60).

    Raises `RecordingError` when the sampling rate cannot carry that frequency.
    """
    if recording.fs <= 2 * hz:
        raise RecordingError(f"{recording.source}: {hz:g} Hz mains cannot be removed at {recording.fs:g} Hz sampling")
    b, a = iirnotch(hz, NOTCH_Q, fs=recording.fs)
    pad = min(recording.samples - 1, int(recording.fs))
    return recording.after(filtfilt(b, a, recording.signal, axis=1, padlen=pad), f"mains removed: notch {hz:g} Hz")


def resample(recording: Recording, fs: float) -> Recording:
    """Polyphase resampling to `fs` Hz (anti-aliased). Gaps stay gaps.

    Time 0 stays the first sample. Raises `RecordingError` when `fs` is not positive.
    """
    if not fs > 0:
        raise RecordingError(f"{recording.source}: cannot resample to {fs} Hz; the rate must be positive")
    if fs == recording.fs:
        return recording
    ratio = Fraction(fs / recording.fs).limit_denominator(10_000)
    filled = fill_gaps(recording)
    signal = resample_poly(filled.signal, ratio.numerator, ratio.denominator, axis=1, padtype="line")
    gaps = np.isnan(recording.signal)
    if gaps.any():
        nearest = np.minimum(np.round(np.arange(signal.shape[1]) * recording.fs / fs).astype(int), recording.samples - 1)
        signal[gaps[:, nearest]] = np.nan
    return recording.after(signal, f"resampled {recording.fs:g} -> {fs:g} Hz", fs=fs)
