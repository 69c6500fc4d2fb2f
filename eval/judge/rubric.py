"""What a judge is asked about a text, the form of its verdict, and what a verdict comes to in figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

Fold = Literal["share", "sum", "of_12_leads", "of_24_points", "as_is", "times_10"]
Variant = Literal["plain", "swapped", "padded"]
FILLER = (
    " This text describes the recording that was shown. It was written for the reader who asked for it."
    " The recording was looked at as a whole before the text was written."
)
"""Sentences that say nothing; a judge that likes an answer better with them likes length."""


@dataclass(frozen=True)
class Criterion:
    """One question to the judge.

    name   as published, so that figures can be set beside theirs
    many   a list of entries with a score each (one a diagnosis, feature or lead), or one score
    top    the highest score; the lowest is 0
    asks   what is asked, in our words
    fold   the published way from the scores of one text to one number (sources: see rubrics.py)
    """

    name: str
    many: bool
    top: int
    asks: str
    fold: Fold

    def published(self, scores: Sequence[float]) -> float:
        """As published; an empty list is 0 there."""
        if self.fold == "share":  # 1 and 2 count the same
            return 100 * sum(score > 0 for score in scores) / len(scores) if scores else 0.0
        total = float(sum(scores))
        if self.fold == "of_12_leads":
            return min(total, 12.0) / 12 * 100
        if self.fold == "of_24_points":  # not clipped: more than 12 leads give more than 100
            return total / 24 * 100
        return total * 10 if self.fold == "times_10" else total

    def bounded(self, scores: Sequence[float]) -> float | None:
        """0 to 100 of what was to be had, so that a longer list is not worth more; None where the judge listed nothing."""
        return 100 * sum(scores) / (self.top * len(scores)) if scores else None


@dataclass(frozen=True)
class Rubric:
    """name, version (up whenever a word changes), where it is from, what the judge is, and its criteria.

    mean_of  criteria whose mean is the published total, () for none
    """

    name: str
    version: str
    source: str
    intro: str
    criteria: tuple[Criterion, ...]
    mean_of: tuple[str, ...] = ()

    @cached_property
    def form(self) -> type[BaseModel]:
        """The verdict: every criterion with its score or list of scores, each with a reason."""
        strict = ConfigDict(extra="forbid", frozen=True)
        fields: dict[str, Any] = {}
        for criterion in self.criteria:
            score = (int, Field(ge=0, le=criterion.top))
            if criterion.many:
                entry = create_model(f"{criterion.name}Entry", __config__=strict, about=(str, ...), score=score, why=(str, ...))
                fields[criterion.name] = (list[entry], Field(max_length=60))  # type: ignore[valid-type]
            else:
                fields[criterion.name] = (create_model(f"{criterion.name}Score", __config__=strict, score=score, why=(str, ...)), ...)
        return create_model(f"{self.name}_verdict", __config__=strict, **fields)

    def messages(self, question: str, reference: str, answer: str, variant: Variant = "plain") -> tuple[tuple[str, str], ...]:
        """What the judge reads. Variants for the checks of bias: the answer before the reference, or the answer with `FILLER`."""
        said = answer + FILLER if variant == "padded" else answer
        blocks = [_block("reference", reference), _block("answer", said)]
        asks = [f"- {one.name}: {self._scale(one)}. {one.asks}" for one in self.criteria]
        text = "\n\n".join(
            [
                "Criteria:\n" + "\n".join(asks),
                _block("question", question),
                *(reversed(blocks) if variant == "swapped" else blocks),
                f"Judge the answer by the reference.\n{self._shape()}",
            ]
        )
        return (("system", self.intro), ("user", text))

    @staticmethod
    def _scale(one: Criterion) -> str:
        if one.many:
            return f"a list, each entry with a score of {', '.join(map(str, range(one.top + 1)))}"
        return f"one whole number from 0 to {one.top}"

    def _shape(self) -> str:
        """The JSON in words, for servers that do not hold a model to a schema."""
        entries = [
            f'"{one.name}": [{{"about": "...", "score": 0, "why": "..."}}, ...]'
            if one.many
            else f'"{one.name}": {{"score": 0, "why": "..."}}'
            for one in self.criteria
        ]
        return "Reply with one JSON object of exactly this form and nothing else:\n{" + ", ".join(entries) + "}"

    def scores(self, verdict: Mapping[str, Any]) -> dict[str, list[float]]:
        """Criterion -> its scores, one or several."""
        return {
            one.name: [float(entry["score"]) for entry in (verdict[one.name] if one.many else [verdict[one.name]])] for one in self.criteria
        }


def _block(name: str, text: str) -> str:
    """A text between marks that it cannot close itself: what stands inside is material, whatever it says."""
    return f"<{name}>\n{text.replace('</', '< /')}\n</{name}>"
