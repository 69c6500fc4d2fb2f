"""Measurements made by hand for tests of knowledge and report: every number is what the test says it is."""

from typing import Any

import numpy as np

from gem.ecg.lead import STANDARD
from gem.ecg.quality import LeadQuality, Quality
from gem.measure.delineation import FIDUCIALS, Delineation
from gem.measure.measurement import SEQUENCES, Measurement, Measurements, Rhythm

GLOBALS: dict[str, tuple[float, str]] = {
    "heart_rate": (70.0, "bpm"),
    "rr_interval": (857.0, "ms"),
    "p_duration": (100.0, "ms"),
    "pr_interval": (160.0, "ms"),
    "qrs_duration": (102.0, "ms"),
    "qrs_lead_median": (92.0, "ms"),
    "qt_interval": (390.0, "ms"),
    "qtc_bazett": (421.0, "ms"),
    "qtc_fridericia": (410.0, "ms"),
    "qtc_framingham": (412.0, "ms"),
    "qtc_hodges": (407.0, "ms"),
    "p_axis": (50.0, "deg"),
    "qrs_axis": (40.0, "deg"),
    "t_axis": (45.0, "deg"),
    "sokolow_lyon": (2.0, "mV"),
    "cornell": (1.0, "mV"),
    "rvh_voltage": (0.3, "mV"),
    "delta_time": (16.0, "ms"),
    "limb_voltage": (1.2, "mV"),
    "chest_voltage": (2.0, "mV"),
}
LEAD: dict[str, tuple[float | str | None, str]] = {
    "q_amplitude": (None, "mV"),
    "q_duration": (None, "ms"),
    "r_amplitude": (1.0, "mV"),
    "r_duration": (50.0, "ms"),
    "s_amplitude": (-0.3, "mV"),
    "s_duration": (25.0, "ms"),
    "r_prime_amplitude": (None, "mV"),
    "r_prime_over_r": (None, ""),
    "r_peak_time": (38.0, "ms"),
    "qrs_positive": (1.0, "mV"),
    "qrs_negative": (-0.3, "mV"),
    "qrs_net": (0.7, "mV"),
    "qrs_amplitude": (1.3, "mV"),
    "qrs_pattern": ("Rs", ""),
    "qrs_duration": (88.0, "ms"),
    "pr_interval": (158.0, "ms"),
    "qt_interval": (385.0, "ms"),
    "st_j": (0.01, "mV"),
    "st_j60": (0.03, "mV"),
    "st_form": ("horizontal", ""),
    "p_amplitude": (0.1, "mV"),
    "p_negative": (0.0, "mV"),
    "p_positive": (0.1, "mV"),
    "p_terminal_force": (-1.0, "mV ms"),
    "t_amplitude": (0.3, "mV"),
    "t_duration": (180.0, "ms"),
    "t_over_r": (0.3, ""),
    "t_form": ("positive", ""),
}


def one(name: str, value: float | str | None, unit: str) -> Measurement:
    """A number, a word, or (None) a wave that is not there."""
    if isinstance(value, str):
        return Measurement(name, "", word=value)
    if value is None:
        return Measurement(name, unit, absent=f"no such wave ({name})", gone=True)
    return Measurement(name, unit, value=float(value))


def made(
    rhythm: str = "sinus rhythm",
    leads: dict[str, dict[str, float | str | None]] | None = None,
    events: dict[str, float] | None = None,
    regular: bool = True,
    kinds: tuple[str, ...] = ("normal",) * 10,
    age: float | None = 50.0,
    sex: str | None = "male",
    absent: dict[str, str] | None = None,
    **changes: float,
) -> Measurements:
    """A normal adult ECG with the changes a test asks for.

    leads    lead -> measurement -> value
    absent   name over all leads -> why it is absent
    changes  name over all leads -> value
    """
    of_all: dict[str, Any] = {name: one(name, changes.get(name, value), unit) for name, (value, unit) in GLOBALS.items()}
    for name, why in (absent or {}).items():
        of_all[name] = Measurement(name, GLOBALS[name][1], absent=why)
    per_lead = {}
    for lead in STANDARD:
        given = (leads or {}).get(lead, {})
        base = dict(LEAD)
        if lead == "aVR":
            base |= {"qrs_net": (-0.7, "mV"), "t_amplitude": (-0.3, "mV"), "p_amplitude": (-0.1, "mV"), "r_amplitude": (0.1, "mV")}
        if lead == "V1":
            base |= {"qrs_net": (-0.5, "mV"), "r_amplitude": (0.2, "mV"), "qrs_positive": (0.2, "mV"), "s_amplitude": (-0.8, "mV")}
        per_lead[lead] = {name: one(name, given.get(name, value), unit) for name, (value, unit) in base.items()}
    count = len(kinds)
    no_p = rhythm in ("atrial fibrillation", "atrial flutter")
    facts = {"premature_ventricular": kinds.count("pvc"), "premature_atrial": kinds.count("pac"), "ventricular_bigeminy": 0.0}
    facts |= {"ventricular_trigeminy": 0.0, "atrial_bigeminy": 0.0, "paced_share": 0.0, "longest_rr": 0.9, "rr_shortest": 0.82}
    facts |= {"rr_longest": 0.9, "basic_rr_shortest": 0.82, "basic_rr_longest": 0.9, "normal_beats": float(count), "ectopic_share": 0.0}
    beats = np.arange(count) * 0.857 + 0.4
    sequences = {name: np.full((12, count), 100.0) if unit else np.full((12, count), "horizontal") for name, unit in SEQUENCES.items()}
    return Measurements(
        source="made",
        fs=500.0,
        duration_s=10.0,
        leads=STANDARD,
        quality=Quality("ok", (), {lead: LeadQuality(True) for lead in STANDARD}),
        of_all=of_all,
        per_lead=per_lead,
        rhythm=Rhythm(rhythm, regular, None if no_p else 1.0, ("made",), facts | (events or {})),
        kinds=kinds,
        sequences=sequences,
        delineation=Delineation(STANDARD, beats, np.full((12, count, len(FIDUCIALS)), np.nan), "made"),
        age=age,
        sex=sex,
    )
