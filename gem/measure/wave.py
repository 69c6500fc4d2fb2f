"""Waves of the representative beat of one lead: amplitudes, durations, forms, ST level.

Amplitudes are against the isoelectric PR segment (the last 40 ms before QRS, or as much of them as
lies behind P); signs are kept: Q and S are negative numbers. QRS deflections are named by the usual
rule: Q is a first negative one, R the first positive one, S a negative one after R, R' the next
positive one; a QS complex has no R, and its deflection counts as Q.
Sources: Kligfield et al. 2007 (part I) and Surawicz et al. 2009 (part III) for the waves, Wagner et al.
2009 (part VI) for ST at J and J + 60 ms. The floors are ours, chosen against noise.
"""

from dataclasses import dataclass

import numpy as np

from gem.measure.measurement import Measurement, form, measured

LEAST_QRS_MV = 0.03
"""A smaller deflection inside QRS is no Q, R or S."""
LEAST_LOBE_MV = {"p": 0.02, "t": 0.05}
"""A wave is biphasic when both its parts reach this."""
FLAT_T_MV = 0.05
ST_SLOPE_MV = 0.05
"""Change from J to J + 60 ms that makes ST upsloping or downsloping: half a small square."""
_LEVEL_S = 0.04
_UPPER_CASE_MV = 0.5
_FOOT_MV, _FOOT = 0.015, 0.05
"""What lies nearer to the level than this, or than this share of the peak, is no part of a deflection."""
_NO_QRS = "no QRS complex with both edges found in this lead"


@dataclass(frozen=True, eq=False)
class LeadBeat:
    """The representative beat of one lead and where its waves lie.

    lead  its name
    x    [W] mV
    fs   Hz
    own  fiducial -> sample of x (fractional) in this lead, NaN where absent: p_on, p_off, qrs_on, qrs_off, t_on, t_off
    all  the same over all leads
    """

    lead: str
    x: np.ndarray
    fs: float
    own: dict[str, float]
    all: dict[str, float]

    def span(self, first: str, last: str) -> tuple[int, int] | None:
        """Samples [first, last] of the wave over all leads, or else of this lead's own; None when neither is known.

        Amplitudes are read where any lead shows the wave, as CSE does: a part that is flat here begins later.
        """
        for edges in (self.all, self.own):
            a, b = edges[first], edges[last]
            if np.isfinite(a) and np.isfinite(b) and 0 <= round(a) < round(b) < len(self.x):
                return round(a), round(b) + 1
        return None

    def level(self) -> float:
        """Isoelectric level before QRS, mV; the median of the beat where no QRS begins."""
        on = self.all["qrs_on"] if np.isfinite(self.all["qrs_on"]) else self.own["qrs_on"]
        if not np.isfinite(on):
            return float(np.median(self.x))
        end = max(3, round(on))
        p_off = round(self.all["p_off"]) if np.isfinite(self.all["p_off"]) else 0
        begin = min(max(end - round(_LEVEL_S * self.fs), p_off, 0), end - max(2, round(0.008 * self.fs)))
        return float(np.median(self.x[max(0, begin) : end]))


@dataclass(frozen=True)
class Lobe:
    """One deflection: height with sign (mV), and its begin, peak and end in samples."""

    mv: float
    first: float
    peak: int
    last: float


def lead_waves(beat: LeadBeat, no_p: str | None) -> dict[str, Measurement]:
    """All measurements of one lead's representative beat; `no_p` says why the recording has no P wave, or is None."""
    x = beat.x - beat.level()
    out = _qrs(x, beat) | _st(x, beat) | _wave("p", x, beat, no_p) | _wave("t", x, beat, None)
    out["p_terminal_force"] = _terminal_p(x, beat, no_p if beat.lead == "V1" else "read in V1 only")
    r, t = out["r_amplitude"].value, out["t_amplitude"].value
    ratio = t / r if r and t is not None else np.nan
    return out | {"t_over_r": measured("t_over_r", "", ratio, "no R or no T wave in this lead")}


def lobes(x: np.ndarray, least: float) -> list[Lobe]:
    """Deflections of `x` from zero, in order: runs of one sign that peak inside `x` and reach `least` mV.

    A deflection begins and ends at zero or, where it creeps along the level, where it leaves it.
    """
    edges = (np.flatnonzero(np.diff(np.signbit(x + 0.0))) + 1).tolist()  # + 0.0: no negative zero
    out = []
    for first, last in zip([0, *edges], [*edges, len(x)], strict=True):
        peak = first + int(np.argmax(np.abs(x[first:last])))
        if 0 < peak < len(x) - 1 and abs(x[peak]) >= least:
            size = np.abs(x[first:last])
            out_of_level = np.flatnonzero(size >= max(_FOOT_MV, _FOOT * size.max()))
            begin, end = first + int(out_of_level[0]), first + int(out_of_level[-1])
            out.append(Lobe(float(x[peak]), max(_zero(x, first), begin - 1.0), peak, min(_zero(x, last), end + 1.0)))
    return out


