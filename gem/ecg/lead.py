"""Leads by name: spelling, order, groups, and the limb leads that follow from two others.

Source: Kligfield et al. 2007, AHA/ACCF/HRS recommendations, part I (lead definitions);
the territories follow Wagner et al. 2009, part VI.
"""

import re

import numpy as np

LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")
CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")
STANDARD = LIMB + CHEST
"""The twelve leads in the order used everywhere in this project."""

CABRERA = ("aVL", "I", "-aVR", "II", "aVF", "III")
"""Limb leads by angle, 30 degrees apart: neighbours here are contiguous."""

GROUPS: dict[str, tuple[str, ...]] = {
    "limb": LIMB,
    "chest": CHEST,
    "inferior": ("II", "III", "aVF"),
    "high lateral": ("I", "aVL"),
    "low lateral": ("V5", "V6"),
    "lateral": ("I", "aVL", "V5", "V6"),
    "septal": ("V1", "V2"),
    "anterior": ("V3", "V4"),
    "anteroseptal": ("V1", "V2", "V3", "V4"),
    "right chest": ("V1", "V2"),
    "mid chest": ("V3", "V4"),
    "left chest": ("V5", "V6"),
}

CONTIGUOUS: tuple[tuple[str, str], ...] = (
    ("aVL", "I"),
    ("II", "aVF"),
    ("aVF", "III"),
    ("II", "III"),
    ("V1", "V2"),
    ("V2", "V3"),
    ("V3", "V4"),
    ("V4", "V5"),
    ("V5", "V6"),
)
"""Pairs that look at neighbouring myocardium (Wagner 2009, part VI). II and III are paired too:
both are inferior although aVF lies between them."""

_FROM_I_II = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}
"""Every limb lead as (a, b) with lead = a I + b II (Einthoven, Goldberger)."""

_SPELLINGS = {name.lower(): name for name in STANDARD}
_SPELLINGS |= {"di": "I", "dii": "II", "diii": "III", "l1": "I", "l2": "II", "l3": "III"}
_SPELLINGS |= {f"c{n}": f"V{n}" for n in range(1, 7)}
_SPELLINGS |= {"vr": "aVR", "vl": "aVL", "vf": "aVF", "mlii": "MLII"}
_SPELLINGS |= {n.lower(): n for n in ("V7", "V8", "V9", "V3R", "V4R", "V5R", "V6R", "VX", "VY", "VZ")}
_DECORATION = re.compile(r"^(mdc_ecg_lead_|(ecg|ekg|lead|ch|channel)[\s_:.-]+)+|[-_\s]*ref$|[\[(].*[\])]$", re.IGNORECASE)


def canonical(name: str) -> str:
    """The standard spelling of a lead name; a name that is no known lead comes back trimmed.

    `AVR`, `ECG avr`, `MDC_ECG_LEAD_AVR` and `aVR [mV]` are all `aVR`.
    """
    bare = name.strip().strip("\"'").strip()
    while True:
        core = _DECORATION.sub("", bare).strip()
        if core == bare or not core:
            break
        bare = core
    return _SPELLINGS.get(bare.lower().replace(" ", ""), bare)


def is_known(name: str) -> bool:
    """Whether `name` is the canonical name of a lead, not free text."""
    return _SPELLINGS.get(name.lower()) == name


def in_order(leads: tuple[str, ...]) -> list[int]:
    """Positions that put the standard leads first, in order, and all others after them as they came."""
    standard = [leads.index(name) for name in STANDARD if name in leads]
    return standard + [k for k, name in enumerate(leads) if name not in STANDARD]


def derive_limb(signals: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], tuple[str, str] | None]:
    """The limb leads missing from `signals`, computed from two that are there.

    signals  lead name -> [T] mV

    Returns the missing leads and the pair they follow from; ({}, None) when nothing
    is missing or fewer than two limb leads are there.
    """
    there = [name for name in LIMB if name in signals]
    missing = [name for name in LIMB if name not in signals]
    if not missing or len(there) < 2:
        return {}, None
    one, two = there[:2]
    to_i_ii = np.linalg.inv(np.array([_FROM_I_II[one], _FROM_I_II[two]]))
    derived = {}
    for name in missing:
        a, b = np.array(_FROM_I_II[name]) @ to_i_ii
        derived[name] = (a * signals[one] + b * signals[two]).astype(np.float32)
    return derived, (one, two)
