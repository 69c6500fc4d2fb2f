"""The template writer: facts and a task mix -> drafts, seeded."""

from collections.abc import Callable, Mapping

from data_gen.facts import Facts
from data_gen.instruct.chain import chain
from data_gen.instruct.classify import choice, fill, multi_label, verify_question
from data_gen.instruct.compare import comparison
from data_gen.instruct.draft import Draft, Voice
from data_gen.instruct.interpret import dialogue, grounded, open_question, protocol, report
from data_gen.instruct.locate import locate, locate_beats
from data_gen.instruct.measuring import measure, measure_beat
from data_gen.instruct.refuse import refusal, unreadable

TASKS: dict[str, Callable[[Facts, Voice], Draft | None]] = {
    "grounded": grounded,
    "protocol": protocol,
    "report": report,
    "close-ended": verify_question,
    "multi-label": multi_label,
    "mcq": choice,
    "fill-in": fill,
    "open": open_question,
    "measure": measure,
    "measure beat": measure_beat,
    "locate lead": locate,
    "locate beat": locate_beats,
    "chain": chain,
    "dialogue": dialogue,
    "refusal": refusal,
}
TWO = "compare"
"""The task that needs two recordings."""
_TRIES = 3
"""A task that did not fit by the first draw (a wave that is not there) is drawn again."""


def counts(mix: Mapping[str, float], voice: Voice) -> dict[str, int]:
    """How many samples of each task this record gets: the whole part of its number, and one more by chance for the rest."""
    return {task: int(number) + (voice.rng.random() < number % 1) for task, number in mix.items()}


def drafts(facts: Facts, mix: Mapping[str, float], seed: int) -> list[Draft]:
    """Drafts of one record, all tasks but the comparison."""
    out = []
    for task, number in counts(mix, Voice(f"{seed} {facts.record.id} counts")).items():
        for k in range(number if task in TASKS else 0):
            made = (TASKS[task](facts, Voice(f"{seed} {facts.record.id} {task} {k} {turn}")) for turn in range(_TRIES))
            draft = next((one for one in made if one is not None), None)
            out += [draft] if draft else []
    return out


def comparisons(first: Facts, second: Facts, mix: Mapping[str, float], seed: int) -> list[Draft]:
    """Drafts of two records."""
    name = f"{seed} {first.record.id} {second.record.id}"
    number = counts({TWO: mix.get(TWO, 0.0)}, Voice(f"{name} counts"))[TWO]
    made = [comparison(first, second, Voice(f"{name} {k}")) for k in range(number)]
    return [draft for draft in made if draft]


def refused(why: str, record: str, seed: int) -> list[Draft]:
    """The draft of a record that cannot be read."""
    return [unreadable(why, Voice(f"{seed} {record} unreadable"))]