def _zero(x: np.ndarray, k: int) -> float:
    """Where the line from sample k - 1 to k crosses zero; the end itself at the ends."""
    if not 0 < k < len(x) or x[k] == x[k - 1]:
        return float(min(k, len(x) - 1))
    return k - 1 + float(x[k - 1] / (x[k - 1] - x[k]))


def _qrs(x: np.ndarray, beat: LeadBeat) -> dict[str, Measurement]:
    """Q, R, S, R'; tallest, deepest, net and peak-to-peak QRS; R peak time; pattern."""
    span = beat.span("qrs_on", "qrs_off")
    heights = ("qrs_positive", "qrs_negative", "qrs_net", "qrs_amplitude")
    if span is None:
        named = {f"{n}_amplitude": "mV" for n in ("q", "r", "s", "r_prime")} | dict.fromkeys(heights, "mV") | {"r_peak_time": "ms"}
        return {name: Measurement(name, unit, absent=_NO_QRS) for name, unit in named.items()}
    qrs, ms = x[span[0] : span[1]], 1e3 / beat.fs
    waves = _named(lobes(qrs, LEAST_QRS_MV))
    out = {}
    for key, letter in (("q", "Q"), ("r", "R"), ("s", "S"), ("r_prime", "R'")):
        lobe, gone = waves.get(key), f"no {letter} wave of {LEAST_QRS_MV} mV or more"
        out[f"{key}_amplitude"] = measured(f"{key}_amplitude", "mV", lobe.mv if lobe else np.nan, gone, gone=True)
        out[f"{key}_duration"] = measured(f"{key}_duration", "ms", (lobe.last - lobe.first) * ms if lobe else np.nan, gone, gone=True)
    top, bottom = max(0.0, float(qrs.max())), min(0.0, float(qrs.min()))
    for name, value in zip(heights, (top, bottom, top + bottom, top - bottom), strict=True):
        out[name] = Measurement(name, "mV", value=value)
    r, r_prime = (waves[key].mv if key in waves else 0.0 for key in ("r", "r_prime"))
    ratio = r_prime / r if r > 0 and r_prime > 0 else np.nan
    out["r_prime_over_r"] = measured("r_prime_over_r", "", ratio, "no R' wave", gone=True)
    out["delta_time"] = measured("delta_time", "ms", _to_fifth(qrs) * ms, _NO_QRS)
    late = span[0] - beat.own["qrs_on"] if np.isfinite(beat.own["qrs_on"]) else 0.0
    out["r_peak_time"] = measured("r_peak_time", "ms", (_last_peak(qrs) + late) * ms, "no R wave", gone=True)
    out["qrs_pattern"] = form("qrs_pattern", _pattern(waves))
    return out


def _named(found: list[Lobe]) -> dict[str, Lobe]:
    """Deflections by name: q, r, s, r_prime."""
    waves: dict[str, Lobe] = {}
    for lobe in found:
        if lobe.mv > 0:
            waves.setdefault("r_prime" if "s" in waves else "r", lobe)
        elif "r" not in waves:
            if "q" not in waves or lobe.mv < waves["q"].mv:
                waves["q"] = lobe
        elif "s" not in waves:
            waves["s"] = lobe
    return waves


def _pattern(waves: dict[str, Lobe]) -> str:
    """ "qRs", "rSR'", "QS", ...: capitals from 0.5 mV up; "-" without any deflection."""
    if set(waves) == {"q"}:
        return "QS"
    ordered = sorted(waves.items(), key=lambda item: item[1].peak)
    return "".join(_letter(name, lobe.mv) for name, lobe in ordered) or "-"


def _letter(name: str, mv: float) -> str:
    letter = {"q": "q", "r": "r", "s": "s", "r_prime": "r'"}[name]
    return letter.upper() if abs(mv) >= _UPPER_CASE_MV else letter


def _last_peak(qrs: np.ndarray) -> float:
    """Samples from the first to the last positive peak of at least 80 % of the tallest; NaN without an R wave."""
    if qrs.max() < LEAST_QRS_MV:
        return float("nan")
    inner = qrs[1:-1]
    peaks = np.flatnonzero((inner >= qrs[:-2]) & (inner > qrs[2:]) & (inner >= 0.8 * qrs.max())) + 1
    return float(peaks[-1]) if len(peaks) else float("nan")


