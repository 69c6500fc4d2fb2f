"""Noise of each kind, made at the electrodes, so that the limb leads keep their identities under it.

SNR, dB: mean power of the clean signal over the twelve leads (the mean of each lead removed) to the mean
power of that kind of noise over the twelve leads. One lead may be better or worse than the number.
"""

from collections.abc import Callable

import numpy as np

from gem.simulate.leads import FROM_ELECTRODES, TWELVE
from gem.simulate.spec import SimulationSpec

_WIRES = [0, 1, 2, 4, 5, 6, 7, 8, 9]
"""All electrodes but RL, which is the ground."""
_MUSCLE_HZ = (20.0, 150.0)
_WANDER_HZ = (0.05, 0.5)


def noise_leads(spec: SimulationSpec, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """[8, T] mV of all noise the spec asks for, over the independent leads as recorded.

    clean  [8, T] mV, the same leads without noise, reversal included
    """
    total = np.zeros_like(clean)
    signal = float(np.mean(np.var(TWELVE @ clean, axis=1)))
    for kind, stream in zip(_KINDS, rng.spawn(len(_KINDS)), strict=True):
        snr = spec.noise.asked().get(kind)
        if snr is None or signal == 0.0:
            continue
        leads, power = _made(kind, clean.shape[1], spec.fs, stream)
        total += leads * np.sqrt(signal / 10 ** (snr / 10) / power)
    return total


def noise_12(kind: str, samples: int, fs: float, rng: np.random.Generator) -> np.ndarray:
    """[12, T] noise of one kind ("wander", "mains_50", "mains_60", "muscle", "motion", "white"), mean power 1 mV^2 over the leads."""
    leads, power = _made(kind, samples, fs, rng)
    out: np.ndarray = TWELVE @ leads / np.sqrt(power)
    return out


def _made(kind: str, samples: int, fs: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """[8, T] noise over the independent leads, and its mean power over the twelve."""
    wires = np.zeros((10, samples))
    wires[_WIRES] = _KINDS[kind](samples, fs, rng)
    leads = FROM_ELECTRODES @ wires
    return leads, float(np.mean(np.var(TWELVE @ leads, axis=1)))


def _wander(samples: int, fs: float, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(samples) / fs
    hertz = np.geomspace(*_WANDER_HZ, 7) * rng.uniform(0.9, 1.1, 7)
    phase = rng.uniform(0, 2 * np.pi, (7, 1))
    waves = np.sin(2 * np.pi * hertz[:, None] * t + phase)
    # breathing moves all electrodes alike, sweat each on its own
    size = 1 / np.sqrt(np.arange(1, 8))
    mixed: np.ndarray = (rng.standard_normal((9, 7)) * size) @ waves
    return mixed


def _mains(hertz: float) -> Callable[[int, float, np.random.Generator], np.ndarray]:
    def make(samples: int, fs: float, rng: np.random.Generator) -> np.ndarray:
        t = np.arange(samples) / fs
        line = hertz + 0.02 * float(rng.standard_normal())
        size, phase = rng.uniform(0.3, 1.0, (9, 1)), rng.uniform(0, 0.8, (9, 1))
        out = size * np.sin(2 * np.pi * line * t + phase)
        if 3 * line < 0.45 * fs:
            out += 0.08 * size * np.sin(6 * np.pi * line * t + 3 * phase)
        return np.asarray(out)

    return make


def _muscle(samples: int, fs: float, rng: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(rng.standard_normal((9, samples)), axis=1)
    hz = np.fft.rfftfreq(samples, 1 / fs)
    spectrum *= (hz >= _MUSCLE_HZ[0]) & (hz <= min(_MUSCLE_HZ[1], 0.48 * fs))
    t = np.arange(samples) / fs
    # muscles tire and tense: the size of each electrode's noise changes over seconds
    slow = np.sin(2 * np.pi * rng.uniform(0.05, 0.3, (9, 1)) * t + rng.uniform(0, 2 * np.pi, (9, 1)))
    # the arms tremble most
    size = np.array([1.6, 1.6, 1.0, *([0.7] * 6)])[:, None]
    bursts: np.ndarray = size * np.fft.irfft(spectrum, samples, axis=1) * (1 + 0.5 * slow)
    return bursts


def _motion(samples: int, fs: float, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(samples) / fs
    out = np.zeros((9, samples))
    for _ in range(max(2, round(samples / fs / 2.5))):
        wire, at = int(rng.integers(0, 9)), float(rng.uniform(0, samples / fs))
        rise, fall = rng.uniform(0.02, 0.10), rng.uniform(0.15, 0.8)
        after = np.maximum(t - at, 0.0)
        out[wire] += rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 1.0) * (1 - np.exp(-after / rise)) * np.exp(-after / fall)
    return out + 0.004 * rng.standard_normal((9, samples))


def _white(samples: int, fs: float, rng: np.random.Generator) -> np.ndarray:
    del fs
    return rng.standard_normal((9, samples))


_KINDS: dict[str, Callable[[int, float, np.random.Generator], np.ndarray]] = {
    "wander": _wander,
    "mains_50": _mains(50.0),
    "mains_60": _mains(60.0),
    "muscle": _muscle,
    "motion": _motion,
    "white": _white,
}
