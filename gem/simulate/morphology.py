"""Findings of shape, judged on the mean clean beat by their published definitions.

Sources: Surawicz 2009 (AHA/ACCF/HRS recommendations, part III: conduction), Hancock 2009 (part V: chambers),
Thygesen 2018 (Fourth Universal Definition of Myocardial Infarction, Circulation 138:e618: ST, T, Q), Macfarlane 2015
(JACC 66:470: early repolarisation), Prineas 2010 (Minnesota code 9-1: low voltage).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from gem.ecg.lead import CHEST, CONTIGUOUS, LIMB, STANDARD
from gem.simulate.fiducial import QRS_RULE, least_deflection
from gem.simulate.observe import Mean, mean_p, mean_qrs, mean_st
from gem.simulate.render import Heart
from gem.simulate.spec import SimulationSpec

WIDE_MS, INCOMPLETE_MS = 120.0, 110.0  # Surawicz 2009, part III: complete from 120 ms, incomplete from 110 ms
_S_LONG_MS = 40.0  # Surawicz 2009: S in I and V6 longer than 40 ms (or than R)
_LATE_R_MS = 60.0  # Surawicz 2009: R peak time over 60 ms in V5 and V6 (LBBB)
_LAFB_R_MS = 45.0  # Surawicz 2009: R peak time of 45 ms or more in aVL
_SOKOLOW_MV = 3.5  # Sokolow and Lyon 1949, in Hancock 2009, part V
_CORNELL_MV = {"male": 2.8, "female": 2.0, None: 2.8}  # Casale 1987, in Hancock 2009, part V
_RVH_MV = 1.05  # R V1 + S V5 or V6: Sokolow and Lyon 1949, in Hancock 2009, part V
_LONG_P_MS, _TERMINAL_MV_S = 120.0, 0.004  # Hancock 2009, part V: 120 ms; 0.04 mm s of V1
_TALL_P_MV = 0.25  # Hancock 2009, part V: P over 2.5 mm in II
_Q_MS, _Q_MV, _Q_V23_MS = 30.0, 0.1, 20.0  # Thygesen 2018, table 3; V2 and V3 over 20 ms
_ST_MV, _ST_DOWN_MV, _T_DOWN_MV = 0.1, 0.05, 0.1  # Thygesen 2018, table 2
_LEVEL_MV = 0.05  # ours: a rise of half a small square in 60 ms still counts as horizontal; Thygesen 2018 gives no number
_J_MV = 0.1  # Macfarlane 2015
_LOW_LIMB_MV, _LOW_CHEST_MV = 0.5, 1.0  # Prineas 2010, code 9-1, here over all six limb leads
_INFERIOR, _LATERAL = ("II", "III", "aVF"), ("I", "aVL", "V5", "V6")

Amplitudes = dict[str, dict[str, float | None]]


def morphology(
    heart: Heart, matrix: np.ndarray, kinds: tuple[str, ...], values: dict[str, dict[str, Any]], per_lead: Amplitudes
) -> set[str]:
    """The ids that hold. Beats of ventricular origin (paced, wide escape) have none of the QRS."""
    spec = heart.spec
    held: set[str] = set()
    if heart.p_waves and any(kind != "pac" for kind in heart.p_waves):
        held.update(_atria(heart, matrix, values, per_lead))
    shape = "own" if "normal" in kinds or ("escape" in kinds and spec.escape == "narrow") else None
    if shape not in heart.beats:
        return held
    look = Look(mean_qrs(heart, shape, matrix), values, per_lead, spec)
    held.update(_conduction(look))
    held.update(_voltage(look, held))
    disturbed = bool({"lbbb", "lbbb_incomplete", "pre_excitation"} & held)
    if not disturbed:
        held.update(_q_waves(look))
    if not disturbed and look.qrs_ms < WIDE_MS and "lvh_voltage" not in held and "rvh" not in held:
        held.update(_ischaemia(look))
    held.update(_st_elevation(look, mean_st(heart, shape, matrix)))
    return held


class Look:
    """The mean QRS of every lead, taken apart into lobes, and the values around it."""

    def __init__(self, mean: Mean, values: dict[str, dict[str, Any]], per_lead: Amplitudes, spec: SimulationSpec) -> None:
        self.spec, self._per_lead = spec, per_lead
        self.qrs_ms = _number(values["qrs_duration"]["value"])
        self.pr_ms = _number(values["pr_interval"]["value"])
        self.axis = _number(values["qrs_axis"]["value"])
        self.span = {lead: float(np.ptp(x)) for lead, x in zip(STANDARD, mean.x, strict=True)}
        self.lobes = {lead: _from_onset(lobes(mean.t, x)) for lead, x in zip(STANDARD, mean.x, strict=True)}
        self._onset = {lead: parts[0][1] if parts else 0.0 for lead, parts in self.lobes.items()}
        self._top = {lead: float(mean.t[np.argmax(x)]) for lead, x in zip(STANDARD, mean.x, strict=True)}

    def form(self, lead: str) -> str:
        """The lobes as signs, "+-+" for rSR'."""
        return "".join("+" if height > 0 else "-" for height, _, _ in self.lobes[lead])

    def r_peak_ms(self, lead: str) -> float:
        return 1e3 * (self._top[lead] - self._onset[lead])

    def amplitude(self, lead: str, name: str) -> float:
        return self._per_lead[lead][f"{name}_amplitude"] or 0.0

    def s_depth(self, lead: str) -> float:
        """S, or the depth of a QS, as a positive number."""
        return -min(self.amplitude(lead, "s"), self.amplitude(lead, "q") if "+" not in self.form(lead) else 0.0)

    def st(self, lead: str, name: str) -> float:
        return self._per_lead[lead][name] or 0.0

    def longest_ms(self, lead: str, sign: int) -> float:
        return max((1e3 * (end - begin) for height, begin, end in self.lobes[lead] if height * sign > 0), default=0.0)


