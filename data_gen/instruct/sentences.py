"""Sentences about one recording, in many phrasings, each from undisputed facts only."""

import math

from data_gen.facts import Facts
from data_gen.instruct.draft import Voice
from gem.knowledge.find import Finding
from gem.knowledge.statement import statements
from gem.report.phrase import evidence_phrases, leads_listed, listed, number

RHYTHMS = (
    "sinus_bradycardia", "sinus_tachycardia", "sinus_arrhythmia", "atrial_fibrillation", "atrial_flutter", "ectopic_atrial_rhythm",
    "supraventricular_tachycardia", "wide_complex_tachycardia", "junctional_rhythm", "ventricular_escape", "sinus_rhythm",
)  # fmt: skip
"""The most telling first."""
SECTIONS: dict[str, tuple[str, ...]] = {
    "rhythm": RHYTHMS + ("premature_ventricular", "premature_atrial", "bigeminy", "trigeminy", "pause", "paced_ventricular") + (
        "paced_atrial",
    ),
    "conduction": (
        "av_block_1", "av_block_2_mobitz_1", "av_block_2_mobitz_2", "av_block_2_to_1", "av_block_3", "short_pr", "pre_excitation", "rbbb",
        "lbbb", "rbbb_incomplete", "lbbb_incomplete", "ivcd", "lafb", "lpfb", "left_axis", "right_axis", "extreme_axis",
    ),
    "chambers": ("left_atrial", "right_atrial", "lvh", "lvh_voltage", "rvh", "low_voltage", "poor_r_progression"),
    "ischaemia": (
        "stemi_inferior", "stemi_anterior", "stemi_lateral", "stemi_posterior", "q_inferior", "q_anteroseptal", "q_anterior", "q_lateral",
        "st_elevation", "st_depression", "t_inversion", "low_t", "early_repolarisation",
    ),
    "qt": ("long_qt", "short_qt"),
}  # fmt: skip
"""Findings by what a reader looks at together; also where hard negatives come from."""
NOUNS = {
    "premature_ventricular": ("premature ventricular complex", "pvc"),
    "premature_atrial": ("premature atrial complex", "pac"),
}
_DENIED = {
    "left atrial abnormality": ("left_atrial",), "right atrial abnormality": ("right_atrial",),
    "right ventricular hypertrophy": ("rvh",), "left ventricular hypertrophy": ("lvh", "lvh_voltage"),
    "first-degree AV block": ("av_block_1",), "left bundle branch block": ("lbbb", "lbbb_incomplete"),
    "right bundle branch block": ("rbbb", "rbbb_incomplete"), "left anterior fascicular block": ("lafb",),
    "pre-excitation": ("pre_excitation",), "pathological Q waves": ("q_inferior", "q_anteroseptal", "q_anterior", "q_lateral"),
    "T wave inversion": ("t_inversion",), "prolonged QT interval": ("long_qt",), "low QRS voltage": ("low_voltage",),
    "ST elevation": ("st_elevation", "stemi_inferior", "stemi_anterior", "stemi_lateral"),
    "ST depression": ("st_depression", "stemi_posterior"), "premature ventricular complexes": ("premature_ventricular",),
    "premature atrial complexes": ("premature_atrial",),
}  # fmt: skip
_QTC_MS = 450.0
"""Above it (Rautaharju 2009: 450 ms in men) a QT that is long by one formula only is neither called long nor denied."""
_PATTERNS = (
    "rSR'", "rsR'", "rSr'", "rsr'", "RSR'", "qRs", "qRS", "QRs", "Qrs", "qrS", "qR", "Qr", "rS", "Rs", "RS", "rs", "QS", "qrs",
)  # fmt: skip
"""Forms of QRS that the ruler reads (gem/report/lexicon.py)."""
DENIALS: dict[str, tuple[str, ...]] = {
    "rhythm": ("premature ventricular complexes", "premature atrial complexes"),
    "conduction": (
        "first-degree AV block", "left bundle branch block", "right bundle branch block", "left anterior fascicular block",
        "pre-excitation",
    ),
    "chambers": (
        "left ventricular hypertrophy", "right ventricular hypertrophy", "left atrial abnormality", "right atrial abnormality",
        "low QRS voltage",
    ),
    "ischaemia": ("pathological Q waves", "ST elevation", "ST depression", "T wave inversion"),
    "qt": ("prolonged QT interval",),
}  # fmt: skip


