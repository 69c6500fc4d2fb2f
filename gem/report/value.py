"""Numbers in a text against measured numbers."""

import math

from gem.knowledge.find import Findings
from gem.measure.measurement import SEQUENCES, Measurement, Measurements
from gem.report.claim import Claim
from gem.report.tolerance import tolerance_of

Judged = tuple[bool | None, str]
"""True, False, or None when it cannot be decided; and why."""

_TO_UNIT = {"s": ("ms", 1e3), "uV": ("mV", 1e-3), "mm": ("mV", 0.1), "mm s": ("mV ms", 100.0)}
"""Units of a text in ours; 1 mm is 0.1 mV at the standard 10 mm/mV."""
_QTC = ("qtc_bazett", "qtc_fridericia", "qtc_framingham", "qtc_hodges")
_IN_MS = {"p": "p_duration", "q": "q_duration", "q_pathological": "q_duration", "r": "r_duration", "s": "s_duration"}
_IN_MS |= {"r_prime": "r_prime_duration", "t": "t_duration", "qrs": "qrs_duration", "pause": "longest_rr"}
_IN_MV = {"p": "p_amplitude", "q": "q_amplitude", "q_pathological": "q_amplitude", "r": "r_amplitude", "s": "s_amplitude"}
_IN_MV |= {"r_prime": "r_prime_amplitude", "t": "t_amplitude", "t_inversion": "t_amplitude", "qrs": "qrs_amplitude"}
_ST = ("st_j", "st_j60")
_SIGNLESS = ("q_amplitude", "s_amplitude", "p_terminal_force")
"""Negative by definition; texts give their size."""
_DOUBTED = 3.0
"""A text within so many tolerances of a doubted measurement is not called wrong."""


def judge_value(claim: Claim, m: Measurements, findings: Findings) -> Judged:
    """One number with its unit, in every lead it is said of."""
    unit, factor = _TO_UNIT.get(claim.unit, (claim.unit, 1.0))
    value = (claim.value or 0.0) * factor
    upper = None if claim.upper is None else claim.upper * factor
    names = _names(claim.subject[0], unit, bool(claim.leads))
    if not names:
        return None, f"nothing here measures {claim.subject[0].replace('_', ' ')} in {claim.unit}"
    if names == ("rr_interval",) and upper is not None:
        return _rr_range(claim, m, value, upper)
    if claim.beats:
        return _on_beats(claim, m, names[0], value, upper)
    if not claim.leads:
        if names[0] not in m.of_all and names[0] != "longest_rr":
            return None, "nothing here says which lead is meant"
        return _flipped(claim, _any_of([_compare(claim, _overall(m, name), value, upper) for name in names]))
    outcomes = [_any_of([_compare(claim, m.get(name, lead), value, upper, lead) for name in names]) for lead in claim.leads]
    worst = next((o for o in outcomes if o[0] is False), None) or next((o for o in outcomes if o[0] is None), outcomes[0])
    return _flipped(claim, worst)


def _flipped(claim: Claim, judged: Judged) -> Judged:
    holds, why = judged
    return (holds if holds is None else holds != claim.negated), why


def _names(subject: str, unit: str, in_leads: bool) -> tuple[str, ...]:
    """The measurements that a subject with this unit may mean; any of them will do."""
    if subject == "qtc":
        return _QTC
    if subject in ("qrs", "qrs_duration") and unit == "ms" and not in_leads:
        return ("qrs_lead_median", "qrs_duration")  # by whichever definition the text was written
    if subject in ("st", "st_elevation", "st_depression"):
        return _ST if unit == "mV" else ()
    table = {"ms": _IN_MS, "mV": _IN_MV}.get(unit, {})
    if subject in table:
        return (table[subject],)
    known = {"heart_rate", "rr_interval", "longest_rr", "pr_interval", "p_duration", "qrs_duration", "qt_interval", *_QTC}
    known |= {"p_axis", "qrs_axis", "t_axis", "sokolow_lyon", "cornell", "limb_voltage", "chest_voltage", "delta_time", "p_terminal_force"}
    return (subject,) if subject in known | {"r_peak_time"} else ()


def _overall(m: Measurements, name: str) -> Measurement:
    if name == "longest_rr":
        return Measurement(name, "ms", value=1e3 * m.rhythm.events.get("longest_rr", 0.0))
    return m.get(name)


def _any_of(judged: list[Judged]) -> Judged:
    """True if one holds; else the one that was measured; else why nothing was."""
    return next((j for j in judged if j[0]), None) or next((j for j in judged if j[0] is False), judged[0])


