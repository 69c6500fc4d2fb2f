"""What the tasks on published files have in common: where the files lie, what is shown, and the two ways of scoring."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from eval.metric import Metric, macro_auroc, mean
from eval.official import compat, figures, rows, strict
from eval.official.rows import Row
from eval.sample import Answer, Ecg, Picture, Sample, Score, Turn, scored, unparsed, unscored
from eval.task import Task
from gem.errors import ConfigError

NO_LIKELIHOODS = "the model gives no likelihoods, or the recipe does not ask for them (soft: true)"


class OfficialSet(Task):
    """A set of questions in one published file.

    file     the file, below the data folder or absolute (.json, .jsonl or .parquet, as published)
    images   folder that the names of pictures are relative to
    signals  folder that the names of signals (`ecg`, WFDB without ending) are relative to
    show     what the model is shown; nothing: to score answers that are in a file already, without the pictures
    soft     also ask how likely the model finds each option (models with likelihoods only; slower)
    """

    download: ClassVar[str] = ""
    file: str
    images: str = "ECGBench/images"
    signals: str = "ecg_timeseries"
    show: Literal["picture", "signal", "both", "nothing"] = "picture"
    soft: bool = False

    def rows(self, data: Path) -> Iterable[Row]:
        return rows.rows(rows.read_file(data / self.file, self.download))

    def samples(self, data: Path) -> Iterable[Sample]:
        index = rows.ptbxl_index(data / "ptbxl" / "index.csv")
        for row in self.rows(data):
            yield self.sample(row, index)

    def sample(self, row: Row, index: Mapping[int, Mapping[str, str]]) -> Sample:
        """One row as a sample; a row that cannot be asked becomes one that says why when it is scored."""
        meta: dict[str, Any] = {}
        record = rows.ptbxl_record(rows.picture_of(row.raw)) or rows.ptbxl_record(rows.signal_of(row.raw))
        if record is not None:
            meta |= rows.who(index, record)
        try:
            asked = tuple(self.turns(row))
            shown = self.shown(row.raw)
        except rows.BrokenRow as fault:
            return Sample(id=row.id, turns=(Turn(question="(broken row)"),), meta=meta | {"broken": str(fault)})
        return Sample(id=row.id, turns=asked, meta=meta | self.more_meta(row), author=self.author(), **shown)

    def turns(self, row: Row) -> Iterable[Turn]:
        """The questions of a row. Raises `BrokenRow`."""
        question, reference = rows.turns(row.raw)[0]
        yield Turn(question=question, reference=kept(reference))

    def more_meta(self, row: Row) -> dict[str, Any]:
        return {}

    def author(self) -> str:
        return ""

    def shown(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """`pictures` and `ecgs` of a row, by `show`. Raises `ConfigError` for a file without signals, `BrokenRow` for a row without."""
        picture, signal = rows.picture_of(raw), rows.signal_of(raw)
        out: dict[str, Any] = {}
        if self.show == "nothing":
            return {}
        if self.show != "signal":
            if picture is None:
                raise rows.BrokenRow("the row names no picture")
            out["pictures"] = (Picture(path=str(Path(self.images) / picture)),)
        if self.show != "picture":
            if signal is None:
                raise ConfigError(
                    f"{self.file}: row {raw.get('id')} names no signal (`ecg`), which `show: {self.show}` needs;"
                    " the files with signals are those of GEM (huggingface.co/datasets/LANSG/ECG-Grounding, folder ecg_bench)"
                )
            out["ecgs"] = (Ecg(path=f"{Path(self.signals) / signal}.hea"),)
        return out

    def check(self, sample: Sample) -> None:
        """Raises `BrokenRow` for a row that could not be asked."""
        if "broken" in sample.meta:
            raise rows.BrokenRow(str(sample.meta["broken"]))


def kept(reference: Any) -> str | tuple[str, ...]:
    """A reference with the type it was published with: text, or a list of texts."""
    return tuple(map(str, reference)) if isinstance(reference, list | tuple) else str(reference if reference is not None else "")


def text_of(answer: Answer) -> str:
    return answer.text or ""


class MultiLabel(OfficialSet):
    """Several labels at once. compat: substrings, "AUC" of hard answers. strict: whole terms, denial, real AUROC from likelihoods."""

    keys: ClassVar[tuple[str, ...]] = ("strict.exact", "strict.soft", "compat.exact")
    terms: ClassVar[strict.Terms] = {}
    spoken: ClassVar[Mapping[str, str]] = {}
    """Label -> words, for the question by which its likelihood is asked."""

    def predicted(self, text: str) -> list[str]:
        """As published."""
        raise NotImplementedError

    def reference(self, text: str) -> list[str]:
        """As published."""
        raise NotImplementedError

    def turns(self, row: Row) -> Iterable[Turn]:
        yield from super().turns(row)
        for label in self.spoken if self.soft else ():
            question = f"Does this ECG show {self.spoken[label]}? Answer Yes or No."
            yield Turn(question=question, options=("Yes", "No"), ask="likelihood", alone=True, meta={"label": label})

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        self.check(sample)
        gold = str(sample.turns[0].reference)
        text = text_of(answers[0])
        published, true = self.predicted(text), self.reference(gold)
        out = {"compat.exact": scored(set(published) == set(true), {"predicted": published, "reference": true})}
        meant = strict.labels(gold, self.terms) or true
        said = strict.labels(text, self.terms)
        parsed = {"predicted": said or [], "reference": meant}
        if said is None:
            out["strict.exact"] = unparsed("no label in the answer", 0.0, parsed)
        else:
            out["strict.exact"] = scored(set(said) == set(meant), parsed)
        out["strict.soft"] = self._soft(sample, answers, meant)
        return out

    def _soft(self, sample: Sample, answers: Sequence[Answer], meant: list[str]) -> Score:
        soft = {turn.meta["label"]: share(answer.likelihoods) for turn, answer in zip(sample.turns[1:], answers[1:], strict=True)}
        if not soft or any(value is None for value in soft.values()):
            return unscored(NO_LIKELIHOODS)
        right = sum((value > 0.5) == (label in meant) for label, value in soft.items() if value is not None)
        return scored(right / len(soft), {"soft": soft, "reference": meant})

    def metrics(self) -> dict[str, Metric]:
        return {
            "strict.macro_f1": figures.macro_f1("strict.exact"),
            "strict.exact": mean("strict.exact"),
            "strict.hamming_loss": figures.hamming_loss("strict.exact", tuple(self.terms)),
            "strict.unparsed": figures.unparsed_rate("strict.exact"),
            "strict.macro_auroc": macro_auroc("strict.soft", tuple(self.spoken)),
            "compat.macro_f1": figures.macro_f1("compat.exact"),
            "compat.hard_auc": figures.hard_auc("compat.exact"),
            "compat.hamming_loss": figures.hamming_loss("compat.exact"),
        }


def share(likelihoods: Sequence[float] | None) -> float | None:
    """Probability of the first of two options, or None without likelihoods."""
    if likelihoods is None or len(likelihoods) != 2:
        return None
    return 1 / (1 + math.exp(min(700.0, max(-700.0, likelihoods[1] - likelihoods[0]))))


class Choice(OfficialSet):
    """Lettered options. compat: the published order of looking, dice for the rest. strict: the option in the place of the answer."""

    keys: ClassVar[tuple[str, ...]] = ("strict.accuracy", "strict.soft_accuracy", "compat.accuracy")
    letters: ClassVar[tuple[str, ...]] = compat.LETTERS
    whole_reference: ClassVar[bool] = False
    """Whether the published script compares with the whole reference instead of its first character."""

    def turns(self, row: Row) -> Iterable[Turn]:
        for turn in super().turns(row):
            options = strict.options_of(turn.question)
            listed = tuple(f"{key}. {text}" for key, text in options.items())
            yield turn.model_copy(update={"options": listed, "ask": "both" if self.soft and listed else "text"})

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        self.check(sample)
        turn, text = sample.turns[0], text_of(answers[0])
        gold = str(turn.reference)
        if not gold:
            raise rows.BrokenRow("the row has no reference answer")
        read = compat.letter(text)
        parsed = {"letter": read, "reference": gold if self.whole_reference else gold[0]}
        if read is None:
            published = unparsed("the published script throws dice here", 0.0, parsed)
        else:
            published = scored(read == parsed["reference"], parsed)
        options = strict.options_of(turn.question)
        true = gold.strip()[:1]
        said = strict.letter(text, options)
        parsed = {"letter": said, "reference": true}
        meant = unparsed("no single option in the answer", 0.0, parsed) if said is None else scored(said == true, parsed)
        return {"compat.accuracy": published, "strict.accuracy": meant, "strict.soft_accuracy": likeliest(turn, answers[0], true)}

    def metrics(self) -> dict[str, Metric]:
        return {
            "strict.accuracy": mean("strict.accuracy"),
            "strict.unparsed": figures.unparsed_rate("strict.accuracy"),
            "strict.soft_accuracy": mean("strict.soft_accuracy"),
            "compat.accuracy": figures.dice_accuracy("compat.accuracy", self.letters),
        }


def likeliest(turn: Turn, answer: Answer, reference: str) -> Score:
    """Whether the option that the model finds likeliest begins with the reference."""
    if not answer.likelihoods or len(answer.likelihoods) != len(turn.options):
        return unscored(NO_LIKELIHOODS)
    best = max(range(len(turn.options)), key=answer.likelihoods.__getitem__)
    return scored(turn.options[best].startswith(reference), {"letter": turn.options[best][:1], "likelihoods": list(answer.likelihoods)})


class Folder(Task):
    """Base of sets that lie in a folder of several files."""

    folder: str = Field(description="below the data folder, or absolute")
