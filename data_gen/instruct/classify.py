"""Questions with a closed answer: yes or no, one of several, all that apply, a gap to fill."""

from collections.abc import Sequence

from data_gen.facts import Facts
from data_gen.instruct.draft import Answer, Draft, Voice
from data_gen.instruct.measuring import OVER_ALL
from data_gen.instruct.sentences import RHYTHMS, SECTIONS, rhythm_name, value_of
from gem.knowledge.find import Finding
from gem.knowledge.statement import statements

LETTERS = "ABCDEFGH"
SETS: dict[str, dict[str, tuple[str, ...]]] = {
    "CODE-15": {
        "1dAVb (first-degree AV block)": ("av_block_1",),
        "RBBB (right bundle branch block)": ("rbbb",),
        "LBBB (left bundle branch block)": ("lbbb",),
        "SB (sinus bradycardia)": ("sinus_bradycardia",),
        "ST (sinus tachycardia)": ("sinus_tachycardia",),
        "AF (atrial fibrillation)": ("atrial_fibrillation",),
    },
    "CPSC 2018": {
        "AF (atrial fibrillation)": ("atrial_fibrillation",),
        "I-AVB (first-degree AV block)": ("av_block_1",),
        "LBBB (left bundle branch block)": ("lbbb",),
        "RBBB (right bundle branch block)": ("rbbb",),
        "PAC (premature atrial complexes)": ("premature_atrial",),
        "PVC (premature ventricular complexes)": ("premature_ventricular",),
        "STD (ST depression)": ("st_depression", "stemi_posterior"),
        "STE (ST elevation)": ("st_elevation", "stemi_inferior", "stemi_anterior", "stemi_lateral"),
    },
    "PTB-XL": {
        "MI (myocardial infarction)": (
            "q_inferior", "q_anteroseptal", "q_anterior", "q_lateral", "stemi_inferior", "stemi_anterior", "stemi_lateral",
            "stemi_posterior",
        ),
        "STTC (ST-T changes)": ("st_depression", "t_inversion", "low_t"),
        "CD (conduction disturbance)": (
            "av_block_1", "av_block_2_mobitz_1", "av_block_2_mobitz_2", "av_block_2_to_1", "av_block_3", "pre_excitation", "rbbb", "lbbb",
            "rbbb_incomplete", "lbbb_incomplete", "ivcd", "lafb", "lpfb",
        ),
        "HYP (hypertrophy)": ("lvh", "lvh_voltage", "rvh", "left_atrial", "right_atrial"),
    },
}  # fmt: skip
"""Label sets of the benchmarks (benchmarks.md); a label holds when one of its findings does."""
_NONE = "none of these"
_RANGES = {
    "heart_rate": (("below 60 bpm", 0, 60), ("60 to 100 bpm", 60, 100), ("above 100 bpm", 100, 400)),
    "pr_interval": (("below 120 ms", 0, 120), ("120 to 200 ms", 120, 200), ("above 200 ms", 200, 600)),
    "qrs_lead_median": (("below 110 ms", 0, 110), ("110 to 120 ms", 110, 120), ("above 120 ms", 120, 400)),
    "qtc_bazett": (("below 360 ms", 0, 360), ("360 to 450 ms", 360, 450), ("above 450 ms", 450, 900)),
}
"""Limits of the statements: Mason 2007, Surawicz 2009, Rautaharju 2009 (gem/knowledge/criteria)."""
_CLEAR = {"bpm": 5.0, "ms": 12.0}
"""A value this near to a limit fits two options within the tolerance of the ruler, so it is not asked for."""


def _askable(facts: Facts) -> list[Finding]:
    return [f for f in facts.present if f.id != "sinus_rhythm" or rhythm_name(facts) == "sinus rhythm"]


def _denied(facts: Facts) -> list[Finding]:
    return [f for f in facts.absent if f.id not in ("electrode_swap", "pause")]


def verify_question(facts: Facts, voice: Voice) -> Draft | None:
    """Yes or no, as often the one as the other; an absent finding is drawn from the family of a present one where there is one."""
    yes = bool(facts.present) and voice.rng.random() < 0.5
    if yes:
        finding = voice.one(facts.present)
        options, sentence = ("Yes", "Yes."), f"This ECG shows {finding.text}."
    else:
        hard = _hard(facts, 6)
        if not hard:
            return None
        finding = voice.one(hard)
        options, sentence = ("No", "No."), f"This ECG shows no {finding.text}."
    short = Answer(voice.one(options), asserts=((0, sentence),))
    long = Answer(f"{options[0]}. {sentence}", asserts=((0, sentence),))
    return Draft("close-ended", ((voice.say("ask.verify", what=finding.text), voice.one((short, long))),), meta={"findings": [finding.id]})


