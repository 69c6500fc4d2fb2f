"""Refusals: the recording cannot be read, the value cannot be measured, the question is not for an ECG."""

from data_gen.facts import Facts
from data_gen.instruct.draft import Answer, Draft, Voice
from data_gen.instruct.measuring import OVER_ALL

_THINGS = (
    "blood pressure", "ejection fraction", "serum potassium", "troponin level", "body temperature", "oxygen saturation", "name",
    "medication", "cholesterol level", "blood group", "kidney function", "smoking history",
)  # fmt: skip
_MEASURED = ("pr_interval", "p_duration", "p_axis", "qt_interval", "qtc_bazett", "t_axis")


def unreadable(why: str, voice: Voice) -> Draft:
    """The whole recording is refused, with the reasons of its quality."""
    text = voice.say("refuse.unreadable", why=why)
    return Draft("refusal", ((voice.say("ask.unreadable"), Answer(text, known=(text,))),), meta={"why": "quality"})


def unanswerable(facts: Facts, voice: Voice) -> Draft:
    """A question that no ECG answers."""
    thing = voice.one(_THINGS)
    text = voice.say("refuse.thing", thing=thing)
    return Draft("refusal", ((voice.say("ask.unanswerable", thing=thing), Answer(text, known=(text,))),), meta={"why": "not on an ECG"})


def refusal(facts: Facts, voice: Voice) -> Draft:
    """A value that is absent, or a lead that is not usable, where there is one; else a question for another test."""
    absent = [(OVER_ALL[name], m.absent) for name in _MEASURED if (m := facts.measured.get(name)).absent]
    bad = [(lead, q.reasons[0]) for lead, q in facts.measured.quality.per_lead.items() if not q.ok and q.reasons]
    if bad and voice.rng.random() < 0.6:
        lead, why = voice.one(bad)
        question = voice.say("ask.measure.lead", what="R wave", lead=lead, unit="mV")
        text = voice.say("refuse.value", what=f"R wave in {lead}", why=why)
    elif absent:
        (what, unit), reason = voice.one(absent)
        question, text = voice.say("ask.measure", what=what, unit=unit), voice.say("refuse.value", what=what, why=str(reason))
    else:
        return unanswerable(facts, voice)
    return Draft("refusal", ((question, Answer(text, known=(text,))),), meta={"why": "not measurable"})
