"""Measurements and evidence in words: the phrases of reports, in the units and digits a reader expects."""

from collections.abc import Iterable, Sequence

from gem.ecg.lead import CHEST, STANDARD
from gem.knowledge.criterion import Evidence
from gem.measure.measurement import Measurements

OVER_ALL = {
    "heart_rate": "heart rate", "rr_interval": "RR interval", "p_duration": "P wave duration", "pr_interval": "PR interval",
    "qrs_lead_median": "QRS duration", "qrs_duration": "QRS duration over all leads", "qt_interval": "QT interval",
    "qtc_bazett": "QTc (Bazett)", "qtc_fridericia": "QTc (Fridericia)", "qtc_framingham": "QTc (Framingham)", "qtc_hodges": "QTc (Hodges)",
    "p_axis": "P axis", "qrs_axis": "QRS axis", "t_axis": "T axis", "sokolow_lyon": "Sokolow-Lyon", "cornell": "Cornell",
    "limb_voltage": "largest QRS of the limb leads", "chest_voltage": "largest QRS of the chest leads",
    "delta_time": "slurred start of QRS",
}  # fmt: skip
_IN_LEAD = {
    "q_amplitude": "Q wave", "q_duration": "Q wave", "r_amplitude": "R wave", "r_duration": "R wave", "s_amplitude": "S wave",
    "s_duration": "S wave", "r_prime_amplitude": "R'", "r_peak_time": "R peak time", "t_amplitude": "T wave", "p_amplitude": "P wave",
    "p_positive": "P wave", "p_terminal_force": "terminal force",
}  # fmt: skip
_SIZES = ("q_amplitude", "s_amplitude", "p_terminal_force")
_SHIFTS = {"st_j": ("ST elevation", "ST depression"), "st_j60": ("ST elevation", "ST depression")}


def number(value: float, unit: str) -> str:
    """A value as printed: whole ms, bpm and degrees, 0.01 mV, 0.1 mV ms."""
    digits = {"mV": 2, "mV ms": 1, "s": 1}.get(unit, 0)
    shown = f"{value:.{digits}f}"
    shown = shown.removeprefix("-") if float(shown) == 0 else shown
    return f"{shown} {'degrees' if unit == 'deg' else unit}".strip()


def listed(items: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def leads_listed(leads: Iterable[str]) -> str:
    """Leads in standard order, three or more neighbours of the chest as a range: "II, aVF and V2 to V5"."""
    names = [lead for lead in STANDARD if lead in set(leads)]
    parts: list[str] = []
    for name in names:
        if name in CHEST and parts and parts[-1].split(" to ")[-1] in CHEST:
            last = parts[-1].split(" to ")[-1]
            if CHEST.index(name) == CHEST.index(last) + 1:
                parts[-1] = f"{parts[-1].split(' to ')[0]} to {name}"
                continue
        parts.append(name)
    spelled: list[str] = []
    for part in parts:
        first, _, last = part.partition(" to ")
        two = bool(last) and CHEST.index(last) == CHEST.index(first) + 1
        spelled += [first, last] if two else [part]
    return listed(spelled)


def over_all(m: Measurements, name: str) -> str | None:
    """ "QRS duration 102 ms", or None when it was not measured."""
    found = m.get(name)
    return None if found.value is None else f"{OVER_ALL[name]} {number(found.value, found.unit)}"


def evidence_phrases(evidence: Sequence[Evidence], without: Sequence[str] = ()) -> list[str]:
    """Evidence as phrases, values of one kind in several leads together; waves of no size and `without` are left out."""
    phrases: list[str] = []
    grouped: dict[str, list[Evidence]] = {}
    for item in dict.fromkeys(e for e in evidence if e.name not in without):
        if item.lead is None and item.name in OVER_ALL and isinstance(item.value, float | int):
            text = f"{OVER_ALL[item.name]} {number(float(item.value), item.unit)}"
            phrases += [] if text in phrases else [text]
        elif item.lead and isinstance(item.value, float | int) and abs(item.value) >= 0.005:
            grouped.setdefault(_group(item), []).append(item)
        elif item.lead and item.name == "qrs_pattern":
            phrases.append(f"{item.value} in {item.lead}")
    for key, items in grouped.items():
        phrase = _in_leads(key, items)
        phrases += [phrase] if phrase and phrase not in phrases else []
    return phrases


def _group(item: Evidence) -> str:
    if item.name in _SHIFTS:
        return _SHIFTS[item.name][float(item.value) < 0]
    if item.name == "t_amplitude":
        return "T wave inversion" if float(item.value) < 0 else "T wave"
    return item.name


def _in_leads(key: str, items: list[Evidence]) -> str | None:
    """ "Q wave of 0.21 mV in III and 0.18 mV in aVF"; one value a lead, the one at J for ST."""
    by_lead: dict[str, Evidence] = {}
    for item in items:
        by_lead.setdefault(str(item.lead), item)
    name = key if key in ("ST elevation", "ST depression", "T wave inversion", "T wave") else _IN_LEAD.get(key)
    if name is None:
        return None
    signless = key in _SIZES or key in ("ST depression", "T wave inversion")
    ordered = [(lead, by_lead[lead]) for lead in STANDARD if lead in by_lead]
    shown = [f"{number(abs(float(e.value)) if signless else float(e.value), e.unit)} in {lead}" for lead, e in ordered]
    return f"{name} of {listed(shown)}" if name != "R peak time" else f"{name} {listed(shown)}"
