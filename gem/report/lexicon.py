"""The words of ECG reports and what they mean: the terms that claims are read from.

A term is one of
    finding    a diagnosis with the finding ids that make it true (any of them)
    quantity   a number that is measured over all leads
    wave       a wave or segment of a lead
    word       a direction, form or size said of a wave or quantity
and the marks around them: negation, hedging, breaks. Spelling is British or American, singular or
plural; the longest match wins.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """kind: finding | quantity | wave | word | no | gone | maybe | open | paren | break; ids: finding ids, or the key of the rest."""

    kind: str
    ids: tuple[str, ...]
    pattern: str


_AV = r"(?:AV|A-V|atrio-?ventricular)(?: \(AV\))?"
_MI = r"(?:myocardial )?infarct(?:ion)?s?(?: pattern)?|MI\b"
_WALL = r"(?:-?(?: ?wall)?)"
_OLD = r"(?:(?:old|prior|previous|remote|chronic|age[- ](?:undetermined|indeterminate)|healed) )?"
_NEW = r"(?:acute |evolving |hyperacute |recent )?"
_ISCH = r"(?:ischa?emia|ischa?emic (?:changes|pattern))"


def _findings() -> list[Term]:
    table = {
        "sinus_rhythm": r"(?:normal )?sinus rhythm|NSR\b",
        "sinus_bradycardia": r"sinus bradycardia",
        "sinus_tachycardia": r"sinus tachycardia",
        "sinus_arrhythmia": r"sinus arrhythmia",
        "ectopic_atrial_rhythm": r"ectopic atrial rhythm|low atrial rhythm|atrial tachycardia",
        "atrial_fibrillation": r"atrial fibrillation|a-?fib\b|AFIB\b|AF\b|fibrillatory waves",
        "atrial_flutter": r"atrial flutter|AFL\b|flutter waves|a-?flutter\b|sawtooth (?:waves|pattern)",
        "supraventricular_tachycardia": r"supraventricular tachycardia|P?SVT\b",
        "wide_complex_tachycardia": r"(?:wide|broad)[- ]complex tachycardia|ventricular tachycardia|VT\b",
        "junctional_rhythm": r"(?:accelerated )?junctional (?:escape )?rhythm",
        "ventricular_escape": r"ventricular escape rhythm|idioventricular rhythm",
        "premature_ventricular": r"(?:premature ventricular (?:complex(?:es)?|contractions?|beats?|depolari[sz]ations?)|ventricular (?:premature"
        r" (?:complex(?:es)?|contractions?|beats?)|extrasystoles?|ectopics?|ectopic beats?|ectopy)|PVCs?\b|VPCs?\b|VPBs?\b|VEBs?\b)",
        "premature_atrial": r"(?:premature (?:atrial|supraventricular) (?:complex(?:es)?|contractions?|beats?)|(?:atrial|supraventricular)"
        r" (?:premature (?:complex(?:es)?|contractions?|beats?)|extrasystoles?|ectopics?|ectopic beats?|ectopy)|PACs?\b|APCs?\b|SVES\b)",
        "bigeminy": r"(?:ventricular |atrial )?bigemin(?:y|al pattern)",
        "trigeminy": r"(?:ventricular )?trigemin(?:y|al pattern)",
        "pause": r"(?:sinus )?pauses?\b",
        "paced_ventricular": r"(?:ventricular[- ])?paced rhythm|ventricular pacing|(?:artificial )?pacemaker(?: rhythm)?|paced (?:beats|complexes)",
        "paced_atrial": r"atrial pacing|atrial[- ]paced rhythm",
        "electrode_swap": r"(?:suspected )?(?:electrode|lead|cable|arm(?: lead)?|limb lead) (?:swap|reversal|misplacement|interchange)",
        "av_block_1": rf"(?:first|1st)[- ]degree {_AV}(?: heart)? block|{_AV} block (?:I|1)\b|(?:I|1)°? ?AVB?\b",
        "av_block_2_mobitz_1": rf"(?:(?:second|2nd)[- ]degree {_AV}(?: heart)? block,? )?(?:\(?(?:Mobitz (?:type )?(?:I|1)\b|Wenckebach)\)?)",
        "av_block_2_mobitz_2": rf"(?:(?:second|2nd)[- ]degree {_AV}(?: heart)? block,? )?\(?Mobitz (?:type )?(?:II|2)\b\)?",
        "av_block_2_to_1": rf"2:1 {_AV}(?: heart)? (?:block|conduction)",
        "av_block_3": rf"(?:third|3rd)[- ]degree {_AV}(?: heart)? block|complete (?:{_AV} |heart |AV heart )block|{_AV} block (?:III|3)\b|CHB\b",
        "short_pr": r"short(?:ened)? (?:PR|PQ)(?:[- ]interval)?",
        "pre_excitation": r"(?:ventricular )?pre-?excitation(?: pattern)?|Wolff[- ]Parkinson[- ]White(?: (?:pattern|syndrome))?|WPW\b|delta waves?",
        "rbbb": r"(?:complete )?right bundle[- ]branch block|C?RBBB\b|complete RBBB\b",
        "rbbb_incomplete": r"incomplete right bundle[- ]branch block|incomplete RBBB\b|IRBBB\b",
        "lbbb": r"(?:complete )?left bundle[- ]branch block|C?LBBB\b|complete LBBB\b",
        "lbbb_incomplete": r"incomplete left bundle[- ]branch block|incomplete LBBB\b|ILBBB\b",
        "ivcd": r"(?:non-?specific )?intra-?ventricular conduction (?:delay|disturbance|defect|block|disorder)|IVCD\b|NSIVCD\b",
        "lafb": r"left anterior (?:fascicular|hemi)[- ]?block|LAFB\b|LAHB\b",
        "lpfb": r"left posterior (?:fascicular|hemi)[- ]?block|LPFB\b|LPHB\b",
        "left_axis": r"(?:marked |abnormal )?left(?:ward)? axis(?: deviation)?|axis (?:is )?(?:deviated to the left|leftward)",
        "right_axis": r"(?:marked |abnormal )?right(?:ward)? axis(?: deviation)?|axis (?:is )?(?:deviated to the right|rightward)",
        "extreme_axis": r"(?:extreme|north-?west|right superior|superior)(?: \(?right superior\)?)? axis(?: deviation)?",
        "left_atrial": r"left atrial (?:abnormality|enlargement|overload|hypertrophy|dilatation)|LAE\b|P mitrale",
        "right_atrial": r"right atrial (?:abnormality|enlargement|overload|hypertrophy|dilatation)|RAE\b|P pulmonale",
        "lvh_voltage": r"voltage criteria (?:\(QRS\) )?(?:for|of) (?:left ventricular hypertrophy|LVH)\b|(?:left ventricular hypertrophy|LVH) by voltage",
        "lvh": r"left ventricular (?:hypertrophy|overload)|LVH\b",
        "rvh": r"right ventricular (?:hypertrophy|overload)|RVH\b",
        "low_voltage": r"low (?:QRS |limb lead |peripheral )?voltages?(?: QRS)?|low[- ]amplitude QRS(?: complexes)?",
        "poor_r_progression": r"(?:poor|reduced|abnormal|slow|delayed) R[- ]?(?:wave )?progression|PRWP\b",
        "early_repolarisation": r"early repolari[sz]ation(?: pattern)?|benign early repolari[sz]ation",
        "long_qt": r"(?:prolonged|long) (?:corrected )?QTc?(?:[- ]interval)?|QTc? prolongation",
        "short_qt": r"short(?:ened)? QTc?(?:[- ]interval)?",
    }
    return [Term("finding", (key,), pattern) for key, pattern in table.items()]


def _combined_findings() -> list[Term]:
    """Diagnoses that more than one finding makes true, and those that say only which family."""
    walls = {
        "inferior": ("q_inferior", "stemi_inferior"),
        "anteroseptal": ("q_anteroseptal", "q_anterior", "stemi_anterior"),
        "septal": ("q_anteroseptal", "stemi_anterior"),
        "anterior": ("q_anterior", "q_anteroseptal", "stemi_anterior"),
        "lateral": ("q_lateral", "stemi_lateral"),
        "posterior": ("stemi_posterior",),
        "inferolateral": ("q_inferior", "q_lateral", "stemi_inferior", "stemi_lateral"),
        "anterolateral": ("q_anterior", "q_lateral", "stemi_anterior", "stemi_lateral"),
    }
    terms = []
    for wall, ids in walls.items():
        acute = tuple(key for key in ids if key.startswith("stemi"))
        healed = tuple(key for key in ids if key.startswith("q_")) or ids
        spelled = wall.replace("antero", "antero-?").replace("infero", "infero-?")
        terms += [
            Term("finding", acute, rf"(?:acute |evolving )?{spelled}{_WALL} (?:STEMI\b|ST[- ]elevation (?:{_MI}))"),
            Term("finding", acute, rf"(?:acute|evolving|hyperacute) {spelled}{_WALL} (?:{_MI})"),
            Term("finding", healed, rf"(?:old|prior|previous|remote|healed) {spelled}{_WALL} (?:{_MI})"),
            Term("finding", ids, rf"{_OLD}{_NEW}{spelled}{_WALL} (?:{_MI})"),
            Term("finding", healed, rf"{spelled}{_WALL} Q waves as after (?:{_MI})"),
            Term("finding", acute, rf"{spelled}{_WALL} ST elevation that meets the threshold for acute infarction"),
            Term("finding", ("st_depression", "t_inversion", *acute), rf"{spelled}{_WALL} {_ISCH}"),
        ]
    every_q = ("q_inferior", "q_anteroseptal", "q_anterior", "q_lateral")
    every_st = ("stemi_inferior", "stemi_anterior", "stemi_lateral", "stemi_posterior")
    av2 = ("av_block_2_mobitz_1", "av_block_2_mobitz_2", "av_block_2_to_1")
    bundle = ("rbbb", "lbbb", "rbbb_incomplete", "lbbb_incomplete")
    terms += [
        Term("finding", every_st, r"STEMI\b|ST[- ]elevation (?:myocardial infarction|MI\b)|acute (?:myocardial )?infarction|acute MI\b"),
        Term("finding", ("stemi_posterior",), r"anterior ST depression that suggests posterior infarction"),
        Term("finding", every_q, r"Q waves as after (?:myocardial )?infarction"),
        Term("finding", (*every_q, *every_st), rf"{_OLD}(?:{_MI})"),
        Term("finding", ("st_depression", "t_inversion", *every_st), rf"(?:myocardial )?{_ISCH}"),
        Term("finding", av2, rf"(?:second|2nd)[- ]degree {_AV}(?: heart)? block|{_AV} block (?:II|2)\b"),
        Term("finding", ("av_block_1", *av2, "av_block_3"), rf"{_AV}(?: conduction)? block(?:s| of any degree)?"),
        Term("finding", bundle, r"bundle[- ]branch block|BBB\b"),
        Term("finding", ("lafb", "lpfb"), r"(?:fascicular|hemi)[- ]?block"),
        Term("finding", ("left_atrial", "right_atrial"), r"atrial (?:enlargement|abnormality|overload)"),
        Term("finding", ("lvh", "rvh"), r"(?:ventricular|chamber) (?:hypertrophy|enlargement)"),
        Term(
            "finding",
            ("premature_ventricular", "premature_atrial"),
            r"(?:premature|ectopic) (?:beats?|complex(?:es)?)|extrasystoles?|ectopy",
        ),
        Term("finding", ("left_axis", "right_axis", "extreme_axis"), r"axis deviation"),
        Term("finding", ("sinus_bradycardia",), r"sinus brady"),
    ]
    return terms


def _quantities() -> list[Term]:
    of = r"(?:[- ]?(?:interval|duration|time))?"
    table = {
        "atrial_rate": r"(?:atrial|flutter|P(?: wave)?) rate",
        "heart_rate": r"(?:(?:mean|average|ventricular|heart) )+rate|HR\b|ventricular response|rate",
        "rr_interval": rf"R-?R{of}s?",
        "pr_interval": r"P-?[RQ](?:[- ]?(?:interval|duration|time|conduction))?\b(?! segment)",
        "p_duration": r"P(?:[- ]?wave)? (?:duration|width)",
        "qrs_duration": r"QRS(?:[- ]?complex)?[- ]?(?:duration|width|interval)|(?:duration|width) of the QRS(?: complex)?",
        "qtc_bazett": r"QTc(?:[- ]?interval)?,? \(?Bazett\)?|QTcB\b",
        "qtc_fridericia": r"QTc(?:[- ]?interval)?,? \(?Fridericia\)?|QTcF\b",
        "qtc_framingham": r"QTc(?:[- ]?interval)?,? \(?Framingham\)?",
        "qtc_hodges": r"QTc(?:[- ]?interval)?,? \(?Hodges\)?",
        "qtc": r"QTc\b(?:[- ]?interval)?|(?:rate-)?corrected QT(?:[- ]?interval)?",
        "qt_interval": r"QT(?:[- ]?(?:interval|duration|time))?\b",
        "p_axis": r"P(?:[- ]?wave)? axis|axis of (?:the )?P(?: waves?)?",
        "t_axis": r"T(?:[- ]?wave)? axis|axis of (?:the )?T(?: waves?)?",
        "qrs_axis": r"(?:(?:mean|frontal|electrical|QRS|cardiac|heart)(?: frontal)?(?: plane)?(?: electrical)? )*axis(?! deviation)",
        "sokolow_lyon": r"Sokolow(?:[- ]Lyon)?(?: (?:index|voltage|sum|criterion))?",
        "cornell": r"Cornell(?: (?:index|voltage|sum|criterion))?",
        "p_terminal_force": r"(?:P(?:[- ]?wave)? )?terminal force|Morris index",
        "r_peak_time": r"R[- ]peak time|intrinsicoid deflection|ventricular activation time",
        "limb_voltage": r"largest QRS of the limb leads",
        "chest_voltage": r"largest QRS of the chest leads",
        "delta_time": r"slurred start of (?:the )?QRS",
        "longest_rr": r"longest RR(?:[- ]interval)?|longest pause",
        "rhythm_regularity": r"rhythm|ventricular rhythm",
    }
    return [Term("quantity", (key,), pattern) for key, pattern in table.items()]


def _waves() -> list[Term]:
    wave = r"[- ]?(?:waves?|deflections?)?"
    table = {
        "st_elevation": r"(?:J[- ]point |ST(?:[- ]segments?)?[- ])(?:is |are )?elevat(?:ions?|ed)|elevat(?:ion of|ed) (?:the )?ST(?:[- ]segments?)?",
        "st_depression": r"(?:J[- ]point |ST(?:[- ]segments?)?[- ])(?:is |are )?depress(?:ions?|ed)|depress(?:ion of|ed) (?:the )?ST(?:[- ]segments?)?",
        "st_change": r"ST(?:[- ]segments?)?[- ](?:elevation|depression)s?,? (?:or|nor|and|/) (?:elevation|depression)s?|(?:significant )?ST(?:[- ]segments?)?[- ](?:deviations?|shifts?|changes?)|ST[- /]T(?: wave)? (?:changes?|abnormalit(?:y|ies))",
        "t_low": r"low or flat T[- ]?waves?|(?:flattened|low[- ]amplitude) T[- ]?waves?|T[- ]?wave flattening",
        "t_inversion": r"T[- ]?wave inversions?|inversions? of (?:the )?T[- ]?waves?|inverted T[- ]?waves?|TWI\b",
        "st": r"ST(?:[- ]segments?)?|J[- ]point",
        "q_pathological": r"(?:pathologic(?:al)?|significant|abnormal) Q[- ]?waves?",
        "r_prime": rf"R(?:'|′|’| prime){wave}",
        "p": r"P[- ]?waves?|P(?=-|\b)(?! axis)",
        "qrs": r"QRS(?:[- ]?complex(?:es)?)?",
        "q": r"Q[- ]?waves?|\bQ\b",
        "r": r"R[- ]?waves?|\bR\b",
        "s": r"S[- ]?waves?|\bS\b",
        "t": r"T[- ]?waves?|\bT\b",
        "u": r"U[- ]?waves?",
        "pattern": r"(?:rSR'|rsR'|rSr'|rsr'|RSR'|qRs|qRS|QRs|Qrs|qrS|qR|Qr|rS|Rs|RS|rs|QS|qrs)(?:[- ](?:complex(?:es)?|pattern|configuration))?(?![\w'])",
    }
    return [Term("wave", (key,), pattern) for key, pattern in table.items()]


def _words() -> list[Term]:
    table = {
        "inverted": r"inverted|negative|directed downwards?",
        "upright": r"upright|positive",
        "biphasic": r"biphasic|diphasic",
        "flat": r"flat(?:tened)?|low(?:[- ]amplitude)?|isoelectric",
        "tall": r"tall|high|prominent|large",
        "deep": r"deep",
        "wide": r"wide(?:ned)?|broad(?:ened)?",
        "narrow": r"narrow",
        "prolonged": r"prolonged|lengthened|long",
        "short": r"short(?:ened)?",
        "normal": r"(?:with)?in (?:the )?normal (?:limits|range)|normal|unremarkable|physiological",
        "irregular": r"irregularly irregular|irregular",
        "regular": r"regular(?!ly)",
        "upsloping": r"up-?sloping|ascending",
        "downsloping": r"down-?sloping|descending",
        "horizontal": r"horizontal",
        "before_every_qrs": r"(?:before|precede[sd]?|preceding) (?:every|each) QRS(?: complex)?|1:1 (?:AV )?(?:conduction|relation)",
        "tachycardia": r"tachycardi(?:a|c)",
        "bradycardia": r"bradycardi(?:a|c)",
        "normal_ecg": r"normal (?:ECG|electrocardiogram|tracing)|(?:ECG|electrocardiogram) (?:is )?(?:with)?in normal limits",
        "r_progression": r"(?:normal )?R[- ]?(?:wave )?progression",
    }
    return [Term("word", (key,), pattern) for key, pattern in table.items()]


def _marks() -> list[Term]:
    return [
        Term(
            "maybe",
            ("hedge",),
            r"possibl[ey]|probabl[ey]|likely|suspected|suspicious|suspicion of|suggest(?:s|ive of|ing)?|consider|may be|might be|questionable",
        ),
        Term(
            "maybe",
            ("hedge",),
            r"(?:can ?not|could not|can't) be (?:ruled out|excluded)|consistent with|compatible with|borderline|rule out|possibility of",
        ),
        Term(
            "gone",
            ("absent",),
            r"(?:is|are|was|were) (?:not|no longer) (?:seen|present|visible|found|detected|evident|met|identified|recogni[sz]able|fulfilled)",
        ),
        Term(
            "gone", ("absent",), r"(?:is|are|was|were) (?:absent|missing|excluded|lacking)|absent|does not repeat|do not (?:appear|precede)"
        ),
        Term(
            "no",
            ("no",),
            r"no evidence (?:of|for)|no signs? of|absence of|lack of|free of|negative for|without(?: any| evidence of)?|neither|nor|no|not|none",
        ),
        Term("open", ("open",), r"not (?:assess(?:ed|able)|given|measured|measurable|recorded)"),
        Term("paren", ("paren",), r"\("),
        Term(
            "break",
            ("break",),
            r";|\bbut\b|\bhowever\b|\bwhile\b|\bwhereas\b|\balthough\b|\bexcept\b|,? and (?:the|there|an?)\b|[.](?=\s|$)|:(?=\s)|\bwith\b",
        ),
    ]


TERMS: tuple[Term, ...] = tuple(_findings() + _combined_findings() + _quantities() + _waves() + _words() + _marks())


def compiled() -> list[tuple[Term, re.Pattern[str]]]:
    """Every term with its pattern, case ignored except for single letters and patterns of QRS."""
    out = []
    for term in TERMS:
        strict = term.kind == "wave" and term.ids[0] in ("p", "q", "r", "s", "t", "u", "r_prime", "pattern", "qrs")
        flags = re.ASCII if strict else re.ASCII | re.IGNORECASE
        bounded = term.pattern if term.kind in ("break", "paren") else rf"(?<![A-Za-z0-9])(?:{term.pattern})(?![A-Za-z])"
        out.append((term, re.compile(bounded, flags)))
    return out
