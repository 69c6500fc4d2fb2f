"""What was measured, in a few lines that a model may quote."""

from gem.ecg.lead import STANDARD
from gem.measure.measurement import Measurements
from gem.report.phrase import OVER_ALL, number, over_all

_LEFT_OUT = ("rr_interval", "qtc_framingham", "qtc_hodges", "limb_voltage", "chest_voltage", "delta_time")
"""Said by another line, or only of use to a criterion."""
_Q_MS, _Q_MV = 20.0, 0.08
"""Q waves from here on are told: the shortest that a criterion asks about is 20 ms (Thygesen et al. 2018, table 2)."""
_ST_MV, _T_MV = 0.05, 0.1
"""ST levels from half a millimetre, T waves from 0.1 mV down: the least that criteria of ST and T ask about (Rautaharju et al. 2009)."""


def fact_block(measurements: Measurements) -> str:
    """Rhythm, intervals, axes and what stands out in the leads as measured, and what could not be measured with the reason.

    No finding is named.
    """
    m = measurements
    said = [phrase for name in OVER_ALL if name not in _LEFT_OUT and (phrase := over_all(m, name)) is not None]
    why = [f"{OVER_ALL[name]}: {m.get(name).absent}" for name in ("heart_rate", "pr_interval", "qt_interval") if m.get(name).absent]
    rhythm = f"{m.rhythm.name}, {'regular' if m.rhythm.regular else 'irregular'}"
    lines = [f"Measured: {rhythm}; {'; '.join(said)}."]
    lines += [f"In leads: {leads}."] if (leads := "; ".join(_in_leads(m))) else []
    return "\n".join([*lines, *([f"Not measured: {'; '.join(why)}."] if why else [])])


def _in_leads(m: Measurements) -> list[str]:
    """Q waves, ST levels and low or negative T waves that a criterion may rest on."""
    found: dict[str, list[str]] = {"Q wave": [], "ST": [], "T wave": []}
    for lead in STANDARD:
        if lead not in m.per_lead:
            continue
        value = {
            name: m.per_lead[lead][name].value for name in ("q_duration", "q_amplitude", "st_j", "t_amplitude") if name in m.per_lead[lead]
        }
        long, deep, st, t = (value.get(name) for name in ("q_duration", "q_amplitude", "st_j", "t_amplitude"))
        if long is not None and deep is not None and long >= _Q_MS and abs(deep) >= _Q_MV:
            found["Q wave"].append(f"{number(long, 'ms')} {number(abs(deep), 'mV')} in {lead}")
        if st is not None and abs(st) >= _ST_MV:
            found["ST"].append(f"{number(st, 'mV')} in {lead}")
        if t is not None and t <= _T_MV and lead != "aVR":
            found["T wave"].append(f"{number(t, 'mV')} in {lead}")
    return [f"{name} {', '.join(parts)}" for name, parts in found.items() if parts]
