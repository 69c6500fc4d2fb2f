"""The template writer: findings and measurements -> a report in a clinician's order.

Every sentence is written from measurements and can be verified; nothing is said that was not measured.
"""

from gem.knowledge.criterion import Evidence
from gem.knowledge.find import ABSENT, NOT_ASSESSABLE, Finding, Findings, criteria, find
from gem.measure.measurement import Measurements
from gem.report.phrase import OVER_ALL, evidence_phrases, leads_listed, listed, number, over_all
from gem.report.report import Report, Sentence
from gem.report.verify import SUPPORTED, Checked

WRITER = "template 1"

_CONDUCTION = (
    "av_block_1", "av_block_2_mobitz_1", "av_block_2_mobitz_2", "av_block_2_to_1", "av_block_3", "short_pr", "pre_excitation",
    "rbbb", "lbbb", "rbbb_incomplete", "lbbb_incomplete", "ivcd", "lafb", "lpfb",
)  # fmt: skip
_CHAMBERS = ("left_atrial", "right_atrial", "lvh", "lvh_voltage", "rvh", "low_voltage")
_INFARCTION = (
    "stemi_inferior",
    "stemi_anterior",
    "stemi_lateral",
    "stemi_posterior",
    "q_inferior",
    "q_anteroseptal",
    "q_anterior",
    "q_lateral",
)
_REPOLARISATION = (
    "st_elevation",
    "st_depression",
    "t_inversion",
    "low_t",
    "early_repolarisation",
    "poor_r_progression",
    "long_qt",
    "short_qt",
)
_AXES = ("left_axis", "right_axis", "extreme_axis")
_ECTOPY = {"premature_ventricular": ("premature ventricular complex", "pvc"), "premature_atrial": ("premature atrial complex", "pac")}
_UNSAID = {"lvh": ("qrs_lead_median", "r_peak_time"), "lbbb": ("r_amplitude", "q_amplitude"), "lbbb_incomplete": ("q_amplitude",)}
"""Evidence that counts but does not convince a reader: minor points of a score, waves that must be small."""
_FAMILIES = {
    "AV conduction": ("av_block_1", "av_block_2_mobitz_1", "av_block_2_mobitz_2", "av_block_2_to_1", "av_block_3", "short_pr"),
    "pre-excitation": ("pre_excitation",),
    "bundle branch and fascicular block": ("rbbb", "lbbb", "rbbb_incomplete", "lbbb_incomplete", "ivcd", "lafb", "lpfb"),
    "axis": _AXES,
    "atrial abnormality": ("left_atrial", "right_atrial"),
    "ventricular hypertrophy": ("lvh", "lvh_voltage", "rvh"),
    "infarction": _INFARCTION,
    "ST and T changes": ("st_elevation", "st_depression", "t_inversion", "low_t", "early_repolarisation"),
    "R progression": ("poor_r_progression",),
    "QT": ("long_qt", "short_qt"),
}
_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")
_IMPLIED = {
    "sinus_rhythm": ("sinus_bradycardia", "sinus_tachycardia", "sinus_arrhythmia", "paced_ventricular"),
    "lvh_voltage": ("lvh",),
    "st_elevation": ("stemi_inferior", "stemi_anterior", "stemi_lateral", "early_repolarisation"),
    "poor_r_progression": ("q_anteroseptal", "q_anterior"),
    "left_axis": ("lafb",),
    "right_axis": ("lpfb",),
    "q_anterior": ("q_anteroseptal",),
    "sinus_bradycardia": (),
    "low_t": ("t_inversion",),
}
"""A finding on the left goes without saying where one on the right is said."""


def write(measurements: Measurements, findings: Findings | None = None) -> Report:
    """Write the report of one recording."""
    findings = findings or find(measurements)
    m = measurements
    parts = (_quality(m), _rhythm(m, findings), _intervals(m, findings), _conduction(m, findings), _chambers(m, findings))
    sentences = [s for part in (*parts, _ischaemia(m, findings), _conclusion(m, findings)) for s in part]
    return Report(tuple(sentences), WRITER)


def left_out(findings: Findings, checked: Checked) -> tuple[Sentence, ...]:
    """What a text of somebody else does not name, worded as in `write`: findings that no supported claim asserts."""
    said = [v.claim for v in checked.verdicts if v.verdict == SUPPORTED and v.claim.kind == "finding" and not v.claim.negated]
    named = {key for claim in said for key in claim.subject}
    return tuple(_stated("Conclusion", finding) for finding in _said(findings, tuple(findings.by_id)) if finding.id not in named)


def _quality(m: Measurements) -> list[Sentence]:
    section = "Technical quality"
    span = f"{m.duration_s:.3g} s at {m.fs:g} Hz"
    if m.quality.overall == "ok":
        return [Sentence(section, f"Good; all {len(m.leads)} leads are usable ({span}).")]
    return [Sentence(section, f"Limited ({span}): {'; '.join(m.quality.reasons)}.")]


