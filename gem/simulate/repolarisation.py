"""ST segment and T wave of a beat.

Where the QRS is abnormal, T follows from it: the area of QRS and T together (the ventricular
gradient of Wilson) is what it would be with normal conduction, so a beat that spreads another way
recovers another way, and T turns against the QRS by itself. Ischaemia and strain come on top.

Source: Rautaharju et al. 2009, AHA/ACCF/HRS recommendations, part IV (primary and secondary
repolarisation); Wagner et al. 2009, part VI (direction of the ST vector by territory). Sizes by eye.
"""

from dataclasses import dataclass

import numpy as np

from gem.simulate.leads import DOWER
from gem.simulate.plan import Plan
from gem.simulate.spec import SimulationSpec
from gem.simulate.wave import Wave, joined

_T_TIMES = (0.19, 0.70, 0.70, 1.0)
"""Share of JT: T rises slowly and falls faster; places after the cardiologists' marks of LUDB (onset 0.34, peak 0.72)."""
_SLOPE_TIMES = (-0.02, 0.42, 0.50, 0.95)
"""ST climbs into T without a corner: a low hill of about a tenth of T."""
_ST_TIMES = (-0.10, -0.015, 0.30, 0.86)
_T_NORMAL = (0.33, 0.16, -0.21)
_FOLLOWS = {
    "normal": 0.0, "lafb": 0.15, "lpfb": 0.15, "rbbb": 0.75, "rbbb_lafb": 0.75, "rbbb_incomplete": 0.5, "lbbb": 0.75,
    "lbbb_incomplete": 0.4, "ivcd": 0.4, "pre_excitation": 0.8, "rvh": 0.95, "pvc": 0.72, "paced": 0.42, "escape": 0.75,
}  # fmt: skip
"""How much of the change of QRS area T takes back. A turned axis alone leaves T where it was."""
_ST_PER_AREA = {"lbbb": 0.9, "paced": 0.8, "pvc": 0.7, "escape": 0.6, "pre_excitation": 0.4, "rbbb": 0.25, "rbbb_lafb": 0.25, "ivcd": 0.2}
"""mV of ST per mV s of area missing: ST leaves the baseline against a wide QRS."""


@dataclass(frozen=True)
class _Lesion:
    """An ST dipole, its usual size (largest deviation over the leads, mV), and what happens to T.

    t_keep  share of the normal T that stays
    t_add   T dipole added, mV
    """

    st: tuple[float, float, float]
    size_mv: float
    t_keep: float
    t_add: tuple[float, float, float]


_LESIONS: dict[str, _Lesion] = {
    "stemi_inferior": _Lesion((-0.10, 0.25, 0.09), 0.32, 0.75, (-0.10, 0.42, 0.06)),
    "stemi_anterior": _Lesion((0.10, -0.07, -0.23), 0.42, 0.85, (0.16, -0.10, -0.34)),
    "stemi_lateral": _Lesion((0.30, -0.14, 0.10), 0.32, 0.75, (0.34, -0.16, 0.10)),
    "stemi_posterior": _Lesion((0.02, 0.03, 0.19), 0.24, 0.70, (0.00, 0.05, -0.20)),
    "old_mi_inferior": _Lesion((-0.02, 0.03, 0.01), 0.03, 0.9, (0.06, -0.36, -0.04)),
    "old_mi_anteroseptal": _Lesion((0.01, 0.00, -0.04), 0.05, 0.8, (-0.05, 0.00, 0.32)),
    "old_mi_anterior": _Lesion((0.02, 0.00, -0.04), 0.06, 0.8, (-0.34, 0.00, 0.26)),
    "old_mi_lateral": _Lesion((0.02, 0.00, 0.00), 0.03, 0.8, (-0.42, 0.06, 0.02)),
    "st_depression": _Lesion((-0.13, -0.11, 0.03), 0.17, 0.45, (0.00, 0.00, 0.00)),
    "t_inversion": _Lesion((-0.02, 0.00, 0.00), 0.03, 0.0, (-0.34, 0.02, 0.17)),
    "early_repolarisation": _Lesion((0.09, 0.09, -0.05), 0.16, 1.35, (0.00, 0.00, 0.00)),
}
_STRAIN = _Lesion((-0.14, 0.02, -0.16), 0.20, 0.0, (-0.28, 0.04, -0.34))
_J_NOTCH_S = (-0.014, 0.006, 0.010, 0.040)
_J_NOTCH = (0.15, 0.14, -0.02)
"""End-QRS notch of early repolarisation, 0.1 mV or more in inferior or lateral leads (Macfarlane 2015, JACC 66:470)."""


