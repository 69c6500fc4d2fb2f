"""Long answers: grounded interpretation, six-step protocol, report, open questions, dialogue."""

from data_gen.facts import Facts
from data_gen.instruct import sentences as say
from data_gen.instruct.draft import Answer, Draft, Voice
from gem.ecg.lead import STANDARD

STEPS = (
    "Step 1, quality, rate and rhythm",
    "Step 2, conduction, intervals and axis",
    "Step 3, chambers",
    "Step 4, ischaemia",
    "Step 5, repolarisation",
    "Step 6, conclusion",
)


def grounded(facts: Facts, voice: Voice) -> Draft:
    """An interpretation that names leads, beats and values (GEM's ECG-Grounding kind)."""
    parts = [
        say.rhythm(facts, voice),
        voice.mixed([*say.intervals(facts, voice), *say.axis(facts, voice)]),
        say.section(facts, voice, "conduction"),
        say.section(facts, voice, "chambers"),
        say.section(facts, voice, "ischaemia"),
        say.section(facts, voice, "qt"),
    ]
    body = [parts[0], *(voice.mixed(parts[1:]) if voice.rng.random() < 0.4 else parts[1:])]
    looks = voice.mixed(_looks(facts, voice, voice.rng.randint(3, 7)))
    place = voice.rng.choice((1, len(body)))
    text = [s for part in (*body[:place], looks, *body[place:]) for s in part]
    known = (say.quality(facts, voice),)
    text = [*(known if voice.rng.random() < 0.6 else ()), *text, *_end(facts, voice)]
    return Draft("grounded", ((voice.say("ask.grounded"), Answer(" ".join(text), known=known)),), free=True)


def _looks(facts: Facts, voice: Voice, count: int) -> list[str]:
    """Features of single leads and beats, no lead twice in one way."""
    leads = [lead for lead in voice.mixed(STANDARD) if lead in facts.measured.per_lead]
    found = [say.lead_sentence(facts, voice, lead) for lead in leads[:count]]
    found += [say.beat_sentence(facts, voice) for _ in range(2)]
    return list(dict.fromkeys(text for text in found if text))


def _end(facts: Facts, voice: Voice) -> list[str]:
    end = say.conclusion(facts, voice)
    return [end] if end else []


def protocol(facts: Facts, voice: Voice) -> Draft:
    """Six steps, one paragraph each."""
    known = (say.quality(facts, voice),)
    ischaemia = say.section(facts, voice, "ischaemia", 4)
    qt = [*(text for text in say.intervals(facts, voice) if "QT" in text), *say.section(facts, voice, "qt")]
    steps = (
        [*known, *say.rhythm(facts, voice)],
        [*(t for t in say.intervals(facts, voice) if "QTc" not in t), *say.axis(facts, voice), *say.section(facts, voice, "conduction")],
        say.section(facts, voice, "chambers", 4),
        ischaemia,
        qt,
        _end(facts, voice),
    )
    text = "\n".join(f"{name}: {' '.join(said)}" for name, said in zip(STEPS, steps, strict=True) if said)
    return Draft("protocol", ((voice.say("ask.protocol"), Answer(text, known=known)),), free=True)


def report(facts: Facts, voice: Voice) -> Draft:
    """A short report, as a clinician would sign it."""
    parts = [*say.rhythm(facts, voice)[:2], *say.intervals(facts, voice), *say.axis(facts, voice)]
    for name in ("conduction", "chambers", "ischaemia", "qt"):
        parts += say.section(facts, voice, name, 2)
    return Draft("report", ((voice.say("ask.report"), Answer(" ".join([*parts, *_end(facts, voice)]))),), free=True)


def open_question(facts: Facts, voice: Voice) -> Draft | None:
    """A question without options, answered in a few sentences."""
    kinds = ("open.rhythm", "open.conduction", "open.axis", "open.st")
    kind = voice.one(("open", *kinds) if facts.complete else kinds)
    said = {
        "open": lambda: [*[say.stated(facts, voice, f) for f in facts.present if f.id not in say.RHYTHMS][:4], *_end(facts, voice)],
        "open.rhythm": lambda: say.rhythm(facts, voice),
        "open.conduction": lambda: [*say.intervals(facts, voice)[:2], *say.section(facts, voice, "conduction")],
        "open.axis": lambda: _axis(facts, voice),
        "open.st": lambda: [*say.section(facts, voice, "ischaemia", 4), *_tst(facts, voice)],
    }[kind]()
    return Draft("open", ((voice.say(f"ask.{kind}"), Answer(" ".join(said))),), free=True) if said else None


def _axis(facts: Facts, voice: Voice) -> list[str]:
    named = [f.text for f in facts.present if f.id in ("left_axis", "right_axis", "extreme_axis")]
    out = say.axis(facts, voice) + [voice.say("finding.alone", finding=name) for name in named]
    if out and facts.denies("left_axis", "right_axis", "extreme_axis"):
        out.append(voice.say("none", list="axis deviation"))
    return out


def _tst(facts: Facts, voice: Voice) -> list[str]:
    """T waves of two leads."""
    out = []
    for lead in voice.some([lead for lead in STANDARD if lead != "aVR"], 2):
        m = facts.measured.get("t_amplitude", lead)
        if m.value is not None and abs(m.value) >= 0.1 and not m.doubt and (m.value > 0 or "t_inversion" not in facts.disputed):
            word, value = ("upright" if m.value > 0 else "inverted"), say.value_of(facts, "t_amplitude", lead)
            out.append(voice.say("lead.t", word=word, value=value, lead=lead))
    return out


def dialogue(facts: Facts, voice: Voice) -> Draft | None:
    """Three to five turns on one ECG: rhythm, a value, a place, a refusal where one is due, the conclusion."""
    from data_gen.instruct.locate import locate_finding
    from data_gen.instruct.measuring import measure_global, measure_lead
    from data_gen.instruct.refuse import unanswerable

    first = say.rhythm(facts, voice)
    if not first:
        return None
    pairs = [(voice.say("ask.open.rhythm"), Answer(" ".join(first)))]
    middle = [measure_global(facts, voice), measure_lead(facts, voice), locate_finding(facts, voice), unanswerable(facts, voice)]
    pairs += [pair for draft in voice.some(voice.mixed([d for d in middle if d]), 3) for pair in draft.pairs]
    if end := say.conclusion(facts, voice):
        pairs.append((voice.say("ask.open"), Answer(end)))
    return Draft("dialogue", tuple(pairs)) if len(pairs) >= 3 else None