def _compare(claim: Claim, measurement: Measurement, value: float, upper: float | None, lead: str | None = None) -> Judged:
    """One claimed number (or range) against one measurement."""
    name = measurement.name or claim.subject[0]
    shown = f"{name.replace('_', ' ')}{' in ' + lead if lead else ''}"
    if measurement.value is None:
        if measurement.gone or "no P wave" in (measurement.absent or ""):
            return False, f"{shown}: {measurement.absent}"
        return None, f"{shown}: {measurement.absent}"
    measured = measurement.value
    if name in _SIGNLESS or (name in ("t_amplitude", "p_amplitude") and value >= 0 and claim.subject[0] == "t_inversion"):
        measured, value, upper = -measured, abs(value), None if upper is None else abs(upper)
    if claim.subject[0] == "st_depression":
        measured, value, upper = -measured, abs(value), None if upper is None else abs(upper)
    width = tolerance_of(name).width(measured)
    why = f"{shown} measured {measurement.value:.3g} {measurement.unit}".strip()
    if name.endswith("_axis"):
        return _axis(claim, measured, value, upper, width, why)
    text = f"{value:g} to {upper:g}" if upper is not None else f"{claim.relation.removeprefix('=')}{value:g}"
    why = f"{why}, text {text} (tolerance {width:.2g})"
    if _near(claim.relation, measured, value, upper, width):
        return True, why
    if measurement.doubt and _near(claim.relation, measured, value, upper, _DOUBTED * width):
        return None, f"{why}, but {measurement.doubt}"
    return False, why


def _near(relation: str, measured: float, value: float, upper: float | None, width: float) -> bool:
    """Whether the claimed number (or range) holds within `width`."""
    if upper is not None:
        low, high = sorted((value, upper))
        return low - width <= measured <= high + width
    return {
        "=": abs(measured - value) <= width,
        "~": abs(measured - value) <= 1.5 * width,
        ">": measured > value - width,
        ">=": measured >= value - width,
        "<": measured < value + width,
        "<=": measured <= value + width,
    }[relation]


def _axis(claim: Claim, measured: float, value: float, upper: float | None, width: float, why: str) -> Judged:
    """Axes compare around the circle."""
    if upper is not None:
        low, high = sorted((value, upper))
        return low - width <= measured <= high + width, f"{why}, text {low:g} to {high:g}"
    if claim.relation in ("=", "~"):
        apart = abs((measured - value + 180) % 360 - 180)
        return apart <= width, f"{why}, text {value:g} (tolerance {width:g})"
    return (measured > value - width) if ">" in claim.relation else (measured < value + width), f"{why}, text {claim.relation} {value:g}"


def _rr_range(claim: Claim, m: Measurements, low: float, high: float) -> Judged:
    """A range of RR intervals: its ends must be those of the basic rhythm or of all beats."""
    events = m.rhythm.events
    bounds = [(events[f"{kind}_shortest"] * 1e3, events[f"{kind}_longest"] * 1e3) for kind in ("rr", "basic_rr")]
    width = tolerance_of("rr_interval")
    shown = " or ".join(f"{a:.0f} to {b:.0f} ms" for a, b in bounds)
    holds = any(abs(a - low) <= width.width(a) and abs(b - high) <= width.width(b) for a, b in bounds)
    return holds != claim.negated, f"RR intervals measured {shown}"


def _on_beats(claim: Claim, m: Measurements, name: str, value: float, upper: float | None) -> Judged:
    """A number said of single beats, in the leads named or in every lead."""
    if name not in SEQUENCES:
        return None, f"nothing here measures {name.replace('_', ' ')} beat by beat"
    rows = m.sequences[name]
    leads = [lead for lead in claim.leads or m.delineation.leads[:1] if lead in m.delineation.leads]
    if not leads or any(not 1 <= beat <= rows.shape[1] for beat in claim.beats):
        return False if leads else None, f"the recording has {rows.shape[1]} beats"
    judged = []
    for lead in leads:
        for beat in claim.beats:
            found = float(rows[m.delineation.leads.index(lead), beat - 1])
            one = (
                Measurement(name, SEQUENCES[name], value=found)
                if math.isfinite(found)
                else Measurement(name, "", absent=f"not found in beat {beat}")
            )
            judged.append(_compare(claim, one, value, upper, lead))
    return next((j for j in judged if not j[0]), judged[0])
