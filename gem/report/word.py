"""Waves and words in a text ("Q waves in III", "inverted", "wide") against what was measured.

Limits of words: inverted or upright T from 0.05 mV (Rautaharju 2009, part IV, calls T flat between -0.1 and 0.1 mV; half
a small square is what a reader sees); wide QRS from 120 ms, narrow below (Surawicz 2009, part III); normal
intervals: PR 120-200 ms, QRS to 110 ms, rate 60-100 bpm, axis -30 to 90 degrees (parts II and III).
"""

from collections.abc import Callable

from gem.knowledge.find import PRESENT, Findings
from gem.knowledge.normal import limit_for
from gem.measure.measurement import Measurement, Measurements
from gem.report.claim import Claim
from gem.report.value import Judged

SEEN_MV = 0.05
"""A shift or wave of half a small square is seen."""
_NOISE_MV = 0.005
"""How far below a limit a printed value may lie and still be said to reach it."""
_ST_FINDINGS = ("st_elevation", "stemi_inferior", "stemi_anterior", "stemi_lateral")
_Q_FINDINGS = ("q_inferior", "q_anteroseptal", "q_anterior", "q_lateral")
_ABNORMAL_RHYTHMS_OK = {"sinus_rhythm", "sinus_arrhythmia"}
_RANGES = {
    "pr_interval": (120.0, 200.0), "qrs_duration": (0.0, 110.0), "qrs": (0.0, 110.0), "p_duration": (0.0, 120.0),
    "heart_rate": (60.0, 100.0), "qrs_axis": (-30.0, 90.0), "p_axis": (-30.0, 105.0),
}  # fmt: skip


def judge_wave(claim: Claim, m: Measurements, findings: Findings) -> Judged:
    """Whether a wave or shift is there, in all the leads named, or anywhere."""
    wave = claim.subject[0]
    if wave == "p" and not claim.leads:
        there = m.rhythm.p_per_qrs is not None
        return there != claim.negated, f"P waves {'found' if there else 'not found'}: {m.rhythm.evidence[-1]}"
    if wave == "st_change":
        return _of_findings(claim, findings, (*_ST_FINDINGS, "st_depression", "stemi_posterior"))
    if not claim.leads:
        named = {"st_elevation": _ST_FINDINGS, "st_depression": ("st_depression", "stemi_posterior"), "t_inversion": ("t_inversion",)}
        named |= {"q_pathological": _Q_FINDINGS, "q": _Q_FINDINGS, "t_low": ("low_t",)}
        if wave in named:
            return _of_findings(claim, findings, named[wave])
        return None, "nothing here says which lead is meant"
    outcomes = [_wave_in(wave, lead, m, claim.negated) for lead in claim.leads]
    return _all(outcomes, claim.negated)


def _of_findings(claim: Claim, findings: Findings, ids: tuple[str, ...]) -> Judged:
    present = [findings.by_id[key] for key in ids if key in findings.by_id and findings.by_id[key].status == PRESENT]
    if present:
        return not claim.negated, f"{present[0].text} in {', '.join(present[0].leads)}"
    judged = [findings.by_id[key] for key in ids if key in findings.by_id]
    if all(finding.why for finding in judged):
        return None, f"{judged[0].text} not assessable: {judged[0].why}"
    return claim.negated, "no criterion for it is met in two contiguous leads"


def _all(outcomes: list[Judged], negated: bool) -> Judged:
    """Said of several leads: true when true of each; denied of several: true when true of none."""
    wrong = next((o for o in outcomes if o[0] is not None and o[0] == negated), None)
    if wrong is not None:
        return False, wrong[1]
    unknown = next((o for o in outcomes if o[0] is None), None)
    if unknown is not None:
        return unknown
    return True, "; ".join(o[1] for o in outcomes[:3])


