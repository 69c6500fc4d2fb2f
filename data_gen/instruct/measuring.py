"""Questions whose answer is a number: over all leads, in one lead, of one beat."""

from data_gen.facts import Facts
from data_gen.instruct.draft import Answer, Draft, Voice
from data_gen.instruct.sentences import beat_value, value_of
from gem.ecg.lead import STANDARD
from gem.report.phrase import number

OVER_ALL = {
    "heart_rate": ("heart rate", "bpm"),
    "pr_interval": ("PR interval", "ms"),
    "qrs_lead_median": ("QRS duration", "ms"),
    "qt_interval": ("QT interval", "ms"),
    "qtc_bazett": ("QTc (Bazett)", "ms"),
    "qtc_fridericia": ("QTc (Fridericia)", "ms"),
    "p_duration": ("P wave duration", "ms"),
    "qrs_axis": ("QRS axis", "degrees"),
    "t_axis": ("T axis", "degrees"),
    "p_axis": ("P axis", "degrees"),
    "sokolow_lyon": ("Sokolow-Lyon index", "mV"),
    "cornell": ("Cornell index", "mV"),
}
IN_LEAD = {
    "r_amplitude": ("R wave", "mV"),
    "s_amplitude": ("S wave", "mV"),
    "t_amplitude": ("T wave", "mV"),
    "p_amplitude": ("P wave", "mV"),
    "qrs_duration": ("QRS duration", "ms"),
    "qt_interval": ("QT interval", "ms"),
    "r_peak_time": ("R peak time", "ms"),
}
OF_BEAT = {"pr_interval": ("PR interval", "ms"), "qt_interval": ("QT interval", "ms"), "qrs_duration": ("QRS duration", "ms")}
OF_BEAT |= {"t_amplitude": ("T wave", "mV"), "p_amplitude": ("P wave", "mV")}


def answered(voice: Voice, what: str, value: str, where: str = "") -> Answer:
    """The bare value, or a sentence; what is verified is the sentence."""
    sentence = f"The {what}{where} is {value}."
    bare = f"{value[:1].upper()}{value[1:]}{voice.one(('', '.'))}"
    return Answer(sentence) if voice.rng.random() < 0.5 else Answer(bare, asserts=((0, sentence),))


def measure_global(facts: Facts, voice: Voice) -> Draft | None:
    known = [name for name in OVER_ALL if value_of(facts, name)]
    if not known:
        return None
    name = voice.one(known)
    (what, unit), value = OVER_ALL[name], value_of(facts, name)
    return Draft("measure", ((voice.say("ask.measure", what=what, unit=unit), answered(voice, what, str(value))),), meta={"measured": name})


def measure_lead(facts: Facts, voice: Voice) -> Draft | None:
    name, lead = voice.one(list(IN_LEAD)), voice.one(STANDARD)
    what, unit = IN_LEAD[name]
    m = facts.measured.get(name, lead)
    value = value_of(facts, name, lead, size=name == "s_amplitude")
    if m.value is None or value is None or (unit == "mV" and abs(m.value) < 0.03):
        return None
    ask = voice.say("ask.measure.lead", what=what, lead=lead, unit=unit)
    return Draft("measure", ((ask, answered(voice, what, value, f" in lead {lead}")),), meta={"measured": name, "leads": [lead]})


def measure_beat(facts: Facts, voice: Voice) -> Draft | None:
    name, lead = voice.one(list(OF_BEAT)), voice.one(STANDARD)
    beat = voice.rng.randint(1, max(1, len(facts.measured.kinds)))
    found = beat_value(facts, name, lead, beat)
    if found is None:
        return None
    what, unit = OF_BEAT[name]
    ask = voice.say("ask.measure.beat", what=what, lead=lead, beat=beat)
    answer = answered(voice, what, number(found, unit), f" of beat {beat} in lead {lead}")
    return Draft("measure beat", ((ask, answer),), meta={"measured": name, "leads": [lead], "beats": [beat]})


def measure(facts: Facts, voice: Voice) -> Draft | None:
    return voice.one((measure_global, measure_global, measure_lead))(facts, voice)
