"""Two ECGs: what differs, verified on each recording by itself."""

from data_gen.facts import Facts
from data_gen.instruct.draft import Answer, Draft, Voice
from data_gen.instruct.measuring import OVER_ALL
from data_gen.instruct.sentences import RHYTHMS, rhythm_name, value_of
from gem.report.phrase import number
from gem.report.tolerance import tolerance_of

_COMPARED = ("heart_rate", "pr_interval", "qrs_lead_median", "qt_interval", "qrs_axis", "sokolow_lyon")
_TIMES = ("pr_interval", "qrs_lead_median", "qt_interval")


def comparison(first: Facts, second: Facts, voice: Voice) -> Draft | None:
    """One difference, or all of them, with what each recording must show for it to be true."""
    if voice.rng.random() < 0.4:
        return _one_value(first, second, voice)
    said: list[str] = []
    asserts: list[tuple[int, str]] = []
    names = [rhythm_name(facts) for facts in (first, second)]
    if names[0] and names[1] and names[0] != names[1]:
        said.append(f"The first ECG shows {names[0]}, the second {names[1]}.")
        asserts += [(k, f"There is {name}.") for k, name in enumerate(names)]
    for name in _COMPARED:
        values = [value_of(facts, name) for facts in (first, second)]
        if values[0] and values[1]:
            what = OVER_ALL[name][0]
            said.append(f"The {what} is {values[0]} in the first and {values[1]} in the second ECG{_judged(first, second, name)}.")
            asserts += [(k, f"The {what} is {value}.") for k, value in enumerate(values)]
    for k, (facts, other, words) in enumerate(((first, second, "first"), (second, first, "second"))):
        only = [f for f in facts.present if other.denies(f.id) and f.id not in RHYTHMS]
        for finding in voice.some(only, 3):
            said.append(f"Only the {words} ECG shows {finding.text}.")
            asserts += [(k, f"There is {finding.text}."), (1 - k, f"There is no {finding.text}.")]
    if len(said) < 2:
        return None
    same = first.record.patient == second.record.patient
    return Draft("compare", ((voice.say("ask.compare"), Answer(" ".join(said), asserts=tuple(asserts))),), meta={"same_patient": same})


def _judged(first: Facts, second: Facts, name: str) -> str:
    """ ", unchanged within what two readings differ" or nothing."""
    a, b = (facts.measured.get(name).value or 0.0 for facts in (first, second))
    apart = abs((a - b + 180) % 360 - 180) if name.endswith("axis") else abs(a - b)
    return ", no clear change" if apart <= tolerance_of(name).width(a) else ""


def _one_value(first: Facts, second: Facts, voice: Voice) -> Draft | None:
    """The longer of two intervals, where the difference is more than the ruler's tolerance."""
    name = voice.one(_TIMES)
    measured = [facts.measured.get(name) for facts in (first, second)]
    if any(m.value is None or m.doubt for m in measured):
        return None
    a, b = (round(m.value or 0.0) for m in measured)
    what, apart = OVER_ALL[name][0], abs(a - b)
    asserts = tuple((k, f"The {what} is {number(v, 'ms')}.") for k, v in enumerate((a, b)))
    known: tuple[str, ...] = ()
    if apart <= tolerance_of(name).width(a):
        text = f"There is no clear difference: the {what} is {a} ms in the first and {b} ms in the second ECG."
    else:
        text = f"The {'first' if a > b else 'second'}, by {apart} ms: the {what} is {a} ms in the first and {b} ms in the second ECG."
        known = (f"{apart} ms",)
    return Draft(
        "compare", ((voice.say("ask.compare.value", what=what), Answer(text, asserts=asserts, known=known)),), meta={"measured": name}
    )
