"""The numbers of one heart: what the spec says, and for the rest what the seed draws.

Every number is drawn whether it is needed or not, so that setting one field of a spec does not
change the others. The spreads are those usual in adults without disease of the part concerned,
chosen by eye inside the limits of the AHA/ACCF/HRS recommendations (Surawicz 2009, part III: QRS below
110 ms, axis -30 to 90; Rautaharju 2009, part IV: QTc 390 to 450 ms); they are no reference values.
"""

from dataclasses import dataclass

import numpy as np

from gem.simulate.spec import SimulationSpec

_QRS_MS = {
    "normal": (90, 5), "lafb": (100, 4), "lpfb": (100, 4), "rbbb": (142, 8), "rbbb_lafb": (146, 8), "rbbb_incomplete": (115, 1.5),
    "lbbb": (152, 8), "lbbb_incomplete": (115, 1.5), "ivcd": (128, 6), "pre_excitation": (136, 5),
}  # fmt: skip
"""Mean and SD. Incomplete block lies between 110 and 120 ms, complete above (Surawicz 2009, part III)."""
_NORMAL_QRS_LIMITS = (74.0, 108.0)
_PACED_QRS_MS = 164.0
_ESCAPE_QRS_MS = 146.0
_PVC_QRS_MS = 156.0
_AXIS_DEG = {
    "normal": (46, 24, -22, 84), "lafb": (-60, 6, -75, -50), "lpfb": (112, 5, 104, 125), "rbbb_lafb": (-62, 6, -75, -52),
    "lbbb": (2, 16, -28, 40), "lbbb_incomplete": (10, 14, -25, 45), "ivcd": (30, 25, -25, 80), "pre_excitation": (40, 18, -20, 75),
    "rbbb": (50, 18, -10, 80), "rbbb_incomplete": (55, 18, 0, 82),
}  # fmt: skip
"""Mean, SD, least, most. LAFB -45 to -90, LPFB 90 to 180 (Surawicz 2009, part III)."""
_RATE = {
    "sinus": (76, 7), "sinus_arrhythmia": (66, 5), "atrial_fibrillation": (92, 14), "supraventricular_tachycardia": (182, 10),
    "paced_ventricular": (68, 4), "paced_atrial": (70, 4), "paced_dual": (68, 4), "atrial_flutter": (100, 0),
}  # fmt: skip
_FLUTTER_PER_MIN = (285.0, 15.0)
"""240 to 340 per minute is the typical range (Page et al. 2016, ACC/AHA/HRS guideline, Circulation 133:e506)."""


@dataclass(frozen=True)
class Plan:
    """All in seconds, mV and degrees.

    rr_s   mean cycle of what `rate` means in the spec
    body   [8] gain of every independent lead: how far the chest electrodes are from this heart
    """

    rr_s: float
    pr_s: float
    p_s: float
    qrs_s: float
    pvc_qrs_s: float
    escape_rr_s: float
    escape_qrs_s: float
    qtc_s: float
    qt_s: float | None
    axis_deg: float | None
    amplitude: float
    body: np.ndarray
    flutter_s: float
    breath_s: float
    breath_gain: float
    breath_turn: float