def _to_fifth(qrs: np.ndarray) -> float:
    """Samples from QRS onset until a fifth of the largest deflection is reached: long when a delta wave slurs the start."""
    size = np.abs(qrs)
    return float(np.argmax(size >= 0.2 * size.max()))


def _st(x: np.ndarray, beat: LeadBeat) -> dict[str, Measurement]:
    """ST level at J and J + 60 ms (J is where QRS ends over all leads), and the form between them."""
    j = beat.all["qrs_off"]
    later = j + 0.06 * beat.fs
    why = "the end of QRS over all leads is not known"
    if not np.isfinite(j) or round(later) + 0.01 * beat.fs >= len(x):
        return {name: Measurement(name, "mV", absent=why) for name in ("st_j", "st_j60")}
    width = max(2, round(0.008 * beat.fs))  # read after the point, since QRS stands before J
    at_j, at_60 = (float(np.mean(x[round(t) : round(t) + width])) for t in (j, later))
    change = at_60 - at_j
    slope = "upsloping" if change >= ST_SLOPE_MV else "downsloping" if change <= -ST_SLOPE_MV else "horizontal"
    return {
        "st_j": Measurement("st_j", "mV", value=at_j),
        "st_j60": Measurement("st_j60", "mV", value=at_60),
        "st_form": form("st_form", slope),
    }


def _wave(letter: str, x: np.ndarray, beat: LeadBeat, absent: str | None) -> dict[str, Measurement]:
    """Amplitude (signed, the larger part), positive and negative part, duration and form of P or T."""
    span = None if absent else beat.span(f"{letter}_on", f"{letter}_off")
    why = absent or f"no {letter.upper()} wave with both edges found"
    parts = (f"{letter}_amplitude", f"{letter}_positive", f"{letter}_negative")
    if span is None:
        units = dict.fromkeys(parts, "mV") | {f"{letter}_duration": "ms"}
        return {name: Measurement(name, unit, absent=why, gone=bool(absent)) for name, unit in units.items()}
    wave = x[span[0] : span[1]]
    top, bottom = max(0.0, float(wave.max())), min(0.0, float(wave.min()))
    larger = top if top >= -bottom else bottom
    own = np.isfinite(beat.own[f"{letter}_on"]) and np.isfinite(beat.own[f"{letter}_off"])
    length = (beat.own[f"{letter}_off"] - beat.own[f"{letter}_on"]) * 1e3 / beat.fs if own else float("nan")
    out = {name: Measurement(name, "mV", value=value) for name, value in zip(parts, (larger, top, bottom), strict=True)}
    out[f"{letter}_net"] = Measurement(f"{letter}_net", "mV", value=top + bottom, method="positive and negative part together")
    out[f"{letter}_duration"] = measured(f"{letter}_duration", "ms", length, f"no {letter.upper()} wave with both edges found in this lead")
    out[f"{letter}_form"] = form(f"{letter}_form", _form(letter, wave, top, bottom))
    return out


def _form(letter: str, wave: np.ndarray, top: float, bottom: float) -> str:
    """ "positive", "negative", "biphasic (+-)", "biphasic (-+)" or "flat"."""
    least = LEAST_LOBE_MV[letter]
    if max(top, -bottom) < (FLAT_T_MV if letter == "t" else least):
        return "flat"
    if top >= least and -bottom >= least and min(top, -bottom) > 0.3 * max(top, -bottom):
        return "biphasic (+-)" if np.argmax(wave) < np.argmin(wave) else "biphasic (-+)"
    return "positive" if top >= -bottom else "negative"


def _terminal_p(x: np.ndarray, beat: LeadBeat, absent: str | None) -> Measurement:
    """Area of the negative end of P in V1, mV ms: depth times duration, negative (Morris 1964; 0.04 mm s = 4 mV ms)."""
    span = None if absent else beat.span("p_on", "p_off")
    if span is None:
        return Measurement("p_terminal_force", "mV ms", absent=absent or "no P wave with both edges found", gone=bool(absent))
    negative = [lobe for lobe in lobes(np.append(x[span[0] : span[1]], 0.0), LEAST_LOBE_MV["p"]) if lobe.mv < 0]
    force = negative[-1].mv * (negative[-1].last - negative[-1].first) * 1e3 / beat.fs if negative else 0.0
    return Measurement("p_terminal_force", "mV ms", value=force)
