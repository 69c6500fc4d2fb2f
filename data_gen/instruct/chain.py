"""Criterion chains: which criterion, is it met, where and with which values, so what (the ECG-Reasoning-Benchmark kind)."""

from data_gen.facts import Facts
from data_gen.instruct.draft import Answer, Draft, Voice
from data_gen.instruct.sentences import NOUNS, SECTIONS, ectopy
from gem.knowledge.criterion import All, AnyOf, Evidence, Measure, Node, Outcome, Scene
from gem.knowledge.find import criteria
from gem.knowledge.statement import statements
from gem.report.phrase import OVER_ALL, evidence_phrases, number

_LETTERS = "ABCDE"
_UNCHAINED = ("sinus_rhythm", "sinus_arrhythmia", "electrode_swap", "low_t", "pause", "lvh")
"""Findings whose criterion is a name or a score, not a rule with values."""


def rule_of(key: str) -> str:
    """The criterion in words, without its source's short name and place; "" where the source line holds no rule."""
    words = criteria()[key][0].source.partition(",")[2].strip()
    return words.partition(":")[2].strip() or words.partition(";")[2].strip()


def chain(facts: Facts, voice: Voice) -> Draft | None:
    """Four turns on one diagnosis; as often one that is absent as one that is present."""
    there = [f.id for f in facts.present if f.id not in _UNCHAINED and f.evidence and rule_of(f.id)]
    gone = [f.id for f in facts.absent if f.id not in _UNCHAINED and rule_of(f.id) and failing(f.id, facts) is not None]
    pool = there if there and (not gone or voice.rng.random() < 0.6) else gone
    if not pool:
        return None
    key = voice.one(pool)
    name = statements()[key].text
    steps = [_select(key, name, voice)]
    if key in there:
        finding = facts.findings.by_id[key]
        phrases = evidence_phrases(finding.evidence)
        said = ectopy(facts, voice, key) if key in NOUNS else f"{'; '.join(phrases)}." if phrases else ""
        if not any(c.isdigit() for c in said):
            return None
        steps += [(voice.say("ask.met"), Answer(voice.one(("Yes", "Yes.")), asserts=((0, f"There is {name}."),)))]
        steps += [(voice.say("ask.where"), Answer(said)), (voice.say("ask.decide"), Answer(voice.say("decide.yes", what=name)))]
    else:
        evidence = failing(key, facts)
        said = f"{OVER_ALL[evidence.name]} {number(float(evidence.value), evidence.unit)}." if evidence else ""
        steps += [(voice.say("ask.met"), Answer(voice.one(("No", "No.")), asserts=((0, f"There is no {name}."),)))]
        steps += [(voice.say("ask.where"), Answer(said)), (voice.say("ask.decide"), Answer(voice.say("decide.no", what=name)))]
    return Draft("chain", tuple(steps), meta={"findings": [key], "holds": key in there})


def _select(key: str, name: str, voice: Voice) -> tuple[str, Answer]:
    """The right criterion among four of the same family."""
    family = next((keys for keys in SECTIONS.values() if key in keys), ())
    known = [other for other in criteria() if other not in _UNCHAINED and rule_of(other) not in ("", rule_of(key))]
    near, far = [other for other in known if other in family], [other for other in known if other not in family]
    texts = list(dict.fromkeys(rule_of(other) for other in (*voice.mixed(near), *voice.mixed(far))))[:4]
    options = voice.mixed([rule_of(key), *texts])
    lines = "\n".join(f"{_LETTERS[k]}. {text}" for k, text in enumerate(options))
    letter = _LETTERS[options.index(rule_of(key))]
    return f"{voice.say('ask.criterion', what=name)}\n{lines}", Answer(f"{letter}. {rule_of(key)}", knowledge=True)


def failing(key: str, facts: Facts) -> Evidence | None:
    """A measurement over all leads by which an absent finding fails, or None."""

    def no_reference(_: str) -> Outcome:
        return Outcome(None)

    return _failing(criteria()[key][0].when, Scene(facts.measured, no_reference))


def _failing(node: Node, scene: Scene) -> Evidence | None:
    if isinstance(node, Measure) and node.lead is None and node.measure in OVER_ALL:
        m = scene.measured.get(node.measure)
        outcome = node.judge(scene)
        return outcome.evidence[0] if outcome.holds is False and m.value is not None and not m.doubt else None
    if isinstance(node, All):
        return next((found for part in node.all if (found := _failing(part, scene))), None)
    if isinstance(node, AnyOf) and len(node.any) == 1:
        return _failing(node.any[0], scene)
    return None