def planned(spec: SimulationSpec, rng: np.random.Generator) -> Plan:
    """The plan of a spec."""
    draw = rng.standard_normal(22)
    flutter = float(np.clip(_FLUTTER_PER_MIN[0] + _FLUTTER_PER_MIN[1] * draw[0], 245, 335))
    mean, sd = _RATE[spec.rhythm]
    rate = mean + sd * float(np.clip(draw[1], -2, 2)) + (14 if spec.av_block in ("2_to_1", "complete") else 0)
    if spec.rhythm == "atrial_flutter":
        rate = flutter / (spec.block_ratio or 3.2)
    if spec.rate is not None:
        rate = spec.rate
    if spec.rhythm == "atrial_flutter" and spec.rate is not None:
        flutter = rate * spec.block_ratio if spec.block_ratio else float(np.clip(rate * 3.2, 240, 340))
    qrs = _qrs_ms(spec, float(draw[2]))
    pr = spec.pr_ms if spec.pr_ms is not None else _pr_ms(spec, rate, float(draw[3]))
    p = float(np.clip(100 + 6 * draw[4], 82, 114)) if "left_atrial" not in spec.structure else 128 + 4 * float(np.clip(draw[4], -1, 1))
    p = spec.p_ms if spec.p_ms is not None else min(p, pr - 10)
    # repolarisation starts later where the QRS is wide: about half of the excess shows in QT
    qtc = spec.qtc_ms if spec.qtc_ms is not None else float(np.clip(414 + 10 * draw[5], 394, 438)) + 0.6 * max(0.0, qrs - 110)
    return Plan(
        rr_s=60 / rate,
        pr_s=pr / 1e3,
        p_s=p / 1e3,
        qrs_s=qrs / 1e3,
        pvc_qrs_s=(_PVC_QRS_MS + 6 * float(np.clip(draw[6], -2, 2))) / 1e3,
        escape_rr_s=60 / (spec.escape_rate or (46 if spec.escape == "narrow" else 36) + 2 * float(np.clip(draw[7], -2, 2))),
        escape_qrs_s=(qrs if spec.escape == "narrow" else _ESCAPE_QRS_MS) / 1e3,
        qtc_s=qtc / 1e3,
        qt_s=None if spec.qt_ms is None else spec.qt_ms / 1e3,
        axis_deg=_axis_deg(spec, float(draw[8])),
        amplitude=spec.amplitude if spec.amplitude is not None else float(np.exp(0.17 * spec.variety * np.clip(draw[12], -2, 2))),
        body=_body(spec.variety, draw[13:22]),
        flutter_s=60 / flutter,
        breath_s=1 / (0.25 + 0.03 * float(np.clip(draw[9], -2, 2))),
        breath_gain=0.03 * spec.variety * float(np.clip(1 + 0.4 * draw[10], 0.2, 2)),
        breath_turn=0.03 * spec.variety * float(np.clip(1 + 0.4 * draw[11], 0.2, 2)),
    )


def _body(variety: float, draw: np.ndarray) -> np.ndarray:
    """The limb leads are far away and differ little; chest leads differ together, from right to left, and each alone."""
    draw = variety * np.clip(draw, -2, 2)
    slope = np.linspace(-1, 1, 6)
    chest = np.exp(0.12 * draw[0] + 0.10 * draw[1] * slope + 0.07 * draw[2:8])
    return np.concatenate([[1.0, 1.0], np.array([0.85, 1.05, 0.95, 0.90, 0.95, 1.0]) * chest])


def _qrs_ms(spec: SimulationSpec, draw: float) -> float:
    if spec.qrs_ms is not None:
        return spec.qrs_ms
    if spec.rhythm in ("paced_ventricular", "paced_dual"):
        return _PACED_QRS_MS + 7 * float(np.clip(draw, -2, 2))
    mean, sd = _QRS_MS[spec.conduction]
    qrs = mean + sd * float(np.clip(draw, -2, 2))
    if spec.conduction == "normal":
        wider = 8 * bool({"lvh", "lvh_strain", "rvh"} & set(spec.structure)) + 8 * any(k.startswith("old_mi") for k in spec.ischaemia)
        # the Q wave of an infarct needs its 30 ms
        return float(
            np.clip(
                qrs + wider, 92.0 if any(k.startswith("old_mi") for k in spec.ischaemia) else _NORMAL_QRS_LIMITS[0], _NORMAL_QRS_LIMITS[1]
            )
        )
    return qrs


def _pr_ms(spec: SimulationSpec, rate: float, draw: float) -> float:
    if spec.conduction == "pre_excitation":
        return 98 + 6 * float(np.clip(draw, -2, 2))  # below 120 ms (Surawicz 2009, part III)
    if spec.rhythm == "paced_dual":
        return 160 + 6 * float(np.clip(draw, -2, 2))
    pr = 160 + 14 * draw - 0.25 * (rate - 70)
    if "left_atrial" in spec.structure:
        pr += 16
    return float(np.clip(pr, 126, 192))  # 120 to 200 ms is normal (Kusumoto 2019, Circulation 140:e382)


def _axis_deg(spec: SimulationSpec, draw: float) -> float | None:
    """None leaves the direction that the shapes have of themselves."""
    if spec.axis_deg is not None:
        return spec.axis_deg
    own = {"rvh"} & set(spec.structure) or any(kind.startswith("old_mi") for kind in spec.ischaemia)
    if own or spec.rhythm in ("paced_ventricular", "paced_dual"):
        return None
    mean, sd, least, most = _AXIS_DEG[spec.conduction]
    if {"lvh", "lvh_strain"} & set(spec.structure) and spec.conduction == "normal":
        mean, least, most = 15, -20, 50
    return float(np.clip(mean + sd * spec.variety * draw, least, most))