def value_of(facts: Facts, name: str, lead: str | None = None, size: bool = False) -> str | None:
    """ "162 ms", or None where it was not measured or is doubted; `size` drops the sign."""
    m = facts.measured.get(name, lead)
    if m.value is None or m.doubt:
        return None
    return number(abs(m.value) if size else m.value, m.unit)


def quality(facts: Facts, voice: Voice) -> str:
    q = facts.measured.quality
    return voice.say("quality.good") if q.overall == "ok" else voice.say("quality.limited", why="; ".join(q.reasons))


def rhythm_name(facts: Facts) -> str | None:
    """The most telling undisputed name of the rhythm."""
    return next((statements()[key].text for key in RHYTHMS if facts.has(key)), None)


def rhythm(facts: Facts, voice: Voice) -> list[str]:
    rate, name = value_of(facts, "heart_rate"), rhythm_name(facts)
    out = []
    if rate:
        out.append(voice.say("rhythm", rhythm=name, rate=rate) if name else voice.say("rate", rate=rate))
    r = facts.measured.rhythm
    if "basic_rr_shortest" in r.events and facts.beats_agreed:
        low, high = (f"{1e3 * r.events[f'basic_rr_{end}']:.0f}" for end in ("shortest", "longest"))
        out.append(voice.say("regular", word="regular" if r.regular else "irregular", low=low, high=high))
    if (r.p_per_qrs or 0) >= 0.9 and facts.beats_agreed:
        out.append(voice.say("p.before"))
    elif r.p_per_qrs is None and facts.has("atrial_fibrillation"):
        out.append(voice.say("p.none"))
    for key in NOUNS:
        out += [ectopy(facts, voice, key)] if facts.has(key) else []
    return out


def beats_of(facts: Facts, key: str) -> list[int]:
    """Numbers, from 1, of the premature beats of a kind."""
    return [k + 1 for k, kind in enumerate(facts.measured.kinds) if kind == NOUNS[key][1]]


def ectopy(facts: Facts, voice: Voice, key: str) -> str:
    beats, many = beats_of(facts, key), len(beats_of(facts, key)) > 1
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    count = words[len(beats)] if len(beats) < len(words) else str(len(beats))
    noun = f"{NOUNS[key][0]}es" if many else NOUNS[key][0]
    return voice.say(
        "ectopy", are="are" if many else "is", count=count, noun=noun, s="s" if many else "", beats=listed([str(b) for b in beats])
    )


def intervals(facts: Facts, voice: Voice) -> list[str]:
    out = []
    for key, name in (("pr", "pr_interval"), ("qrs", "qrs_lead_median")):
        if value := value_of(facts, name):
            out.append(voice.say(key, value=value))
    qt, qtc = value_of(facts, "qt_interval"), value_of(facts, "qtc_bazett")
    if qt and qtc:
        out.append(voice.say("qt", value=qt, qtc=qtc))
    return out


def axis(facts: Facts, voice: Voice) -> list[str]:
    value = value_of(facts, "qrs_axis")
    return [voice.say("axis", value=value)] if value else []


def stated(facts: Facts, voice: Voice, finding: Finding) -> str:
    """One finding with its evidence."""
    if finding.id in NOUNS:
        return ectopy(facts, voice, finding.id)
    if finding.id == "low_t":
        return voice.say("finding.low_t", leads=leads_listed(finding.leads))
    phrases = [p for p in evidence_phrases(finding.evidence, ("points",)) if any(c.isdigit() for c in p)]
    if not phrases or finding.id in RHYTHMS or finding.id in ("pause", "bigeminy", "trigeminy"):
        return voice.say("finding.alone", finding=finding.text)
    if finding.id in ("st_elevation", "st_depression", "t_inversion"):
        return f"{phrases[0][:1].upper()}{phrases[0][1:]}."
    return voice.say("finding", finding=finding.text, evidence=", ".join(phrases[:3]))


