"""A population of plausible specs, to train a delineator on and to measure accuracy with.

It is broader than a clinic on purpose: rare conduction and rhythms are common here, intervals and
amplitudes reach further, T waves of every form occur. Shares and spreads are ours.
"""

from typing import Any

import numpy as np
from pydantic import ValidationError

from gem.errors import ConfigError
from gem.simulate.spec import SINUS, SimulationSpec

_RHYTHM = {
    "sinus": 0.70, "sinus_arrhythmia": 0.06, "atrial_fibrillation": 0.10, "atrial_flutter": 0.04, "supraventricular_tachycardia": 0.02,
    "paced_ventricular": 0.03, "paced_atrial": 0.02, "paced_dual": 0.03,
}  # fmt: skip
_AV_BLOCK = {"none": 0.88, "mobitz_1": 0.035, "mobitz_2": 0.025, "2_to_1": 0.02, "complete": 0.04}
_ECTOPY = {"none": 0.78, "pac": 0.08, "pvc": 0.10, "bigeminy": 0.02, "trigeminy": 0.02}
_CONDUCTION = {
    "normal": 0.60, "rbbb": 0.08, "rbbb_incomplete": 0.05, "lbbb": 0.07, "lbbb_incomplete": 0.02, "lafb": 0.06, "lpfb": 0.02,
    "rbbb_lafb": 0.03, "ivcd": 0.04, "pre_excitation": 0.03,
}  # fmt: skip
_STRUCTURE: dict[tuple[str, ...], float] = {
    (): 0.76, ("lvh",): 0.06, ("lvh_strain",): 0.04, ("lvh_strain", "left_atrial"): 0.02, ("rvh",): 0.02, ("rvh", "right_atrial"): 0.02,
    ("left_atrial",): 0.05, ("right_atrial",): 0.03,
}  # fmt: skip
_ISCHAEMIA: dict[tuple[str, ...], float] = {
    (): 0.68, ("stemi_inferior",): 0.03, ("stemi_anterior",): 0.03, ("stemi_lateral",): 0.02, ("stemi_posterior",): 0.015,
    ("old_mi_inferior",): 0.03, ("old_mi_anteroseptal",): 0.025, ("old_mi_anterior",): 0.02, ("old_mi_lateral",): 0.02,
    ("old_mi_inferior", "t_inversion"): 0.01, ("stemi_anterior", "old_mi_anterior"): 0.01, ("st_depression",): 0.04, ("t_inversion",): 0.04,
    ("early_repolarisation",): 0.03,
}  # fmt: skip
_T_FORM = {"upright": 0.74, "flat": 0.08, "biphasic": 0.08, "inverted": 0.10}
_NOISE_DB = {"wander": (0, 20), "mains_50": (10, 30), "mains_60": (10, 30), "muscle": (8, 28), "motion": (4, 20), "white": (14, 36)}
_TRIES = 200


def random_spec(rng: np.random.Generator) -> SimulationSpec:
    """One spec drawn from the population; the same generator state gives the same spec.

    Combinations that no heart can have are drawn again.
    """
    for _ in range(_TRIES):
        try:
            return SimulationSpec.model_validate(_fields(rng))
        except ValidationError:
            continue
    raise ConfigError(f"no possible spec in {_TRIES} draws; the shares in gem/simulate/population.py contradict each other")


def _chosen(rng: np.random.Generator, shares: dict[Any, float]) -> Any:
    weights = np.array(list(shares.values()))
    return list(shares)[int(rng.choice(len(weights), p=weights / weights.sum()))]


def _sometimes(rng: np.random.Generator, share: float, mean: float, sd: float, least: float, most: float) -> float | None:
    """A clipped normal number, or None in the rest of the cases (then the simulator draws its own)."""
    value, asked = float(np.clip(rng.normal(mean, sd), least, most)), rng.random() < share
    return round(value, 1) if asked else None


