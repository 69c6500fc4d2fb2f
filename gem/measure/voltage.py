"""Voltages and times over several leads that criteria and reports speak of.

Sources: Sokolow and Lyon 1949; Casale et al. 1985 (Cornell); Hancock et al. 2009, AHA/ACCF/HRS part V, table 1;
low voltage: Mason et al. 2007, part II.
"""

from collections.abc import Callable

import numpy as np

from gem.ecg.lead import CHEST, LIMB
from gem.measure.measurement import Measurement

PerLead = dict[str, dict[str, Measurement]]


def voltages(per_lead: PerLead) -> dict[str, Measurement]:
    """Sums and extremes in mV, each absent when a lead that it needs was not measured."""
    return {
        "sokolow_lyon": _sum(per_lead, "sokolow_lyon", "|S| V1 + the larger R of V5, V6", ("V1", "V5", "V6"), _sokolow),
        "cornell": _sum(per_lead, "cornell", "R aVL + |S| V3", ("aVL", "V3"), lambda up, down: up["aVL"] - down["V3"]),
        "rvh_voltage": _sum(per_lead, "rvh_voltage", "R V1 + |S| V5", ("V1", "V5"), lambda up, down: up["V1"] - down["V5"]),
        "qrs_lead_median": _lead_median(per_lead),
        "delta_time": _delta_time(per_lead),
        "limb_voltage": _sum(per_lead, "limb_voltage", "largest peak-to-peak QRS of the limb leads", LIMB, _largest),
        "chest_voltage": _sum(per_lead, "chest_voltage", "largest peak-to-peak QRS of the chest leads", CHEST, _largest),
    }


def _lead_median(per_lead: PerLead) -> Measurement:
    """Median over the leads of their own QRS durations: what carts print agrees with it (configs/LOG.md)."""
    found = [value for waves in per_lead.values() if (value := waves["qrs_duration"].value) is not None]
    if not found:
        return Measurement("qrs_lead_median", "ms", absent="no lead with both edges of QRS found")
    return Measurement(
        "qrs_lead_median", "ms", value=float(np.median(found)), method="median over normal beats in each lead, then over leads"
    )


def _delta_time(per_lead: PerLead) -> Measurement:
    """Median, over the leads with a QRS of 0.5 mV or more, of the time to a fifth of the largest deflection."""
    times = [
        waves["delta_time"].value
        for waves in per_lead.values()
        if waves["delta_time"].value is not None and (waves["qrs_amplitude"].value or 0.0) >= 0.5
    ]
    if not times:
        return Measurement("delta_time", "ms", absent="no lead with a QRS of 0.5 mV or more")
    return Measurement("delta_time", "ms", value=float(np.median(times)), method="QRS onset to a fifth of its height, median over leads")


def _sokolow(up: dict[str, float], down: dict[str, float]) -> float:
    return max(up["V5"], up["V6"]) - down["V1"]


def _largest(up: dict[str, float], down: dict[str, float]) -> float:
    return max(up[lead] - down[lead] for lead in up)


def _sum(
    per_lead: PerLead, name: str, method: str, leads: tuple[str, ...], formula: Callable[[dict[str, float], dict[str, float]], float]
) -> Measurement:
    up, down = {}, {}
    for lead in leads:
        top, bottom = (per_lead.get(lead, {}).get(key) for key in ("qrs_positive", "qrs_negative"))
        if top is None or bottom is None or top.value is None or bottom.value is None:
            return Measurement(name, "mV", absent=f"QRS of lead {lead} was not measured")
        up[lead], down[lead] = top.value, bottom.value
    return Measurement(name, "mV", value=formula(up, down), method=method)