def section(facts: Facts, voice: Voice, name: str, most_denied: int = 3) -> list[str]:
    """Findings of one section, then what is denied there."""
    out = [stated(facts, voice, f) for f in facts.present if f.id in SECTIONS[name] and f.id not in RHYTHMS]
    denied = [text for text in DENIALS[name] if facts.denies(*_DENIED[text])]
    if (facts.measured.get("qtc_bazett").value or 0.0) >= _QTC_MS:
        denied = [text for text in denied if text != "prolonged QT interval"]
    chosen = voice.some(denied, most_denied)
    if chosen:
        texts = [f"{', '.join(chosen[:-1])} or {chosen[-1]}"] if len(chosen) > 1 else chosen
        out.append(voice.say("none", list=texts[0]))
    return out


def conclusion(facts: Facts, voice: Voice) -> str | None:
    """Everything present in one sentence, where labels and report assert nothing else; "normal ECG" only where nobody says otherwise."""
    if not facts.complete:
        return None
    name = rhythm_name(facts)
    names = [f.text for f in facts.present if f.id not in RHYTHMS and not (f.id == "lvh_voltage" and facts.has("lvh"))]
    if name and not names and not facts.disputed and not facts.conflicts and facts.record.normal is not False and not _slow_or_fast(facts):
        return voice.say("conclude.normal", rhythm=name)
    said = ([name] if name else []) + names
    return voice.say("conclude", list=listed(said)) if said else None


def _slow_or_fast(facts: Facts) -> bool:
    return any(facts.has(key) for key in RHYTHMS if key not in ("sinus_rhythm", "sinus_arrhythmia"))


def lead_sentence(facts: Facts, voice: Voice, lead: str) -> str | None:
    """One measured feature of a lead."""
    kind = voice.one(("r", "s", "t", "p", "pattern", "st"))
    if kind == "pattern":
        word = facts.measured.get("qrs_pattern", lead).word
        return voice.say("lead.pattern", lead=lead, pattern=word, a="an" if word[:1] in "rRsS" else "a") if word in _PATTERNS else None
    name = {"r": "r_amplitude", "s": "s_amplitude", "t": "t_amplitude", "p": "p_amplitude", "st": "st_j"}[kind]
    m = facts.measured.get(name, lead)
    if m.value is None or m.doubt or (kind != "st" and abs(m.value) < 0.05):
        return None
    word = "upright" if m.value > 0 else "inverted"
    if kind == "t" and word == "inverted" and "t_inversion" in facts.disputed:
        return None
    return voice.say(f"lead.{kind}", value=number(abs(m.value) if kind == "s" else m.value, m.unit), lead=lead, word=word)


def beat_sentence(facts: Facts, voice: Voice) -> str | None:
    """One measured feature of a single beat in a lead."""
    m = facts.measured
    lead, beat = voice.one(m.delineation.leads), voice.rng.randint(1, max(1, len(m.kinds)))
    kind, name, unit = voice.one((("pr", "pr_interval", "ms"), ("qt", "qt_interval", "ms"), ("t", "t_amplitude", "mV")))
    value = beat_value(facts, name, lead, beat)
    return voice.say(f"beat.{kind}", beat=beat, lead=lead, value=number(value, unit)) if value is not None else None


def beat_value(facts: Facts, name: str, lead: str, beat: int) -> float | None:
    """One value of a beat sequence (beats from 1), or None."""
    rows = facts.measured.sequences[name]
    if lead not in facts.measured.delineation.leads or not 1 <= beat <= rows.shape[1] or facts.measured.rhythm.p_per_qrs is None:
        return None
    value = float(rows[facts.measured.delineation.leads.index(lead), beat - 1])
    return value if math.isfinite(value) and abs(value) >= 0.05 else None