def _fields(rng: np.random.Generator) -> dict[str, Any]:
    fields = {**_rhythm(rng), **_shape(rng)}
    fields["seed"] = int(rng.integers(0, 2**31))
    fields["age"] = float(rng.integers(18, 95))
    fields["sex"] = "female" if rng.random() < 0.5 else "male"
    fields["noise"] = {
        kind: round(float(rng.uniform(low, high)), 1)
        for kind, (low, high) in _NOISE_DB.items()
        if rng.random() < (0.25 if kind != "white" else 0.5)
    }
    if "mains_50" in fields["noise"]:
        fields["noise"].pop("mains_60", None)
    if fields["rhythm"] in ("paced_ventricular", "paced_dual"):
        fields |= {"conduction": "normal", "structure": (), "ischaemia": ()}
    return fields


def _rhythm(rng: np.random.Generator) -> dict[str, Any]:
    rhythm = _chosen(rng, _RHYTHM)
    block = _chosen(rng, _AV_BLOCK)
    ectopy = _chosen(rng, _ECTOPY)
    pr = _sometimes(rng, 0.6, 170, 34, 96, 330)
    rate = {
        "sinus": float(np.clip(74 * np.exp(0.25 * rng.standard_normal()), 38, 175)),
        "sinus_arrhythmia": float(rng.uniform(50, 95)),
        "atrial_fibrillation": float(np.clip(90 * np.exp(0.28 * rng.standard_normal()), 45, 170)),
        "supraventricular_tachycardia": float(rng.uniform(145, 215)),
    }.get(rhythm, float(rng.uniform(55, 95)))
    out: dict[str, Any] = {"rhythm": rhythm, "rate": round(rate, 1)}
    if rhythm == "atrial_flutter":
        ratio = [2, 3, 4, None][int(rng.integers(0, 4))]
        out |= {"block_ratio": ratio, "rate": round(float(rng.uniform(235, 340)) / ratio, 1) if ratio else None}
    if rhythm == "sinus" and block != "none":
        out |= {"av_block": block, "escape": "wide" if rng.random() < 0.5 else "narrow", "rate": round(float(rng.uniform(60, 105)), 1)}
    elif rhythm in SINUS or (rhythm == "atrial_fibrillation" and ectopy == "pvc"):
        out |= {"ectopy": ectopy, "ectopic_beats": int(rng.integers(1, 4))}
    if rhythm in (*SINUS, "paced_atrial") and out.get("av_block") != "complete":
        # a PR longer than what the cycle leaves would put P into the QRS before
        out["pr_ms"] = None if pr is None else min(pr, round(0.55 * 60e3 / rate, 1))
    return out


def _shape(rng: np.random.Generator) -> dict[str, Any]:
    conduction = _chosen(rng, _CONDUCTION)
    ischaemia = _chosen(rng, _ISCHAEMIA)
    qrs = _sometimes(rng, 0.5, 90, 9, 68, 109) if conduction == "normal" and not ischaemia else None
    out = {
        "conduction": conduction,
        "structure": _chosen(rng, _STRUCTURE),
        "ischaemia": ischaemia,
        "qrs_ms": qrs,
        "qtc_ms": _sometimes(rng, 0.7, 418, 30, 330, 560),
        "p_ms": _sometimes(rng, 0.4, 102, 13, 68, 138),
        "axis_deg": _sometimes(rng, 0.25, 40, 50, -120, 150) if conduction == "normal" else None,
        "t_axis_deg": _sometimes(rng, 0.25, 40, 60, -150, 179),
        "amplitude": _sometimes(rng, 0.3, 0.95, 0.35, 0.3, 1.8),
        "p_amplitude": round(float(np.clip(np.exp(0.35 * rng.standard_normal() - 0.05), 0.3, 2.0)), 2),
        "t_amplitude": round(float(np.clip(np.exp(0.4 * rng.standard_normal() - 0.05), 0.25, 2.4)), 2),
        "t_form": _chosen(rng, _T_FORM),
        "st_mv": _sometimes(rng, 0.4, 0.25, 0.12, 0.1, 0.6),
        "variety": round(float(rng.uniform(0.6, 1.5)), 2),
    }
    if "left_atrial" in out["structure"]:
        out["p_ms"] = None
    if any(kind.startswith(("stemi", "old_mi", "early")) for kind in ischaemia):
        # an infarct has T waves of its own
        out |= {"t_form": "upright", "t_axis_deg": None}
    return out
