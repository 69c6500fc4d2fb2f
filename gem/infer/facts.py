"""What was measured, in a few lines that a model may quote."""

from gem.measure.measurement import Measurements
from gem.report.phrase import OVER_ALL, over_all

_LEFT_OUT = ("rr_interval", "qrs_duration", "qtc_framingham", "qtc_hodges", "limb_voltage", "chest_voltage", "delta_time")
"""Said by another line, or only of use to a criterion."""


def fact_block(measurements: Measurements) -> str:
    """Rhythm, intervals and axes as measured, and what could not be measured with the reason; no finding is named."""
    m = measurements
    said = [phrase for name in OVER_ALL if name not in _LEFT_OUT and (phrase := over_all(m, name)) is not None]
    why = [f"{OVER_ALL[name]}: {m.get(name).absent}" for name in ("heart_rate", "pr_interval", "qt_interval") if m.get(name).absent]
    rhythm = f"{m.rhythm.name}, {'regular' if m.rhythm.regular else 'irregular'}"
    lines = [f"Measured: {rhythm}; {'; '.join(said)}."]
    return "\n".join([*lines, *([f"Not measured: {'; '.join(why)}."] if why else [])])
