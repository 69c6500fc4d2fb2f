"""P waves, flutter waves, fibrillation.

P rows as in `qrs`: begins, top, ends (per cent of P), x, y, z in mV. The right atrium comes first and points
down and forward, the left atrium second, to the left and back (Hancock 2009, AHA/ACCF/HRS, part V).
"""

from dataclasses import dataclass

import numpy as np

from gem.simulate.leads import DOWER
from gem.simulate.spec import SimulationSpec
from gem.simulate.wave import Wave, vectors

_NORMAL = ((0, 38, 74, 0.095, 0.080, -0.100), (28, 60, 100, 0.105, 0.050, 0.015))
_LEFT = ((0, 28, 56, 0.095, 0.075, -0.085), (38, 68, 100, 0.150, 0.070, 0.170))
_RIGHT = ((0, 42, 82, 0.080, 0.270, -0.150), (34, 66, 100, 0.080, 0.055, 0.020))
_PAC = ((0, 40, 72, 0.100, -0.020, 0.020), (30, 62, 100, 0.085, -0.080, -0.040))
_PACED = ((0, 34, 68, 0.070, 0.060, -0.060), (30, 64, 100, 0.110, 0.070, 0.030))
_CHEST_SHARE = np.array([1.0, 1.0, 0.75, 0.55, 0.42, 0.42, 0.42, 0.48])
"""The atria lie deep: chest leads show less of P than a lead matrix made for the ventricles says (by eye, after PTB-XL)."""


def p_wave(kind: str, spec: SimulationSpec, rng: np.random.Generator) -> Wave:
    """The P wave of a "sinus", "pac" or "paced" beat, as 0 to 100 per cent of its length."""
    rows = {"sinus": _NORMAL, "pac": _PAC, "paced": _PACED}[kind]
    if kind != "pac" and "left_atrial" in spec.structure:
        rows = _LEFT
    if kind != "pac" and "right_atrial" in spec.structure:
        rows = _RIGHT if "left_atrial" not in spec.structure else (_RIGHT[0], _LEFT[1])
    wave = vectors(rows).varied(rng, spec.variety).wave(10.0 * spec.variety * float(np.clip(rng.standard_normal(), -2, 2)))
    size = spec.p_amplitude * float(np.exp(0.16 * spec.variety * np.clip(rng.standard_normal(), -2, 1.8)))
    return Wave(wave.times, size * _CHEST_SHARE[:, None] * wave.weights)


@dataclass(frozen=True, eq=False)
class Unrest:
    """Atrial activity without P waves: a sum of oscillators.

    cycles_s    [K] length of one cycle
    weights     [8, K] mV for the sine and, in `quadrature`, for the cosine
    drift, pace  [K] depth (cycles) and rate (Hz) of the slow change of phase
    """

    cycles_s: np.ndarray
    weights: np.ndarray
    quadrature: np.ndarray
    phase: np.ndarray
    drift: np.ndarray
    pace: np.ndarray

    def at(self, t: np.ndarray) -> np.ndarray:
        """[8, n] mV at the times `t` [n] s."""
        slow = self.drift[:, None] * np.sin(2 * np.pi * self.pace[:, None] * t + 3 * self.phase[:, None])
        angle = 2 * np.pi * (t / self.cycles_s[:, None] + slow) + self.phase[:, None]
        values: np.ndarray = self.weights @ np.sin(angle) + self.quadrature @ np.cos(angle)
        return values


def flutter(cycle_s: float, variety: float, rng: np.random.Generator) -> Unrest:
    """Typical flutter: a saw of one cycle, negative in II, III and aVF, upright in V1, no flat line between.

    The wave begins at t = 0, which the rhythm counts on.
    """
    size = float(np.exp(0.15 * variety * np.clip(rng.standard_normal(), -2, 2)))
    harmonics = np.arange(1, 5)
    saw = np.array([1.0, 0.48, 0.24, 0.10])
    down = size * DOWER @ np.array([0.015, -0.155, -0.050])
    forward = size * DOWER @ np.array([-0.030, 0.010, -0.050])
    return Unrest(
        cycle_s / harmonics,
        down[:, None] * saw,
        forward[:, None] * saw * np.array([1.0, 0.3, 0.0, 0.0]),
        np.zeros(4),
        np.zeros(4),
        np.full(4, 0.1),
    )


def fibrillation(variety: float, rng: np.random.Generator) -> Unrest:
    """Waves of 5 to 8 Hz (300 to 600 per minute: January 2014, AHA/ACC/HRS, Circulation 130:e199) that change all the time."""
    count = 6
    size = 0.045 * float(np.exp(0.3 * variety * np.clip(rng.standard_normal(), -2, 1.5)))
    # the right atrium lies in front, so V1 shows most of it
    direction = np.array([-0.35, 0.30, -0.85]) + 0.45 * rng.standard_normal((count, 3))
    other = np.array([-0.20, 0.20, -0.55]) + 0.45 * rng.standard_normal((count, 3))
    share = np.array([1.0, 0.75, 0.65, 0.5, 0.4, 0.35])
    share *= size / np.linalg.norm(share)
    centre = rng.uniform(5.6, 6.9)
    hertz = centre + np.array([0.0, -0.75, 0.8, 1.6, -1.5, 2.9]) + 0.15 * rng.standard_normal(count)
    return Unrest(
        1 / hertz,
        DOWER @ (direction * share[:, None]).T,
        DOWER @ (other * share[:, None]).T,
        rng.uniform(0, 2 * np.pi, count),
        rng.uniform(0.3, 0.7, count),
        rng.uniform(0.2, 0.7, count),
    )
