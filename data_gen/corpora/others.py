"""MIMIC-IV-ECG, CODE-15 %, LUDB and PTB, each in the layout in which it is published."""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from data_gen.corpora.challenge import comments
from data_gen.corpora.record import Record, age_of, needed, sex_of
from gem.conversation import Origin
from gem.errors import ConfigError
from gem.report.claim import read_claims

_CODE15 = {
    "1dAVb": ("av_block_1",), "RBBB": ("rbbb",), "LBBB": ("lbbb",), "SB": ("sinus_bradycardia",), "ST": ("sinus_tachycardia",),
    "AF": ("atrial_fibrillation",),
}  # fmt: skip
CODE15_COVERS = frozenset(key for keys in _CODE15.values() for key in keys)
_LUDB = {
    "sinus rhythm": ("sinus_rhythm",), "sinus bradycardia": ("sinus_bradycardia", "sinus_rhythm"),
    "sinus tachycardia": ("sinus_tachycardia", "sinus_rhythm"), "sinus arrhythmia": ("sinus_arrhythmia", "sinus_rhythm"),
    "atrial fibrillation": ("atrial_fibrillation",), "atrial flutter, typical": ("atrial_flutter",),
    "electric axis of the heart: left axis deviation": ("left_axis",),
    "electric axis of the heart: right axis deviation": ("right_axis",),
    "incomplete right bundle branch block": ("rbbb_incomplete",), "complete right bundle branch block": ("rbbb",),
    "incomplete left bundle branch block": ("lbbb_incomplete",), "complete left bundle branch block": ("lbbb",),
    "left anterior hemiblock": ("lafb",), "i degree av block": ("av_block_1",), "iii degree av-block": ("av_block_3",),
    "non-specific intravintricular conduction delay": ("ivcd",), "left ventricular hypertrophy": ("lvh", "lvh_voltage"),
    "right ventricular hypertrophy": ("rvh",), "left atrial hypertrophy": ("left_atrial",), "left atrial overload": ("left_atrial",),
    "right atrial overload": ("right_atrial",), "early repolarization syndrome": ("early_repolarisation",),
    "pacemaker presence, undefined": ("paced_ventricular", "paced_atrial"), "unipolar ventricular pacing": ("paced_ventricular",),
    "bipolar ventricular pacing": ("paced_ventricular",), "biventricular pacing": ("paced_ventricular",),
    "unipolar atrial pacing": ("paced_atrial",),
}  # fmt: skip
_LUDB_STARTS = {"ventricular extrasystole": ("premature_ventricular",), "atrial extrasystole": ("premature_atrial",)}
_LUDB_STARTS |= {"stemi:": ("stemi_inferior", "stemi_anterior", "stemi_lateral", "st_elevation")}
_LUDB_STARTS |= {"scar formation": ("q_inferior", "q_anteroseptal", "q_anterior", "q_lateral")}
_LUDB_STARTS |= {"ischemia:": ("st_depression", "t_inversion"), "undefined ischemia": ("st_depression", "t_inversion")}
_LUDB_STARTS |= {"non-specific repolarization": ("st_depression", "t_inversion", "low_t")}
LUDB_COVERS = frozenset(key for table in (_LUDB, _LUDB_STARTS) for keys in table.values() for key in keys)
_PTB = {"inferior": ("q_inferior", "stemi_inferior"), "infero": ("q_inferior", "stemi_inferior"), "lateral": ("q_lateral", "stemi_lateral")}
_PTB |= {"antero": ("q_anterior", "q_anteroseptal", "stemi_anterior"), "anterior": ("q_anterior", "q_anteroseptal", "stemi_anterior")}
_PTB |= {"bundle branch": ("rbbb", "lbbb"), "hypertrophy": ("lvh", "lvh_voltage", "rvh"), "posterior": ("stemi_posterior",)}
PTB_COVERS: frozenset[str] = frozenset()
"""PTB's diagnoses are of the patient, not read off the trace: what it does not name is not denied."""
MIMIC_COVERS: frozenset[str] = frozenset()
"""A cart names what it finds; what it leaves out is not denied."""


def mimic(folder: Path, base: Path) -> Iterator[Record]:
    """MIMIC-IV-ECG 1.0: record_list.csv and machine_measurements.csv, whose columns report_0 to report_17 are the cart's statements."""
    what = "MIMIC-IV-ECG needs record_list.csv and machine_measurements.csv"
    said: dict[str, list[str]] = {}
    with needed(folder / "machine_measurements.csv", what).open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            said[row["study_id"]] = [text for k in range(18) if (text := (row.get(f"report_{k}") or "").strip())]
    with needed(folder / "record_list.csv", what).open(encoding="utf-8", newline="") as stream:
        for row in _columns(stream, folder / "record_list.csv", ("subject_id", "study_id", "path")):
            lines = said.get(row["study_id"], [])
            report = " ".join(f"{line.rstrip('.')}." for line in lines)
            yield Record(
                id=f"mimic/{row['study_id']}",
                corpus="mimic",
                path=(folder / row["path"]).relative_to(base).as_posix(),
                patient=f"mimic/{row['subject_id']}",
                codes={line: _claimed(line) for line in lines},
                normal=any(line.lower().rstrip(".") == "normal ecg" for line in lines) if lines else None,
                report=report,
                english=report,
                author=Origin(kind="machine", name="MIMIC-IV-ECG cart"),
                licence="ODbL 1.0 (MIMIC-IV-ECG, doi 10.13026/4nqg-sb35)",
                data_class="credentialed",  # the waveforms are open; they name patients of MIMIC-IV, whose data are not
            )