def _hard(facts: Facts, count: int, near: Sequence[str] = ()) -> list[Finding]:
    """Absent findings, those of the sections of what is present (or of `near`) first."""
    there = set(near) or {f.id for f in facts.present}
    families = [set(keys) for keys in SECTIONS.values() if there & set(keys)]
    return sorted(_denied(facts), key=lambda f: not any(f.id in family for family in families))[:count]


def mcq(facts: Facts, voice: Voice) -> Draft | None:
    """One present finding among 3 to 7 absent ones of its family; every wrong option is denied by the trace and by nobody asserted."""
    right = voice.one(_askable(facts)) if _askable(facts) else None
    if right is None:
        return None
    others = [f for f in _hard(facts, 12, (right.id,)) if not (f.id in RHYTHMS and right.id in RHYTHMS and f.id == "sinus_rhythm")]
    wrong = voice.some(others, voice.one((3, 4, 7)))
    if len(wrong) < 3:
        return None
    asserts = tuple((0, f"No {f.text}.") for f in wrong)
    return _options(voice, voice.say("ask.choice"), right.text, [f.text for f in wrong], f"There is {right.text}.", asserts, right.id)


def _options(
    voice: Voice, question: str, right: str, wrong: list[str], sentence: str, more: tuple[tuple[int, str], ...], about: str
) -> Draft:
    """A question with lettered options; what is verified is that the right one holds and the others do not."""
    texts = voice.mixed([right, *wrong])
    lines = "\n".join(f"{LETTERS[k]}. {text}" for k, text in enumerate(texts))
    letter = LETTERS[texts.index(right)]
    answer = Answer(voice.one((letter, f"{letter}. {right}", f"The answer is {letter}. {right}")), asserts=((0, sentence), *more))
    return Draft("mcq", ((f"{question}\n{lines}", answer),), meta={"findings": [about], "options": len(texts)})


def range_question(facts: Facts, voice: Voice) -> Draft | None:
    """The range of a value, none where it lies near a limit."""
    clear = []
    for name, ranges in _RANGES.items():
        m = facts.measured.get(name)
        if m.value is None or m.doubt:
            continue
        gap = _CLEAR[m.unit]
        clear += [(name, text, ranges) for text, low, high in ranges if low + gap <= m.value <= high - gap]
    if not clear:
        return None
    name, right, ranges = voice.one(clear)
    what, value = OVER_ALL[name][0], value_of(facts, name)
    sentence = f"The {what} is {value}."
    wrong = [text for text, _, _ in ranges if text != right]
    return _options(voice, voice.say("ask.range", what=what), right, wrong, sentence, ((0, f"The {what} is {right}."),), name)


def multi_label(facts: Facts, voice: Voice) -> Draft | None:
    """All labels of a benchmark's set that hold; a set with a label on which labels and trace disagree is not asked."""
    name = voice.one(list(SETS))
    holds, asserts = [], []
    for label, keys in SETS[name].items():
        there = [f for f in facts.present if f.id in keys]
        if there:
            holds.append(label)
            asserts.append((0, f"There is {there[0].text}."))
        elif facts.denies(*keys):
            asserts.append((0, f"There is no {statements()[keys[0]].text}."))
        else:
            return None
    options = [*SETS[name], "NORM (normal ECG)" if name == "PTB-XL" else _NONE]
    if not holds:
        if name == "PTB-XL" and not facts.record.normal:
            return None
        holds = [options[-1]]
    question = voice.say("ask.labels", options=", ".join(options))
    return Draft("multi-label", ((question, Answer("; ".join(holds), asserts=tuple(asserts))),), meta={"set": name})


def fill(facts: Facts, voice: Voice) -> Draft | None:
    """A sentence with its value or finding taken out."""
    known = [key for key in OVER_ALL if value_of(facts, key)]
    if known and voice.rng.random() < 0.5:
        name = voice.one(known)
        what, value = OVER_ALL[name][0], str(value_of(facts, name))
        return _gap(voice, f"The {what} is {value}.", value, {"measured": name})
    choices = _askable(facts)
    if not choices:
        return None
    finding = voice.one(choices)
    return _gap(
        voice, voice.one((f"This ECG shows {finding.text}.", f"The trace has {finding.text}.")), finding.text, {"findings": [finding.id]}
    )


def _gap(voice: Voice, sentence: str, gap: str, meta: dict[str, object]) -> Draft:
    question = voice.say("ask.fill", sentence=sentence.replace(gap, "____", 1))
    return Draft("fill-in", ((question, Answer(voice.one((gap, sentence)), asserts=((0, sentence),))),), meta=meta)


def choice(facts: Facts, voice: Voice) -> Draft | None:
    return voice.one((mcq, mcq, range_question))(facts, voice)