def _rhythm(m: Measurements, findings: Findings) -> list[Sentence]:
    section, rhythm, events = "Rate and rhythm", m.rhythm, m.rhythm.events
    rate = m.get("heart_rate")
    at = f" at {number(rate.value, rate.unit)}" if rate.value is not None else ""
    span = f"RR {1e3 * events['basic_rr_shortest']:.0f} to {1e3 * events['basic_rr_longest']:.0f} ms"
    regular = "regular" if rhythm.regular else "irregular"
    p = ", with a P wave before every QRS complex" if (rhythm.p_per_qrs or 0) >= 0.9 else ""
    if rhythm.p_per_qrs is None and rhythm.name == "atrial fibrillation":
        p = "; there are no P waves that repeat before the QRS complexes"
    evidence = (Evidence("rhythm", None, rhythm.name, "", "; ".join(rhythm.evidence)),)
    text = f"{rhythm.name.capitalize()}{at}, {regular} ({span}){p}."
    if rhythm.name == "regular rhythm without visible P waves":
        text = f"Regular rhythm{at} ({span}); there are no visible P waves."
    out = [Sentence(section, text, evidence)]
    for key, (noun, kind) in _ECTOPY.items():
        finding = findings.by_id[key]
        if finding.status == "present":
            out.append(
                Sentence(section, _ectopy(noun, [k + 1 for k, x in enumerate(m.kinds) if x == kind]), finding.evidence, key, finding.source)
            )
    coupled = [key for key in ("bigeminy", "trigeminy") if findings.has(key)]
    out += [_stated(section, findings.by_id[key], f"Ectopic beats occur in {key}.") for key in coupled]
    if findings.has("pause"):
        out.append(_stated(section, findings.by_id["pause"], f"There is a pause of {events['longest_rr']:.1f} s."))
    if findings.has("paced_ventricular") and rhythm.name != "ventricular paced rhythm":
        out.append(_stated(section, findings.by_id["paced_ventricular"], "Some of the beats are paced beats."))
    return out


def _ectopy(noun: str, beats: list[int]) -> str:
    count = _NUMBERS[len(beats)] if len(beats) < len(_NUMBERS) else str(len(beats))
    plural = noun if len(beats) == 1 else f"{noun}es"
    return f"{count} {plural} (beat{'s' if len(beats) > 1 else ''} {listed([str(b) for b in beats])})."


def _intervals(m: Measurements, findings: Findings) -> list[Sentence]:
    section = "Intervals and axis"
    names = ("pr_interval", "p_duration", "qrs_lead_median", "qt_interval", "qtc_bazett", "qtc_fridericia")
    shown = [(name, phrase) for name in names if (phrase := over_all(m, name))]
    wide = m.get("qrs_duration").value
    if wide is not None:
        shown = [(name, f"{phrase} ({wide:.0f} ms over all leads)" if name == "qrs_lead_median" else phrase) for name, phrase in shown]
    out = []
    if shown:
        text = ", ".join(phrase for _, phrase in shown)
        out.append(Sentence(section, f"{text[0].upper()}{text[1:]}.", tuple(_of(m, name) for name, _ in shown)))
    doubted = [name for name, _ in shown if m.get(name).doubt]
    if doubted:
        names_said = listed([OVER_ALL[name] for name in doubted])
        out.append(Sentence(section, f"Uncertain: {names_said}.", tuple(_of(m, name) for name in doubted)))
    why = m.get("pr_interval").absent
    if why:
        out.append(Sentence(section, f"The PR interval is not given: {why}."))
    axes = [(name, phrase) for name in ("qrs_axis", "p_axis", "t_axis") if (phrase := over_all(m, name))]
    if axes:
        named = next((findings.by_id[key] for key in _AXES if findings.has(key)), None)
        first = axes[0][1] + (f" ({named.text})" if named and axes[0][0] == "qrs_axis" else "")
        finding, source = (named.id, named.source) if named else ("", "")
        text = f"{', '.join([first, *(phrase for _, phrase in axes[1:])])}."
        out.append(Sentence(section, text, tuple(_of(m, name) for name, _ in axes), finding, source))
    return out


def _of(m: Measurements, name: str) -> Evidence:
    found = m.get(name)
    said = "; ".join(text for text in (found.method or "measured", found.doubt) if text)
    return Evidence(name, None, found.value or 0.0, found.unit, said)


def _conduction(m: Measurements, findings: Findings) -> list[Sentence]:
    section = "Conduction"
    said = _said(findings, _CONDUCTION)
    out = [_stated(section, f) for f in said]
    denied = []
    if _all_absent(findings, ("av_block_1",)):
        denied.append("first-degree AV block")
    if _all_absent(findings, ("rbbb", "lbbb", "rbbb_incomplete", "lbbb_incomplete")):
        denied.append("bundle branch block")
    if _all_absent(findings, ("lafb", "lpfb")):
        denied.append("fascicular block")
    return out + ([Sentence(section, f"No {' or '.join(denied) if len(denied) < 3 else listed_or(denied)}.")] if denied else [])


