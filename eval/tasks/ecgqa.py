"""ECG-QA (Oh et al., arXiv 2306.15681): every question type, on one recording or two, from its own files."""

import ast
import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from eval.metric import Metric, mean
from eval.official import compat, figures, rows, strict
from eval.official.options import meant
from eval.official.sets import Folder, likeliest, text_of
from eval.sample import Answer, Ecg, Picture, Sample, Score, Turn, needed, scored, unparsed
from gem.errors import ConfigError
from gem.image.scene import Scene

DOWNLOAD = "github.com/Jwoo5/ecg-qa (CC BY 4.0)"


class EcgQa(Folder):
    """The options are the classes of the question's template, as ECG-QA's own baselines have them.

    folder     ecgqa/ptbxl or ecgqa/mimic-iv-ecg as published
    ptbxl      folder with PTB-XL's records and index.csv; for MIMIC-IV-ECG a row's own `ecg_path` is taken, below `records`
    show       signals, or pages drawn of them
    soft       also ask how likely each option is
    """

    name = "ecgqa"
    version = "1"
    about = "ECG-QA, all question types, one recording or two"
    keys = ("strict.accuracy", "strict.soft_accuracy", "compat.ecgqa", "compat.pulse", "compat.gem")
    folder: str = "ecgqa/ptbxl"
    form: Literal["paraphrased", "template"] = "paraphrased"
    split: Literal["train", "valid", "test"] = "valid"
    ptbxl: str = "ptbxl"
    records: str = ""
    show: Literal["signal", "picture", "both"] = "signal"
    soft: bool = False
    question_types: tuple[str, ...] = ()

    def samples(self, data: Path) -> Iterable[Sample]:
        top = data / self.folder
        classes = _classes(needed(top / "answers_for_each_template.csv", DOWNLOAD, str(top)))
        index = rows.ptbxl_index(data / self.ptbxl / "index.csv")
        for row in rows.rows(self._raw(top / self.form / self.split), ("sample_id",)):
            if not self.question_types or row.raw.get("question_type") in self.question_types:
                yield self._sample(row, classes, index)

    def _raw(self, folder: Path) -> Iterable[dict[str, Any]]:
        needed(folder, DOWNLOAD, str(folder))
        files = sorted(folder.glob("*.json"))
        if not files:
            raise ConfigError(f"{folder}: has no .json file; download {DOWNLOAD} and put them there")
        for path in files:
            yield from rows.read_file(path, DOWNLOAD)

    def _sample(self, row: rows.Row, classes: Mapping[int, tuple[str, ...]], index: Mapping[int, Mapping[str, str]]) -> Sample:
        raw = row.raw
        meta: dict[str, Any] = {key: raw.get(key) for key in ("question_type", "attribute_type", "template_id")}
        try:
            ids, question = [int(one) for one in raw["ecg_id"]], str(raw["question"])
            options = classes[int(raw["template_id"])]
            reference = tuple(map(str, raw["answer"]))
        except (KeyError, TypeError, ValueError) as fault:
            return Sample(id=row.id, turns=(Turn(question="(broken row)"),), meta=meta | {"broken": f"the row lacks {fault}"})
        people = [rows.who(index, one) for one in ids]
        # Two recordings of two people: the sample goes with the first; the bootstrap cannot draw it with both.
        meta |= people[0] | ({"second": people[1]["record"]} if len(people) > 1 else {})
        ecgs = tuple(self._ecg(k, one, raw, index) for k, one in enumerate(ids))
        pictures = tuple(Picture(ecg=one, scene=Scene()) for one in ecgs) if self.show != "signal" else ()
        turn = Turn(
            question=prompt(question, options, str(raw.get("question_type"))),
            options=options,
            reference=reference,
            ask="both" if self.soft else "text",
        )
        shown = ecgs if self.show != "picture" else ()
        return Sample(id=row.id, turns=(turn,), ecgs=shown, pictures=pictures, record=ecgs[0] if len(ecgs) == 1 else None, meta=meta)

    def _ecg(self, place: int, ecg_id: int, raw: Mapping[str, Any], index: Mapping[int, Mapping[str, str]]) -> Ecg:
        """Where a recording lies; one that the folder lacks keeps its published name and fails when it is read."""
        mapped = raw.get("ecg_path")
        if isinstance(mapped, list) and len(mapped) > place:
            return Ecg(path=str(Path(self.records) / f"{mapped[place]}.hea"))
        known = index.get(ecg_id)
        if known is None:
            return Ecg(path=str(Path(self.ptbxl) / f"records500/{ecg_id // 1000 * 1000:05d}/{ecg_id:05d}_hr.hea"))
        sex = known.get("sex")
        path = str(Path(self.ptbxl) / f"{known['path']}.hea")
        return Ecg.model_validate({"path": path, "age": rows.age_of(known), "sex": sex if sex in ("female", "male") else None})

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        if "broken" in sample.meta:
            raise rows.BrokenRow(str(sample.meta["broken"]))
        turn, text = sample.turns[0], text_of(answers[0])
        said, true = strict.chosen(text, turn.options), meant(turn.reference or ("none",), turn.options)
        parsed = {"predicted": sorted(said), "reference": sorted(true)}
        best = likeliest(turn, answers[0], "")
        if best.value is not None:
            chosen = turn.options[max(range(len(turn.options)), key=(answers[0].likelihoods or ()).__getitem__)]
            best = scored(true == {chosen}, {"predicted": [chosen], "reference": sorted(true)})
        return {
            "strict.accuracy": scored(said == true, parsed) if said else unparsed("no option in the answer", 0.0, parsed),
            "strict.soft_accuracy": best,
            "compat.ecgqa": scored(compat.ecgqa_llm(turn.options, text, turn.reference)),
            "compat.pulse": scored(compat.ecgqa_pulse(turn.question, text, turn.reference)),
            "compat.gem": scored(compat.ecgqa_gem(turn.question, text, "".join(turn.reference))),
        }

    def metrics(self) -> dict[str, Metric]:
        return {key: mean(key) for key in self.keys} | {"strict.unparsed": figures.unparsed_rate("strict.accuracy")}

    def strata(self) -> tuple[str, ...]:
        return ("question_type", "attribute_type", *super().strata())


def prompt(question: str, options: Sequence[str], question_type: str) -> str:
    """As published: options after "Options:", "None" added unless it is a yes-or-no question, the fixed last sentence."""
    more = [] if question_type.endswith("-verify") or "none" in options else ["None"]
    return f"Question: {question}\nOptions: {', '.join([*options, *more])}\n\n{compat.FIXED_SUFFIX}"


def _classes(path: Path) -> dict[int, tuple[str, ...]]:
    """Template -> its answer classes. Raises `ConfigError`."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return {int(row["template_id"]): tuple(ast.literal_eval(row["classes"])) for row in csv.DictReader(stream)}
    except (KeyError, ValueError, SyntaxError, json.JSONDecodeError) as fault:
        raise ConfigError(f"{path}: columns template_id and classes are needed; download {DOWNLOAD} again") from fault
