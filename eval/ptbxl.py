"""PTB-XL as samples: which recordings of which folds, what is known of each, and how findings map to its five superclasses."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.corpus import ptbxl
from eval.sample import Ecg, Picture, Sample, Turn, needed, sex_of
from gem.image.scene import Scene

INDEX = "PTB-XL 1.0.3 (https://physionet.org/content/ptb-xl/1.0.3/) with an index.csv as in the data folder's README"

SUPER = {
    "NORM": "normal ECG",
    "MI": "myocardial infarction",
    "STTC": "ST/T change",
    "CD": "conduction disturbance",
    "HYP": "hypertrophy",
}
"""The five diagnostic superclasses (Wagner et al. 2020, scp_statements.csv)."""

FINDINGS = {
    "MI": (
        "q_inferior", "q_anteroseptal", "q_anterior", "q_lateral", "stemi_inferior", "stemi_anterior", "stemi_lateral", "stemi_posterior",
    ),
    "STTC": ("st_depression", "t_inversion", "low_t", "long_qt"),
    "CD": (
        "av_block_1", "av_block_2_mobitz_1", "av_block_2_mobitz_2", "av_block_2_to_1", "av_block_3", "pre_excitation", "rbbb",
        "rbbb_incomplete", "lbbb", "lbbb_incomplete", "ivcd", "lafb", "lpfb",
    ),
    "HYP": ("lvh", "lvh_voltage", "rvh", "left_atrial", "right_atrial"),
}  # fmt: skip
"""Which of our findings say a superclass: by the diagnostic_class of the SCP statements they stand for."""

NOISE = {
    "baseline_drift": "baseline drift",
    "static_noise": "static noise",
    "burst_noise": "burst noise",
    "electrodes_problems": "electrode problems",
}


CARDIOLOGISTS = "PTB-XL, cardiologists"


@dataclass(frozen=True)
class Record:
    """A recording of PTB-XL: how it is named, read, and what is known of it (`meta` as in `Sample.meta`)."""

    id: str
    ecg: Ecg
    labels: tuple[str, ...]
    scp: tuple[str, ...]
    report: str
    meta: dict[str, Any]

    def sample(self, turns: Sequence[Turn], page: str | None, reference: Sequence[str] = (), author: str = CARDIOLOGISTS) -> Sample:
        """Turns about the signal and, where a layout is named, its page."""
        pages = () if page is None else (Picture(ecg=self.ecg, scene=Scene(layout=page)),)
        return Sample(
            id=self.id, turns=tuple(turns), ecgs=(self.ecg,), pictures=pages, record=self.ecg,
            reference=list(reference) or None, author=author, meta=self.meta,
        )  # fmt: skip


def records(data: Path, folds: Sequence[int], labelled: bool = False, fs: int | None = None, scp: bool = False) -> Iterator[Record]:
    """Recordings of these folds in the order of the index.

    labelled  only those with a superclass
    scp       only those with SCP statements
    fs        only those of this rate, Hz

    Raises `ConfigError` that says what to download where the index is missing.
    """
    needed(data / "ptbxl" / "index.csv", INDEX, "$GEM_DATA/ptbxl/")
    with (data / "ptbxl" / "index.csv").open(encoding="utf-8", newline="") as stream:
        extra = list(csv.DictReader(stream))
    for row, more in zip(ptbxl(data), extra, strict=True):
        labels = tuple(name for name in SUPER if name in more["super_class"].split("|"))
        if row.fold not in folds or (labelled and not labels) or (scp and not row.scp) or (fs and int(float(more["fs"])) != fs):
            continue
        path = row.path.relative_to(data).as_posix()
        noise = [name for column, name in NOISE.items() if more[column].strip(" ,")]
        meta = {
            "patient": row.patient,
            "fold": row.fold,
            "age": row.age,
            "sex": row.sex,
            "device": " ".join(more["device"].split()),
            "noise": noise or ["none noted"],
            "statements": sorted(row.scp),
            "labels": list(labels),
            "source": "ptbxl",
        }
        ecg = Ecg(path=f"{path}.hea" if not path.endswith(".hea") else path, age=row.age, sex=sex_of(row.sex))
        yield Record(Path(path).stem, ecg, labels, tuple(sorted(row.scp)), row.report, meta)


def held_for_ecgqa(data: Path) -> frozenset[str]:
    """Patients that ECG-QA validates or tests on: the joint split trains on none of them."""
    ids = set()
    for name in ("valid", "test"):
        path = needed(data / "ecgqa" / "ptbxl" / f"{name}_ecgs.tsv", "ECG-QA's lists", "$GEM_DATA/ecgqa/ptbxl/")
        ids |= {line.split()[-1] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()}
    with (data / "ptbxl" / "index.csv").open(encoding="utf-8", newline="") as stream:
        return frozenset(row["patient_id"] for row in csv.DictReader(stream) if row["ecg_id"] in ids)