def _wave_in(wave: str, lead: str, m: Measurements, strict: bool) -> Judged:
    """Whether one lead shows a wave or shift. `strict`: the full clinical limit, for texts that deny it."""
    if wave in ("st_elevation", "st_depression"):
        return _st_in(wave, lead, m, strict)
    if wave == "t_inversion":
        t = m.get("t_amplitude", lead)
        return _known(t, lambda v: v <= -(0.1 if strict else SEEN_MV) + _NOISE_MV)
    if wave == "t_low":
        ratio, t = m.get("t_over_r", lead), m.get("t_amplitude", lead)
        low = ratio.value is not None and abs(ratio.value) <= 0.1
        return _known(t, lambda v: low or abs(v) <= 0.1)
    if wave == "q_pathological":
        q, length = m.get("q_amplitude", lead), m.get("q_duration", lead)
        if q.gone:
            return False, f"{lead}: {q.absent}"
        least = 20.0 if lead in ("V2", "V3") else 30.0
        return _known(length, lambda v: v >= least and (q.value or 0.0) <= -0.1 + _NOISE_MV)
    name = {"p": "p_amplitude", "q": "q_amplitude", "r": "r_amplitude", "s": "s_amplitude", "r_prime": "r_prime_amplitude"}.get(wave)
    name = name or {"t": "t_amplitude", "qrs": "qrs_amplitude"}.get(wave)
    if name is None:
        return None, f"nothing here measures {wave.upper()} waves"
    return _known(m.get(name, lead), lambda v: abs(v) >= 0.03)


def _st_in(wave: str, lead: str, m: Measurements, strict: bool) -> Judged:
    values = [m.get(name, lead) for name in ("st_j", "st_j60")]
    known = [v.value for v in values if v.value is not None]
    if not known:
        return None, f"{lead}: {values[0].absent}"
    limit = SEEN_MV
    if strict:
        limit = 0.1 if lead not in ("V2", "V3") else limit_for("st_elevation_v2_v3", m.age, m.sex).value
    shown = f"ST in {lead} {known[0]:+.2f} mV at J, {known[-1]:+.2f} at J+60"
    if wave == "st_elevation":
        # the end of ST rises into a tall T in health, so a denial is judged at J alone
        return (known[0] if strict else max(known)) >= limit - _NOISE_MV, shown
    return (min(known) if not strict else known[0]) <= -SEEN_MV + _NOISE_MV, shown


def _known(measurement: Measurement, test: Callable[[float], bool]) -> Judged:
    if measurement.value is None and not measurement.gone:
        return None, f"{measurement.name.replace('_', ' ')}: {measurement.absent}"
    value = measurement.value or 0.0
    return bool(test(value)), f"{measurement.name.replace('_', ' ')} {value:.3g} {measurement.unit}"


def judge_count(claim: Claim, m: Measurements, findings: Findings) -> Judged:
    """How many beats of a kind."""
    found = m.rhythm.events.get(claim.subject[0])
    if found is None:
        return None, f"nothing here counts {claim.subject[0].replace('_', ' ')}"
    return (found == claim.value) != claim.negated, f"{found:.0f} found"


def judge_word(claim: Claim, m: Measurements, findings: Findings) -> Judged:
    """A direction, form or size."""
    judged = _word(claim, m, findings)
    return judged if judged[0] is None else (judged[0] != claim.negated, judged[1])


def _word(claim: Claim, m: Measurements, findings: Findings) -> Judged:
    subject, word = claim.subject[0], claim.word
    if subject == "rhythm_regularity" or word in ("regular", "irregular"):
        if word not in ("regular", "irregular"):
            return None, "nothing here decides that of a rhythm"
        return m.rhythm.regular == (word == "regular"), f"rhythm is {'regular' if m.rhythm.regular else 'irregular'}"
    if word == "before_every_qrs":
        share = m.rhythm.p_per_qrs
        return share is not None and share >= 0.9, f"P waves per QRS: {'none' if share is None else f'{share:.2f}'}"
    if word in ("tachycardia", "bradycardia"):
        return _known(m.get("heart_rate"), lambda v: v > 100 if word == "tachycardia" else v < 60)
    if word == "normal_ecg":
        wrong = [f for f in findings.present if f.id not in _ABNORMAL_RHYTHMS_OK]
        return not wrong, f"findings: {', '.join(f.text for f in wrong) or 'none'}"
    if word == "r_progression":
        return not findings.has("poor_r_progression", "q_anteroseptal", "q_anterior"), "R in V3 and Q waves in V2 to V4"
    if subject == "pattern":
        return _pattern(claim, m)
    if subject in ("t", "p", "qrs", "st", "st_elevation", "st_depression", "t_inversion") and word not in (
        "wide",
        "narrow",
        "prolonged",
        "short",
    ):
        return _direction(claim, m, findings)
    return _size(claim, m)


