"""ECG-Reasoning-Benchmark (arXiv 2603.14326): chains of questions with the true answers as history; published models complete under 6 %."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from eval.metric import Metric, mean, ratio
from eval.official import reasoning, rows
from eval.official.sets import text_of
from eval.sample import Answer, Ecg, Picture, Sample, Score, Turn, scored, unparsed
from eval.task import Task
from gem.image.scene import Scene

NAMES = {
    "criterion_selection": "criterion", "finding_identification": "finding", "lead_grounding": "lead", "wave_grounding": "wave",
    "measurement_grounding": "measurement", "diagnostic_decision": "decision",
}  # fmt: skip


class EcgReasoning(Task):
    """file: ptbxl.jsonl or mimic_iv_ecg.jsonl; records: folder with `records500/` of PTB-XL, or `files/` of MIMIC-IV-ECG."""

    name = "ecg_reasoning"
    version = "1"
    about = "ECG-Reasoning-Benchmark: criterion, finding, leads, waves, measurement, decision"
    keys = tuple(
        f"{scoring}.{key}" for scoring in ("strict", "compat") for key in ("ida", "completion_hard", "completion_soft", "depth", "gt_rda")
    )
    file: str = "ecg_reasoning/ptbxl.jsonl"
    records: str = "ptbxl"
    show: Literal["signal", "picture", "both"] = "signal"

    def samples(self, data: Path) -> Iterable[Sample]:
        index = rows.ptbxl_index(data / self.records / "index.csv")
        download = "Jwoo5/ECG-Reasoning-Benchmark (Hugging Face or GitHub, release 0.0.2 or later; 0.0.1 gave the first answer away)"
        for number, raw in enumerate(rows.read_file(data / self.file, download)):
            about = raw.get("metadata") if isinstance(raw.get("metadata"), dict) else {}
            named = {"id": about.get("id", f"{about.get('data_source')}-{about.get('target_dx')}-{about.get('ecg_id')}-{number}")}
            yield self._sample(str(named["id"]), raw, dict(about), index)

    def _sample(self, name: str, raw: Any, about: dict[str, Any], index: Any) -> Sample:
        meta: dict[str, Any] = {key: about.get(key) for key in ("data_source", "target_dx", "dx_label", "path_idx")}
        try:
            turns = reasoning.turns_of(raw["data"])
            path, who = self._record(about, index)
        except (KeyError, TypeError, ValueError, rows.BrokenRow) as fault:
            return Sample(id=name, turns=(Turn(question="(broken row)"),), meta=meta | {"broken": str(fault)})
        if not turns[0].reference:  # release 0.0.1 says it in dx_label only
            turns[0] = turns[0].model_copy(update={"reference": "Yes" if about.get("dx_label") else "No"})
        ecg = Ecg(path=path)
        pictures = (Picture(ecg=ecg, scene=Scene()),) if self.show != "signal" else ()
        shown = (ecg,) if self.show != "picture" else ()
        return Sample(id=name, turns=tuple(turns), ecgs=shown, pictures=pictures, record=ecg, meta=meta | who)

    def _record(self, about: dict[str, Any], index: Any) -> tuple[str, dict[str, Any]]:
        """Path of the recording below the data folder, and whom it is of."""
        if about["data_source"] == "ptbxl":
            ecg_id = int(about["ecg_id"])
            known = index.get(ecg_id)
            name = known["path"] if known else f"records500/{ecg_id // 1000 * 1000:05d}/{ecg_id:05d}_hr"
            return str(Path(self.records) / f"{name}.hea"), rows.who(index, ecg_id)
        patient, study = str(about["subject_id"]), str(about["ecg_id"])
        return str(Path(self.records) / f"files/p{patient[:4]}/p{patient}/s{study}/{study}.hea"), {"patient": patient}

    def score(self, sample: Sample, answers: Sequence[Answer]) -> dict[str, Score]:
        if "broken" in sample.meta:
            raise rows.BrokenRow(str(sample.meta["broken"]))
        texts = [text_of(one) for one in answers]
        published = [reasoning.compat_right(t.meta["stage"], t.reference, text) for t, text in zip(sample.turns, texts, strict=True)]
        said = [reasoning.strict_said(turn, text) for turn, text in zip(sample.turns, texts, strict=True)]
        meant = [reasoning.strict_right(turn, one) for turn, one in zip(sample.turns, said, strict=True)]
        lost = sum(not one for one in said)
        return self._scores("compat", sample, published, 0) | self._scores("strict", sample, meant, lost)

    @staticmethod
    def _scores(scoring: str, sample: Sample, right: list[bool], lost: int) -> dict[str, Score]:
        chain = reasoning.chain_of(sample.turns, right)
        parsed: dict[str, Any] = {"depth": chain.depth, "loops": chain.loops, "right": [int(one) for one in right], "unparsed": lost}
        parsed |= {f"{NAMES[stage]}_hits": count for stage, count in chain.hits.items()}
        parsed |= {f"{NAMES[stage]}_asked": count for stage, count in chain.asked.items()}
        values = {
            "ida": float(chain.ida),
            "completion_hard": float(chain.ida and chain.completed),
            "completion_soft": float(chain.completed),
            "depth": chain.depth / chain.loops if chain.loops else 0.0,
            "gt_rda": float(chain.gt_rda),
        }
        whole = lost == len(sample.turns)
        return {
            f"{scoring}.{key}": unparsed("no option in any answer", 0.0, parsed) if whole else scored(value, parsed)
            for key, value in values.items()
        }

    def metrics(self) -> dict[str, Metric]:
        out: dict[str, Metric] = {}
        for scoring in ("strict", "compat"):
            for key in ("ida", "completion_hard", "completion_soft", "gt_rda"):
                out[f"{scoring}.{key}"] = mean(f"{scoring}.{key}")
            out[f"{scoring}.depth"] = ratio(f"{scoring}.depth", "depth", "loops", percent=False)
            for name in NAMES.values():
                out[f"{scoring}.{name}"] = ratio(f"{scoring}.depth", f"{name}_hits", f"{name}_asked")
        return out

    def strata(self) -> tuple[str, ...]:
        return ("target_dx", "dx_label", *super().strata())