def listed_or(items: list[str]) -> str:
    """ "a, b or c"."""
    return f"{', '.join(items[:-1])} or {items[-1]}"


def _chambers(m: Measurements, findings: Findings) -> list[Sentence]:
    section = "Chambers"
    out = [_stated(section, f) for f in _said(findings, _CHAMBERS)]
    voltage = [phrase for name in ("sokolow_lyon", "cornell") if (phrase := over_all(m, name))]
    if _all_absent(findings, ("lvh_voltage", "lvh")) and voltage:
        evidence = tuple(_of(m, name) for name in ("sokolow_lyon", "cornell") if m.get(name).value is not None)
        out.append(Sentence(section, f"No voltage criteria for left ventricular hypertrophy ({', '.join(voltage)}).", evidence))
    rest = [
        text
        for key, text in (("rvh", "right ventricular hypertrophy"), ("left_atrial", "left atrial abnormality"))
        if _all_absent(findings, (key,))
    ]
    if _all_absent(findings, ("right_atrial",)):
        rest.append("right atrial abnormality")
    if rest:
        out.append(Sentence(section, f"No {listed_or(rest) if len(rest) > 1 else rest[0]}."))
    return out


def _ischaemia(m: Measurements, findings: Findings) -> list[Sentence]:
    section = "Ischaemia and repolarisation"
    out = [_stated(section, f) for f in (*_said(findings, _INFARCTION), *_said(findings, _REPOLARISATION))]
    denied = []
    if _all_absent(findings, ("q_inferior", "q_anteroseptal", "q_anterior", "q_lateral")):
        denied.append("pathological Q waves")
    st_free = _all_absent(findings, ("st_elevation", "st_depression", "stemi_inferior", "stemi_lateral"))
    if st_free and not findings.has("stemi_anterior", "stemi_posterior"):
        denied.append("ST elevation or depression")
    if _all_absent(findings, ("t_inversion",)):
        denied.append("T wave inversion")
    if denied:
        out.append(Sentence(section, f"No {listed_or(denied) if len(denied) > 1 else denied[0]} in two contiguous leads."))
    return out


def _conclusion(m: Measurements, findings: Findings) -> list[Sentence]:
    section = "Conclusion"
    order = ("sinus_rhythm", *[key for key in findings.by_id if key != "sinus_rhythm"])
    said = _said(findings, order)
    names = [f.text for f in said if f.id != "electrode_swap"]
    normal = {f.id for f in said} <= {"sinus_rhythm", "sinus_arrhythmia"} and m.quality.reversal is None
    text = (
        f"{names[0].capitalize()}; normal ECG."
        if normal and names
        else f"{_capital('; '.join(names))}."
        if names
        else f"{m.rhythm.name.capitalize()}."
    )
    out = [Sentence(section, text)]
    if m.quality.reversal:
        out.append(Sentence(section, f"Electrodes may be swapped ({m.quality.reversal}): repeat the recording before reading it."))
    out += _open(findings)
    return out


def _open(findings: Findings) -> list[Sentence]:
    """What could not be assessed, grouped by the reason; a family by its name where all of it is open."""
    grouped: dict[str, list[Finding]] = {}
    for finding in findings.by_id.values():
        if finding.status == NOT_ASSESSABLE:
            grouped.setdefault(finding.why.removeprefix("not assessed "), []).append(finding)
    return [Sentence("Conclusion", f"Not assessed ({why}): {', '.join(_by_family(found))}.") for why, found in grouped.items()]


def _by_family(found: list[Finding]) -> list[str]:
    ids = {finding.id for finding in found}
    names = []
    for finding in found:
        family = next((name for name, keys in _FAMILIES.items() if finding.id in keys and set(keys) & set(criteria()) <= ids), None)
        names.append(family or finding.text)
    return list(dict.fromkeys(names))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _said(findings: Findings, keys: tuple[str, ...]) -> list[Finding]:
    """Present findings of `keys` that another does not make superfluous."""
    return [f for key in keys if (f := findings.by_id.get(key)) and f.status == "present" and not findings.has(*_IMPLIED.get(key, ()))]


def _all_absent(findings: Findings, keys: tuple[str, ...]) -> bool:
    return all(findings.by_id[key].status == ABSENT for key in keys)


def _stated(section: str, finding: Finding, text: str | None = None) -> Sentence:
    """A finding as a sentence with its evidence."""
    if text is None:
        phrases = evidence_phrases(finding.evidence, _UNSAID.get(finding.id, ()))
        if finding.id == "low_t":
            text = f"Low or flat T waves in {leads_listed(finding.leads)}."
        elif finding.id in ("st_elevation", "st_depression", "t_inversion"):
            text = f"{_capital(phrases[0])}."
        else:
            text = f"{_capital(finding.text)}{': ' + ', '.join(phrases) if phrases else ''}."
    return Sentence(section, text, finding.evidence, finding.id, finding.source)