def _pattern(claim: Claim, m: Measurements) -> Judged:
    if not claim.leads:
        return None, "nothing here says which lead is meant"
    said = claim.word.split(" ")[0].split("-")[0]
    found = {lead: m.get("qrs_pattern", lead).word for lead in claim.leads}
    shown = ", ".join(f"{lead} {pattern}" for lead, pattern in found.items())
    if any(pattern is None for pattern in found.values()):
        return None, f"QRS pattern not measured: {shown}"
    return all((pattern or "").lower() == said.lower() for pattern in found.values()), f"QRS pattern {shown}"


_FORMS = ("upsloping", "downsloping", "horizontal")


def _direction(claim: Claim, m: Measurements, findings: Findings) -> Judged:
    """Polarity and form of P, QRS, T and ST."""
    subject, word = claim.subject[0], claim.word
    if subject.startswith("st") or word in _FORMS:
        if word in _FORMS and claim.leads:
            found = {lead: m.get("st_form", lead).word for lead in claim.leads}
            shown = ", ".join(f"{lead} {form}" for lead, form in found.items())
            return None if None in found.values() else all(form == word for form in found.values()), f"ST form: {shown}"
        if word in ("normal", "flat") and not claim.leads:
            return not findings.has(*_ST_FINDINGS, "st_depression", "stemi_posterior"), "ST elevation or depression in two contiguous leads"
        if word in ("normal", "flat"):
            return _all(
                [
                    (not (_st_in("st_elevation", lead, m, True)[0] or _st_in("st_depression", lead, m, True)[0]), lead)
                    for lead in claim.leads
                ],
                False,
            )
        return None, "nothing here decides that of ST"
    if word == "normal" and subject == "qrs" and not claim.leads:
        return _size(claim, m)
    if not claim.leads:
        if subject == "t" and word in ("normal", "upright"):
            return not findings.has("t_inversion", "low_t"), "T inverted or low in two leads or more"
        if subject == "t" and word == "inverted":
            return findings.has("t_inversion"), "T inversion in two contiguous leads"
        if subject == "p" and word == "normal":
            return m.rhythm.p_per_qrs is not None and not findings.has("left_atrial", "right_atrial"), "atrial criteria"
        return None, "nothing here says which lead is meant"
    name = "qrs_net" if subject == "qrs" else f"{subject.split('_')[0]}_amplitude"
    least = SEEN_MV if name != "p_amplitude" else 0.03
    tests = {
        "inverted": lambda v: v <= -least + _NOISE_MV,
        "upright": lambda v: v >= least - _NOISE_MV,
        "flat": lambda v: abs(v) <= 0.1 + _NOISE_MV,
        "normal": lambda v: v > -least,
    }
    if word == "biphasic":
        forms = {lead: m.get(f"{subject}_form", lead).word for lead in claim.leads}
        shown = ", ".join(f"{lead} {form}" for lead, form in forms.items())
        return None if None in forms.values() else all("biphasic" in (form or "") for form in forms.values()), f"form: {shown}"
    if word not in tests:
        return None, f"nothing here decides what a {word} {subject.upper()} is"
    return _all([_known(m.get(name, lead), tests[word]) for lead in claim.leads], False)


def _size(claim: Claim, m: Measurements) -> Judged:
    """Prolonged, short, wide, narrow or normal intervals."""
    subject, word = claim.subject[0], claim.word
    if subject in ("qt_interval", "qtc", "qtc_bazett", "qtc_fridericia", "qtc_framingham", "qtc_hodges"):
        upper = limit_for("qtc_long", m.age, m.sex).value
        name = "qtc_bazett" if subject in ("qtc", "qt_interval") else subject
        low, high = 360.0, upper
    elif subject in _RANGES:
        name = "qrs_lead_median" if subject in ("qrs", "qrs_duration") else subject
        low, high = _RANGES[subject]
    else:
        return None, f"nothing here decides what a {word} {subject.replace('_', ' ')} is"
    if word in ("wide", "narrow") and name == "qrs_lead_median":
        low, high = 0.0, 120.0 - 1e-6
    tests = {
        "prolonged": lambda v: v > high or (name.startswith("qtc") and v >= high),
        "wide": lambda v: v > high,
        "short": lambda v: v < low,
        "narrow": lambda v: v <= high,
        "normal": lambda v: low <= v <= high,
    }
    if word not in tests:
        return None, f"nothing here decides what a {word} {subject.replace('_', ' ')} is"
    return _known(m.get(name), tests[word])