def _from_onset(parts: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """The first deflection begins where the QRS does (`QRS_RULE.early_s`)."""
    return [(height, begin - (QRS_RULE.early_s if k == 0 else 0.0), end) for k, (height, begin, end) in enumerate(parts)]


def lobes(t: np.ndarray, x: np.ndarray) -> list[tuple[float, float, float]]:
    """Deflections of one QRS, in order: (height mV, begins s, ends s). Those below the least deflection are passed over."""
    least = float(least_deflection(x))
    sign = np.where(np.abs(x) >= QRS_RULE.floor_mv, np.sign(x), 0)
    edges = np.flatnonzero(np.diff(sign)) + 1
    out: list[tuple[float, float, float]] = []
    for first, last in zip([0, *edges.tolist()], [*edges.tolist(), len(x)], strict=True):
        piece = x[first:last]
        height = float(piece[np.argmax(np.abs(piece))])
        if sign[first] == 0 or abs(height) < least:
            continue
        if out and out[-1][0] * height > 0:
            old = out.pop()
            out.append((max(old[0], height, key=abs), old[1], float(t[last - 1])))
        else:
            out.append((height, float(t[first]), float(t[last - 1])))
    return out


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _neighbours(leads: Iterable[str], holds: Callable[[str], bool]) -> bool:
    """Whether two contiguous leads among `leads` both hold."""
    among = set(leads)
    return any(a in among and b in among and holds(a) and holds(b) for a, b in CONTIGUOUS)


def _atria(heart: Heart, matrix: np.ndarray, values: dict[str, dict[str, Any]], per_lead: Amplitudes) -> Iterator[str]:
    kind = next(kind for kind in heart.p_waves if kind != "pac")
    p = mean_p(heart, kind, matrix)
    v1, two = p.x[STANDARD.index("V1")], p.x[STANDARD.index("II")]
    end = lobes(p.t, v1)[-1:]
    terminal = -end[0][0] * (end[0][2] - end[0][1]) if end and end[0][0] < 0 else 0.0
    long = _number(values["p_duration"]["value"]) >= _LONG_P_MS
    if terminal >= _TERMINAL_MV_S or (long and terminal >= _TERMINAL_MV_S / 2):
        yield "left_atrial"
    if two.max() > _TALL_P_MV:
        yield "right_atrial"


def _conduction(look: Look) -> Iterator[str]:
    spec, named = look.spec, False
    right_late = any(look.form(lead).endswith("-+") for lead in ("V1", "V2")) and all(
        look.longest_ms(lead, -1) > min(_S_LONG_MS, look.longest_ms(lead, 1)) for lead in ("I", "V6")
    )
    no_q = all(look.form(lead).startswith("+") for lead in ("I", "V5", "V6"))
    left_late = no_q and all(look.r_peak_ms(lead) > _LATE_R_MS for lead in ("V5", "V6"))
    for asked, shape in (("rbbb", right_late), ("lbbb", left_late)):
        if spec.conduction.startswith(asked) and shape and look.qrs_ms >= INCOMPLETE_MS:
            named = True
            yield asked if look.qrs_ms >= WIDE_MS else f"{asked}_incomplete"
    if spec.conduction == "pre_excitation" and look.pr_ms < WIDE_MS < look.qrs_ms:  # PR below, QRS above 120 ms
        named = True
        yield "pre_excitation"
    if look.qrs_ms > INCOMPLETE_MS and not named:
        yield "ivcd"
    # beside RBBB the limit on QRS does not apply
    if look.qrs_ms < WIDE_MS or (spec.conduction.startswith("rbbb") and named):
        yield from _fascicles(look)


def _fascicles(look: Look) -> Iterator[str]:
    inferior_rs = all(look.form(lead).startswith("+-") for lead in ("III", "aVF"))
    if -90 <= look.axis <= -45 and look.form("aVL").startswith("-+") and inferior_rs and look.r_peak_ms("aVL") >= _LAFB_R_MS:
        yield "lafb"
    rs_left = all(look.form(lead).startswith("+-") for lead in ("I", "aVL"))
    qr_down = all(look.form(lead).startswith("-+") for lead in ("III", "aVF"))
    # RVH must be ruled out first
    if 90 <= look.axis <= 180 and rs_left and qr_down and "rvh" not in look.spec.structure:
        yield "lpfb"


def _voltage(look: Look, held: set[str]) -> Iterator[str]:
    r_left = max(look.amplitude("V5", "r"), look.amplitude("V6", "r"))
    cornell = look.amplitude("aVL", "r") + look.s_depth("V3") > _CORNELL_MV[look.spec.sex]
    if look.qrs_ms < WIDE_MS and "pre_excitation" not in held and (look.s_depth("V1") + r_left >= _SOKOLOW_MV or cornell):
        yield "lvh_voltage"
        if "lvh_strain" in look.spec.structure:
            yield "lvh"
    r, s = look.amplitude("V1", "r"), max(look.s_depth("V5"), look.s_depth("V6"))
    if "rvh" in look.spec.structure and r > look.s_depth("V1") and r + s > _RVH_MV and look.axis > 90:
        yield "rvh"
    limb, chest = max(look.span[lead] for lead in LIMB), max(look.span[lead] for lead in CHEST)
    if limb < _LOW_LIMB_MV or chest < _LOW_CHEST_MV:
        yield "low_voltage"


def _q_waves(look: Look) -> Iterator[str]:
    def pathological(lead: str) -> bool:
        form = look.form(lead)
        if not form.startswith("-"):
            return False
        if form == "-":
            return True
        height, begin, end = look.lobes[lead][0]
        if lead in ("V2", "V3"):
            return 1e3 * (end - begin) > _Q_V23_MS
        return 1e3 * (end - begin) >= _Q_MS and height <= -_Q_MV

    groups = {
        "q_inferior": _INFERIOR,
        "q_anteroseptal": ("V2", "V3"),
        "q_anterior": ("V3", "V4", "V5"),
        "q_lateral": _LATERAL,
    }
    for name, leads in groups.items():
        if _neighbours(leads, pathological):
            yield name


def _ischaemia(look: Look) -> Iterator[str]:
    def depressed(lead: str) -> bool:
        at_j, later = look.st(lead, "st_j"), look.st(lead, "st_j60")
        return max(at_j, later) <= -_ST_DOWN_MV and later - at_j <= _LEVEL_MV

    def inverted(lead: str) -> bool:
        return look.amplitude(lead, "t") < -_T_DOWN_MV and look.amplitude(lead, "r") > look.s_depth(lead)

    if _neighbours(STANDARD, depressed):
        yield "st_depression"
    if _neighbours(STANDARD, inverted):
        yield "t_inversion"


def _st_elevation(look: Look, st: Mean) -> Iterator[str]:
    spec = look.spec
    if any(kind.startswith("stemi") for kind in spec.ischaemia):

        def elevated(lead: str) -> bool:
            return look.st(lead, "st_j") >= (_v2_v3_limit(spec) if lead in ("V2", "V3") else _ST_MV)

        for name, leads in (("inferior", _INFERIOR), ("anterior", ("V1", "V2", "V3", "V4")), ("lateral", _LATERAL)):
            if _neighbours(leads, elevated):
                yield f"stemi_{name}"
        # V7 to V9 are not recorded: their mirror image in V1 to V3 (Thygesen 2018)
        if "stemi_posterior" in spec.ischaemia and _neighbours(("V1", "V2", "V3"), lambda lead: look.st(lead, "st_j") <= -_ST_DOWN_MV):
            yield "stemi_posterior"
    if "early_repolarisation" in spec.ischaemia and look.qrs_ms < WIDE_MS:
        j = {lead: float(x[(st.t > -0.02) & (st.t < 0.04)].max()) for lead, x in zip(STANDARD, st.x, strict=True)}
        if any(_neighbours(leads, lambda lead: j[lead] >= _J_MV) for leads in (_INFERIOR, _LATERAL)):
            yield "early_repolarisation"


def _v2_v3_limit(spec: SimulationSpec) -> float:
    """Thygesen 2018: 0.15 mV in women, 0.25 mV in men under 40, 0.2 mV in older men; the highest when sex is not known."""
    if spec.sex == "female":
        return 0.15
    return 0.25 if spec.age is not None and spec.age < 40 else 0.2
