"""Recording -> the array an ECG encoder reads, by lead name, at its rate, with a mask of what was recorded."""

from dataclasses import dataclass

import numpy as np

from gem.ecg.filter import fill_gaps, resample
from gem.ecg.recording import Recording
from gem.errors import ModelError
from gem.model.config import EcgConfig

RECORDED = 0.5
"""A patch of which less was recorded counts as missing."""


@dataclass(frozen=True)
class EcgArray:
    """One ECG as the encoder takes it.

    values  [L, T] float32 mV, zero where missing
    mask    [L, N] bool, the patches that were recorded
    tokens  how many features it becomes
    """

    values: np.ndarray
    mask: np.ndarray
    tokens: int


def prepare_ecg(recording: Recording, config: EcgConfig) -> EcgArray:
    """Match the leads by name, resample, cut into patches.

    Raises `ModelError` when the encoder needs a lead that is not there, when the recording is too long or too short, and when nothing
    of it was recorded.
    """
    found = [name for name in config.leads if name in recording.leads]
    missing = [name for name in config.leads if name not in recording.leads]
    if not found or (missing and not config.masked):
        raise ModelError(
            f"{recording.source}: this model needs leads {', '.join(config.leads)}, but {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not recorded; read a 12-lead file, or use a model with masked leads"
        )
    at_rate = resample(recording, config.fs) if config.resample else recording
    signal = _cut(at_rate.signal, at_rate, config)
    there = np.isfinite(signal)
    signal = fill_gaps(at_rate.after(np.where(there, signal, np.nan), "cut")).signal if config.masked else np.where(there, signal, 0.0)
    samples = config.samples or -(-signal.shape[1] // config.patch) * config.patch
    values = np.zeros((len(config.leads), samples), np.float32)
    seen = np.zeros(values.shape, bool)
    for name in found:
        row, lead = config.leads.index(name), at_rate.leads.index(name)
        values[row, : signal.shape[1]] = signal[lead]
        seen[row, : signal.shape[1]] = there[lead]
    mask = seen.reshape(len(config.leads), -1, config.patch).mean(axis=2) >= RECORDED
    if not mask.any():
        raise ModelError(f"{recording.source}: nothing was recorded in {', '.join(config.leads)}; read another stretch or file")
    if config.masked:
        values *= np.repeat(mask, config.patch, axis=1)
    return EcgArray(values, mask, _tokens(mask, config))


def _cut(signal: np.ndarray, recording: Recording, config: EcgConfig) -> np.ndarray:
    """The signal, less a patch at most where resampling made it a little too long."""
    most = config.samples or int(config.longest_s * config.fs)
    if signal.shape[1] > most + config.patch:
        raise ModelError(
            f"{recording.source}: this model reads at most {most / config.fs:g} s, but the recording has "
            f"{signal.shape[1] / config.fs:.4g} s; read a window of it (--start, --duration)"
        )
    if signal.shape[1] < config.patch:
        raise ModelError(f"{recording.source}: {signal.shape[1]} samples are less than one patch ({config.patch}); read a longer stretch")
    return signal[:, :most]


def _tokens(mask: np.ndarray, config: EcgConfig) -> int:
    if not config.masked:
        return int(mask.shape[1] + config.class_token)
    if config.layout == "per_lead" and config.pool == "none":
        return int(mask.sum())
    return int(mask.any(axis=0).sum()) + config.class_token


def stack_ecgs(arrays: list[EcgArray]) -> tuple[np.ndarray, np.ndarray]:
    """[E, L, T] values and [E, L, N] mask of ECGs of any length, padded at the end."""
    longest = max(array.values.shape[1] for array in arrays)
    patches = max(array.mask.shape[1] for array in arrays)
    values = np.stack([np.pad(array.values, ((0, 0), (0, longest - array.values.shape[1]))) for array in arrays])
    mask = np.stack([np.pad(array.mask, ((0, 0), (0, patches - array.mask.shape[1]))) for array in arrays])
    return values, mask
