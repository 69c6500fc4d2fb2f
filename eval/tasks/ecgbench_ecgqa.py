"""ECGBench, ECG-QA: every option that applies (1,317 pictures); three published scorers, of which no two mean the same."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from eval.metric import Metric, mean
from eval.official import compat, figures, strict
from eval.official.options import listed, meant
from eval.official.rows import Row
from eval.official.sets import OfficialSet, text_of
from eval.sample import Answer, Sample, Score, Turn, scored, unparsed


class BenchEcgQa(OfficialSet):
    """compat.pulse: sets, capitals never found; compat.gem: sets of characters; gem_baseline: both. strict: sets of whole options."""

    name = "ecgbench_ecgqa"
    version = "1"
    about = "ECG-QA as in ECGBench, every option that applies (1,317 pictures)"
    download: ClassVar[str] = "the config ecgqa-test of PULSE-ECG/ECGBench (Hugging Face; parquet is read too, see eval/README.md)"
    file: str = "ECGBench/ecgqa-test.json"
    keys = ("strict.accuracy", "compat.pulse", "compat.gem", "compat.gem_baseline")

    def turns(self, row: Row) -> Iterable[Turn]:
        for turn in super().turns(row):
            yield turn.model_copy(update={"options": listed(turn.question)})

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        self.check(sample)
        turn, text = sample.turns[0], text_of(answers[0])
        said, true = strict.chosen(text, turn.options), meant(turn.reference, turn.options)
        parsed = {"predicted": sorted(said), "reference": sorted(true)}
        return {
            "strict.accuracy": scored(said == true, parsed) if said else unparsed("no option in the answer", 0.0, parsed),
            "compat.pulse": scored(compat.ecgqa_pulse(turn.question, text, turn.reference)),
            "compat.gem": scored(compat.ecgqa_gem(turn.question, text, turn.reference)),
            "compat.gem_baseline": scored(compat.ecgqa_gem(turn.question, text, turn.reference, baseline=True)),
        }

    def metrics(self) -> dict[str, Metric]:
        return {key: mean(key) for key in self.keys} | {"strict.unparsed": figures.unparsed_rate("strict.accuracy")}