def repolarisation(
    kind: str, qrs: Wave, normal: Wave, spec: SimulationSpec, plan: Plan, jt_s: float, heart: np.random.Generator
) -> tuple[Wave, Wave]:
    """ST and T of a beat, times from its J point.

    kind    "own", "pvc", "paced", "escape"
    plan    gives the gains of body and heart
    qrs     its QRS, [8] leads
    normal  the QRS this heart would have with normal conduction
    jt_s    from J to the end of T
    heart   draws the variety; the same draws for every beat of a heart
    """
    v = spec.variety
    direction = np.radians(10.0) * v * heart.standard_normal(3)
    size = spec.t_amplitude * float(np.exp(0.22 * v * np.clip(heart.standard_normal(), -2, 2)))
    late = 0.02 * v * float(np.clip(heart.standard_normal(), -2, 2))
    early = 0.05 * v * float(np.clip(heart.standard_normal(), -1.5, 1.5))
    slope = 0.10 + 0.05 * v * float(np.clip(heart.standard_normal(), -1.5, 1.5))
    if {"stemi_posterior", "st_depression"} & set(spec.ischaemia):
        slope, early = 0.0, early + 0.08  # depression that counts is level, so T begins late
    # a fast heart has lower T waves
    size *= float(np.clip((jt_s / 0.31) ** 0.5, 0.6, 1.1))
    base = np.array(_T_NORMAL)
    t8 = plan.body * (DOWER @ (plan.amplitude * size * (base + np.cross(direction, base))))
    times = np.array([_T_TIMES]) + np.array([[early, late, late, 0.0]])
    own = _conduction(spec) if kind == "own" else kind
    unit_area = float((times[:, 3] - times[:, 0])[0] * 0.5 * jt_s)
    missing = normal.area() - qrs.area()
    t8 = t8 + _FOLLOWS[own] * missing / unit_area
    st8 = _ST_PER_AREA.get(own, 0.0) * missing
    if kind == "own":
        t8, st8 = _with_lesions(t8, st8, spec, plan.amplitude)
    t = _formed(Wave(times * jt_s, t8[:, None]), spec.t_form if kind == "own" else "upright")
    st = Wave(np.array([_ST_TIMES, _SLOPE_TIMES]) * jt_s, np.stack([st8, slope * t.weights[:, 0]], axis=1))
    if kind == "own" and "early_repolarisation" in spec.ischaemia:
        st = joined(st, Wave(np.array([_J_NOTCH_S]), (DOWER @ np.array(_J_NOTCH))[:, None]))
    return st, t


def _conduction(spec: SimulationSpec) -> str:
    return "rvh" if "rvh" in spec.structure else spec.conduction


def _with_lesions(t8: np.ndarray, st8: np.ndarray, spec: SimulationSpec, amplitude: float) -> tuple[np.ndarray, np.ndarray]:
    lesions = [_LESIONS[kind] for kind in spec.ischaemia]
    if "lvh_strain" in spec.structure:
        lesions.append(_STRAIN)
    for lesion in lesions:
        st = DOWER @ np.array(lesion.st)
        wanted = spec.st_mv if spec.st_mv is not None and lesion.size_mv >= 0.1 else lesion.size_mv
        scale = wanted / float(np.abs(st).max())
        st8 = st8 + scale * st
        heavier = amplitude * min(wanted / lesion.size_mv, 1.6)
        t8 = lesion.t_keep * t8 + heavier * DOWER @ np.array(lesion.t_add)
    return t8, st8


def _formed(t: Wave, form: str) -> Wave:
    """T as asked: "upright" as it is, or flat, biphasic, inverted in every lead at once."""
    if form == "flat":
        return Wave(t.times, 0.12 * t.weights)
    if form == "inverted":
        return Wave(t.times, -0.8 * t.weights)
    if form == "biphasic":
        begin, _, _, end = t.times[0]
        middle = begin + 0.62 * (end - begin)
        first = (begin, 0.5 * (begin + middle), 0.5 * (begin + middle), middle + 0.06 * (end - begin))
        second = (middle - 0.06 * (end - begin), 0.55 * middle + 0.45 * end, 0.55 * middle + 0.45 * end, end)
        return Wave(np.array([first, second]), np.concatenate([0.55 * t.weights, -0.45 * t.weights], axis=1))
    return t
