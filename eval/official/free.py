"""Free texts beside a reference text: likeness of words here, sense by a judge (`eval.judge`) afterwards, over the log of the run."""

from collections.abc import Sequence
from typing import Any, ClassVar

from eval.metric import Metric, mean
from eval.official import words
from eval.official.sets import OfficialSet, text_of
from eval.sample import Answer, Sample, Score, scored, unparsed
from gem.conversation import DataClass

LIKENESS = ("strict.rouge_l", "strict.token_f1", "strict.meteor_exact", "strict.bleu4", "strict.exact")


class FreeText(OfficialSet):
    """One free text.

    rubrics     names of the judge's rubrics that the set is defined by (see eval/judge/)
    data_class  of its texts: credentialed ones go to a judge on an allow-listed host only
    """

    keys: ClassVar[tuple[str, ...]] = LIKENESS
    rubrics: ClassVar[tuple[str, ...]] = ()
    data_class: ClassVar[DataClass] = "open"

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        self.check(sample)
        return likeness([text_of(one) for one in answers], [joined(turn.reference) for turn in sample.turns])

    def metrics(self) -> dict[str, Metric]:
        return {key: mean(key) for key in LIKENESS if key != "strict.bleu4"} | {"strict.bleu4": words.corpus_bleu("strict.bleu4")}


def joined(reference: str | tuple[str, ...]) -> str:
    """A reference as one text."""
    return reference if isinstance(reference, str) else ", ".join(reference)


def likeness(texts: Sequence[str], references: Sequence[str]) -> dict[str, Score]:
    """Keys of `LIKENESS`, the mean over turns; an answer without a word is its own outcome and worth 0."""
    found = [words.bits(text, reference) for text, reference in zip(texts, references, strict=True)]
    out = {}
    for key in LIKENESS:
        name = key.removeprefix("strict.")
        if name == "bleu4":
            rows: list[Any] = [one["bleu"] for one in found]
            parsed: Any = {"bleu": [sum(column) for column in zip(*rows, strict=True)]}
            value = words.bleu_of_sums(parsed["bleu"])
        else:
            values: list[Any] = [one[name] for one in found]
            value, parsed = sum(values) / len(values), None
        out[key] = scored(value, parsed) if any(text.strip() for text in texts) else unparsed("an empty answer", value, parsed)
    return out
