"""Where: leads with a finding, the lead with the largest wave, the numbers of premature beats."""

from data_gen.facts import Facts
from data_gen.instruct.draft import Answer, Draft, Voice, capital
from data_gen.instruct.sentences import NOUNS, beats_of
from gem.ecg.lead import STANDARD
from gem.report.phrase import leads_listed, listed, number
from gem.report.tolerance import tolerance_of

_SHOWN = {
    "st_elevation": "ST elevation", "st_depression": "ST depression", "t_inversion": "T wave inversion",
    "q_inferior": "pathological Q waves", "q_lateral": "pathological Q waves", "low_t": "low or flat T waves",
    "stemi_inferior": "ST elevation", "stemi_lateral": "ST elevation",
}  # fmt: skip
"""Findings whose leads can be named, in words that the ruler reads lead by lead."""
_EXTREMES = {"r_amplitude": ("tallest", "R wave", 1), "s_amplitude": ("deepest", "S wave", -1), "t_amplitude": ("tallest", "T wave", 1)}


def locate_finding(facts: Facts, voice: Voice) -> Draft | None:
    """Leads of a finding, as a list or as a sentence."""
    found = [f for f in facts.present if f.id in _SHOWN and f.leads]
    if not found:
        return None
    finding = voice.one(found)
    what, leads = _SHOWN[finding.id], finding.leads
    sentence = f"{capital(what)} in {leads_listed(leads)}."
    bare = "/".join(f"lead {lead}" for lead in leads)
    answer = Answer(sentence) if voice.rng.random() < 0.5 else Answer(bare, asserts=((0, sentence),))
    question = voice.say("ask.leads", what=f"{what} ({_territory(finding.id)})" if _territory(finding.id) else what)
    return Draft("locate lead", ((question, answer),), meta={"findings": [finding.id], "leads": list(leads)})


def _territory(key: str) -> str:
    return next((name for name in ("inferior", "lateral") if key.endswith(name)), "")


def locate_extreme(facts: Facts, voice: Voice) -> Draft | None:
    """The lead with the largest wave, where it leads by more than the ruler's tolerance."""
    name = voice.one(list(_EXTREMES))
    which, what, sign = _EXTREMES[name]
    values = {lead: sign * m.value for lead in STANDARD if (m := facts.measured.get(name, lead)).value is not None and not m.doubt}
    ordered = sorted(values, key=lambda lead: -values[lead])
    if len(ordered) < 8 or values[ordered[0]] - values[ordered[1]] <= 2 * tolerance_of(name).width(values[ordered[0]]):
        return None
    lead = ordered[0]
    sentence = f"{what} of {number(values[lead], 'mV')} in {lead}."
    second = f"{what} of {number(values[ordered[1]], 'mV')} in {ordered[1]}."
    long = Answer(f"It is lead {lead}: {sentence}", asserts=((0, sentence), (0, second)))
    short = Answer(f"Lead {lead}", asserts=((0, sentence), (0, second)))
    question = voice.say("ask.extreme", which=which, what=what)
    return Draft("locate lead", ((question, voice.one((long, short))),), meta={"leads": [lead]})


def locate_beats(facts: Facts, voice: Voice) -> Draft | None:
    """Numbers of the premature beats."""
    found = [key for key in NOUNS if facts.has(key) and beats_of(facts, key)]
    if not found:
        return None
    key = voice.one(found)
    beats, noun = beats_of(facts, key), f"{NOUNS[key][0]}es"
    numbers = listed([str(beat) for beat in beats])
    named = f"Beat{'s' if len(beats) > 1 else ''} {numbers}"
    sentence = f"{capital(NOUNS[key][0] if len(beats) == 1 else noun)} ({named.lower()})."
    answer = voice.one((Answer(named, asserts=((0, sentence),)), Answer(sentence)))
    return Draft("locate beat", ((voice.say("ask.beats", what=noun), answer),), meta={"findings": [key], "beats": beats})


def locate(facts: Facts, voice: Voice) -> Draft | None:
    return voice.one((locate_finding, locate_finding, locate_extreme))(facts, voice)
