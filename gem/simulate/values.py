"""Numbers of a whole record: medians over its normally conducted beats."""

from typing import Any

import numpy as np

from gem.ecg.lead import STANDARD
from gem.simulate.beat import frontal_axis
from gem.simulate.fiducial import second_earliest, second_latest
from gem.simulate.observe import AMPLITUDES, Complexes, Seen
from gem.simulate.render import Heart

_AXIS_FLOOR_MV = {"p": 0.03, "qrs": 0.05, "t": 0.03}
"""A shorter vector has no direction; half a small square for QRS, the floors of `fiducial` for the others."""

Value = dict[str, Any]


def measured_beats(kinds: list[str]) -> np.ndarray:
    """[B] the beats that are measured: the normally conducted ones, or the most frequent kind when there is none."""
    if not kinds:
        return np.zeros(0, dtype=bool)
    wanted = "normal" if "normal" in kinds else max(sorted(set(kinds)), key=kinds.count)
    return np.array([kind == wanted for kind in kinds])


def global_values(
    heart: Heart, all_beats: Complexes, kept: np.ndarray, p: Seen, t: Seen, atrial: Seen, measured: np.ndarray
) -> dict[str, Value]:
    """Rate, intervals (ms) and axes (deg) of one record, each a value or the reason why it is absent.

    kept      beats of the timeline inside the record
    p, t      their waves; atrial: every P wave inside the record
    measured  [B] which of the kept beats count
    """
    rows = kept[measured]
    qrs_on, qrs_off = second_earliest(all_beats.qrs.on[rows]), second_latest(all_beats.qrs.off[rows])
    qt = _median(second_latest(t.off[measured]) - qrs_on)
    rr = float(np.median(np.diff(all_beats.time[kept]))) if len(kept) > 1 else np.nan
    pr = qrs_on - second_earliest(p.on[measured])
    sinus = np.array([k for k, event in enumerate(heart.line.atria) if event.shape != "pac"], dtype=int)
    own_p = atrial.taken(sinus) if len(sinus) else Seen(*(np.full((1, 12), np.nan) for _ in range(5)))
    no_p = heart.line.absent_p or "no P wave before any QRS"
    no_t, one_beat = "no T wave is seen", "fewer than two beats"
    return {
        "heart_rate": _value(60 / rr, "bpm", one_beat),
        "pr_interval": _value(1e3 * _median(pr), "ms", no_p),
        "p_duration": _value(1e3 * _median(second_latest(own_p.off) - second_earliest(own_p.on)), "ms", no_p),
        "qrs_duration": _value(1e3 * _median(qrs_off - qrs_on), "ms", "no beat"),
        "qt_interval": _value(1e3 * qt, "ms", no_t),
        # Bazett 1920, Fridericia 1920, Sagie 1992 (Framingham), Hodges 1983; as in Rautaharju 2009, part IV
        "qtc_bazett": _value(1e3 * qt / rr**0.5, "ms", no_t),
        "qtc_fridericia": _value(1e3 * qt / rr ** (1 / 3), "ms", no_t),
        "qtc_framingham": _value(1e3 * (qt + 0.154 * (1 - rr)), "ms", no_t),
        "qtc_hodges": _value(1e3 * qt + 1.75 * (60 / rr - 60), "ms", no_t),
        "p_axis": _axis("p", own_p.net, np.isnan(own_p.on), no_p),
        "qrs_axis": _axis("qrs", all_beats.qrs.net[rows], np.isnan(all_beats.qrs.on[rows]), "no QRS in I and aVF"),
        "t_axis": _axis("t", t.net[measured], np.isnan(t.on[measured]), no_t),
    }


def _median(x: np.ndarray) -> float:
    there = x[~np.isnan(x)]
    return float(np.median(there)) if len(there) else float("nan")


def _value(value: float, unit: str, absent: str) -> Value:
    if np.isnan(value):
        return {"value": None, "unit": unit, "absent": absent}
    return {"value": round(value, 2), "unit": unit}


def _axis(wave: str, net: np.ndarray, missing: np.ndarray, absent: str) -> Value:
    """From the median net deflections [B, 12] in I and aVF."""
    if missing.all():
        return _value(float("nan"), "deg", absent)
    i, avf = _median(net[:, STANDARD.index("I")]), _median(net[:, STANDARD.index("aVF")])
    length = float(np.hypot(i, 2 / np.sqrt(3) * avf))
    if not length >= _AXIS_FLOOR_MV[wave]:
        return _value(float("nan"), "deg", f"net {wave.upper()} is {length:.2f} mV, below {_AXIS_FLOOR_MV[wave]} mV")
    return _value(float(frontal_axis(np.array(i), np.array(avf))), "deg", absent)


def amplitudes(all_beats: Complexes, kept: np.ndarray, p: Seen, t: Seen, measured: np.ndarray) -> dict[str, dict[str, float | None]]:
    """Lead -> amplitude name -> mV; None where most measured beats lack the wave."""
    rows = kept[measured]
    stacks = [p.value[measured], *all_beats.heights[:, rows], t.value[measured], *all_beats.st[:, rows]]
    # a QS complex has no R: its depth is the Q amplitude
    r = stacks[2]
    stacks[1] = np.where(r < 0, r, stacks[1])
    stacks[2] = np.where(r < 0, np.nan, r)
    out: dict[str, dict[str, float | None]] = {}
    for k, lead in enumerate(STANDARD):
        out[lead] = {name: plain(_most_have(stack[:, k])) for name, stack in zip(AMPLITUDES, stacks, strict=True)}
    return out


def _most_have(x: np.ndarray) -> float:
    """The median of what is there, NaN when it is missing in most beats."""
    return float("nan") if len(x) == 0 or np.isnan(x).mean() > 0.5 else _median(x)


def plain(x: float) -> float | None:
    return None if x != x else round(float(x), 4)
