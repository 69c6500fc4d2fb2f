"""From the heart's dipole to the twelve leads, and what swapped electrodes do to them.

Frank axes: x to the patient's left, y to the feet, z to the back. Everything is carried as
eight independent rows (I, II, V1 ... V6); the other four limb leads follow exactly.

Sources: Dower, Machado, Osborne 1980, Clin Cardiol 3:87 (lead matrix); Kligfield et al. 2007,
AHA/ACC/HRS recommendations, part I (Einthoven, Goldberger, Wilson); reversals as permutations of
electrodes: Sensors 2019, 19:2920; the two legs at one potential: Batchvarov et al. 2007, Europace 9:1081.
"""

from itertools import combinations

import numpy as np

from gem.ecg.lead import CHEST, STANDARD

INDEPENDENT = ("I", "II", *CHEST)

DOWER = np.array(
    [
        [0.632, -0.235, 0.059],  # I
        [0.235, 1.066, -0.132],  # II
        [-0.515, 0.157, -0.917],  # V1
        [0.044, 0.164, -1.387],  # V2
        [0.882, 0.098, -1.277],  # V3
        [1.213, 0.127, -0.601],  # V4
        [1.125, 0.127, -0.086],  # V5
        [0.831, 0.076, 0.230],  # V6
    ]
)
"""[8, 3] mV seen per mV of Frank dipole (Dower 1980)."""
DOWER.setflags(write=False)

_LIMB_FROM_I_II = np.array([[1, 0], [0, 1], [-1, 1], [-0.5, -0.5], [1, -0.5], [-0.5, 1]], dtype=float)

TWELVE = np.zeros((12, 8))
"""[12, 8] the standard leads from the independent ones."""
TWELVE[:6, :2] = _LIMB_FROM_I_II
TWELVE[6:, 2:] = np.eye(6)
TWELVE.setflags(write=False)

ELECTRODES = ("RA", "LA", "LL", "RL", *CHEST)

_POTENTIALS = np.zeros((10, 8))
"""Electrode potentials from the leads, Wilson's terminal at zero; the right leg is at the left leg's potential."""
_POTENTIALS[0, :2] = -1 / 3, -1 / 3
_POTENTIALS[1, :2] = 2 / 3, -1 / 3
_POTENTIALS[2:4, :2] = -1 / 3, 2 / 3
_POTENTIALS[4:, 2:] = np.eye(6)
_POTENTIALS.setflags(write=False)

FROM_ELECTRODES = np.zeros((8, 10))
"""[8, 10] leads from electrode potentials."""
FROM_ELECTRODES[0, :2] = -1, 1
FROM_ELECTRODES[1, 0], FROM_ELECTRODES[1, 2] = -1, 1
FROM_ELECTRODES[2:, :3] = -1 / 3
FROM_ELECTRODES[2:, 4:] = np.eye(6)
FROM_ELECTRODES.setflags(write=False)

REVERSALS = ("LA/RA", "RA/LL", "LA/LL", "RA/RL", "LA/RL", *(f"{a}/{b}" for a, b in combinations(CHEST, 2)))
"""The pairs of electrodes that can be swapped."""

_CHEST_SHARE = 0.35
"""How much of a frontal turn the chest leads see. They lie close to the heart and follow its nearest
wall more than the mean vector: with 1 a right axis would turn V6 negative, which it does not in patients."""


def reversed_leads(reversal: str) -> np.ndarray:
    """[8, 8] the independent leads as recorded from the true ones, two electrodes swapped ("none": unchanged)."""
    if reversal == "none":
        return np.eye(8)
    one, two = (ELECTRODES.index(name) for name in reversal.split("/"))
    order = list(range(10))
    order[one], order[two] = two, one
    swapped: np.ndarray = FROM_ELECTRODES @ _POTENTIALS[order]
    return swapped


def trace_matrix(reversal: str = "none", flat: tuple[str, ...] = ()) -> np.ndarray:
    """[12, 8] what the trace shows of the independent leads; leads named in `flat` show nothing."""
    matrix: np.ndarray = TWELVE @ reversed_leads(reversal)
    for name in flat:
        matrix[STANDARD.index(name)] = 0.0
    return matrix


def turn_frontal(i_ii: np.ndarray, degrees: float) -> np.ndarray:
    """Leads I and II [2, ...] of the same vectors turned in the frontal plane, positive toward the feet.

    The plane is that of the leads (I, and aVF scaled by 2/sqrt(3)), so an axis read from I and
    aVF moves by exactly this angle.
    """
    angle = np.radians(degrees)
    across, down = i_ii[0], 2 / np.sqrt(3) * (i_ii[1] - i_ii[0] / 2)
    across, down = np.cos(angle) * across - np.sin(angle) * down, np.sin(angle) * across + np.cos(angle) * down
    return np.stack([across, np.sqrt(3) / 2 * down + across / 2])


def project(xyz: np.ndarray, turn_deg: float = 0.0) -> np.ndarray:
    """Weights [8, K] mV of K dipoles [K, 3] mV, turned in the frontal plane by `turn_deg`.

    The limb leads turn by the full angle, the chest leads by `_CHEST_SHARE` of it.
    """
    weights: np.ndarray = DOWER @ xyz.T
    if turn_deg:
        weights[:2] = turn_frontal(weights[:2], turn_deg)
        angle = np.radians(_CHEST_SHARE * turn_deg)
        turned = xyz.copy()
        turned[:, 0] = np.cos(angle) * xyz[:, 0] - np.sin(angle) * xyz[:, 1]
        turned[:, 1] = np.sin(angle) * xyz[:, 0] + np.cos(angle) * xyz[:, 1]
        weights[2:] = DOWER[2:] @ turned.T
    return weights


def _tilt() -> np.ndarray:
    matrix = np.zeros((8, 8))
    step = np.radians(1.0)
    matrix[:2, :2] = (turn_frontal(np.eye(2), 1.0) - np.eye(2)) / step
    for k in range(6):
        matrix[2 + k, 2 + min(k + 1, 5)] += 0.5
        matrix[2 + k, 2 + max(k - 1, 0)] -= 0.5
    return matrix


TILT = _tilt()
"""[8, 8] per radian: what breathing does. The heart turns in the frontal plane and moves under the chest electrodes."""
TILT.setflags(write=False)