def _claimed(line: str) -> tuple[str, ...]:
    """Findings that a line of a device asserts."""
    claims = [c for c in read_claims(line) if c.kind == "finding" and not c.negated]
    return tuple(dict.fromkeys(key for claim in claims for key in claim.subject))


def code15(folder: Path, base: Path) -> Iterator[Record]:
    """CODE-15 % (doi 10.5281/zenodo.4916206): exams.csv, and exams_partN.hdf5 with `exam_id` and `tracings` [N, 4096, 12] at 400 Hz."""
    from data_gen.corpora.hdf5 import rows_of

    index = needed(folder / "exams.csv", "CODE-15 % needs exams.csv and its exams_part*.hdf5")
    places = {exam: (name, row) for name in sorted(p.name for p in folder.glob("*.hdf5")) for exam, row in rows_of(folder / name)}
    with index.open(encoding="utf-8", newline="") as stream:
        for row in _columns(stream, index, ("exam_id", "patient_id", "age", "is_male", *_CODE15)):
            name, place = places.get(row["exam_id"], (row.get("trace_file") or "", None))
            if place is None:
                continue  # a part that was not downloaded
            said = [code for code in _CODE15 if row[code].lower() == "true"]
            yield Record(
                id=f"code15/{row['exam_id']}",
                corpus="code15",
                path=(folder / name).relative_to(base).as_posix(),
                row=place,
                patient=f"code15/{row['patient_id']}",
                age=age_of(row["age"]),
                sex="male" if row["is_male"].lower() == "true" else "female",
                codes={code: _CODE15[code] for code in said},
                normal=row.get("normal_ecg", "").lower() == "true" if row.get("normal_ecg") else None,
                author=Origin(kind="clinician", name="CODE-15 %"),
                licence="CC BY 4.0 (CODE-15 %, doi 10.5281/zenodo.4916206)",
                data_class="open",
            )


def ludb(folder: Path, base: Path) -> Iterator[Record]:
    """LUDB 1.0.1: ludb.csv, records in data/."""
    index = needed(folder / "ludb.csv", "LUDB needs ludb.csv beside its folder data")
    with index.open(encoding="utf-8", newline="") as stream:
        for row in _columns(stream, index, ("ID", "Sex", "Age", "Rhythms")):
            texts = [line.strip() for key, cell in row.items() if key not in ("ID", "Sex", "Age") for line in cell.split("\n")]
            path = folder / "data" / row["ID"].strip()
            yield Record(
                id=f"ludb/{path.name}",
                corpus="ludb",
                path=path.relative_to(base).as_posix(),
                patient=f"ludb/{path.name}",
                age=age_of(row["Age"].strip().lstrip(">")),
                sex=sex_of(row["Sex"]),
                codes={text: _ludb(text.lower()) for text in texts if text},
                author=Origin(kind="clinician", name="LUDB", version="1.0.1"),
                licence="ODC-BY 1.0 (LUDB, doi 10.13026/eegm-h675)",
                data_class="open",
            )


def _ludb(text: str) -> tuple[str, ...]:
    return _LUDB.get(text) or next((keys for start, keys in _LUDB_STARTS.items() if text.startswith(start)), ())


def ptb(folder: Path, base: Path) -> Iterator[Record]:
    """PTB Diagnostic ECG Database 1.0.0: patientNNN/sNNNN.hea with "Reason for admission" and the infarction's place."""
    headers = sorted(folder.glob("patient*/*.hea"))
    if not headers:
        raise ConfigError(f"{folder}: no patient*/*.hea below it; PTB is one folder a patient")
    for header in headers:
        facts = comments(header)
        names = {key: facts.get(key, "") for key in ("reason for admission", "acute infarction (localization)")}
        names |= {"former infarction (localization)": facts.get("former infarction (localization)", "")}
        codes = {text: _ptb(text.lower()) for text in names.values() if text and text.lower() not in ("no", "n/a", "unknown")}
        path = header.with_suffix("")
        yield Record(
            id=f"ptb/{path.name}",
            corpus="ptb",
            path=path.relative_to(base).as_posix(),
            patient=f"ptb/{header.parent.name}",
            age=age_of(facts.get("age")),
            sex=sex_of(facts.get("sex")),
            codes=codes,
            normal=re.search("healthy control", names["reason for admission"], re.IGNORECASE) is not None,
            author=Origin(kind="clinician", name="PTB", version="1.0.0"),
            licence="ODC-BY 1.0 (PTB, doi 10.13026/C28C71)",
            data_class="open",
        )


def _ptb(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for word, keys in _PTB.items() if word in text for key in keys))


def _columns(stream: Iterator[str], path: Path, wanted: tuple[str, ...]) -> Iterator[Mapping[str, str]]:
    """Rows of a CSV. Raises `ConfigError` when a column is missing."""
    reader = csv.DictReader(stream)
    missing = [name for name in wanted if name not in (reader.fieldnames or [])]
    if missing:
        raise ConfigError(f"{path}: column {', '.join(missing)} is needed, but it has {', '.join(reader.fieldnames or [])}")
    for row in reader:
        yield {key: value or "" for key, value in row.items() if key}
