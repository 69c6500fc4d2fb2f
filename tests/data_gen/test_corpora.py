"""Corpora in their published layouts -> records, and what their recordings are."""

import json
from pathlib import Path

import numpy as np
import pytest

from data_gen.corpora import COVERS, READERS, open_record
from data_gen.corpora.german import english_of
from data_gen.corpora.record import Record
from gem.ecg.filter import resample
from gem.ecg.lead import STANDARD
from gem.errors import ConfigError, ECGReadError
from gem.knowledge.statement import statements
from tests.data_gen import made_corpora as made


def only(corpus: str, folder: Path, base: Path) -> Record:
    (found,) = READERS[corpus](folder, base)
    return found


def test_ptbxl_as_published(tmp_path: Path) -> None:
    first, second = READERS["ptbxl"](made.ptbxl(tmp_path), tmp_path)
    assert (first.id, first.patient, first.fold, first.age, first.sex) == ("ptbxl/00001_hr", "ptbxl/10", 1, 56.0, "female")
    assert (first.normal, first.english, first.author.kind, first.data_class) == (True, "sinus rhythm. normal ecg.", "clinician", "open")
    assert (second.age, second.normal, second.codes["CLBBB"]) == (None, False, ("lbbb",))
    assert second.report == "sinusrhythmus linksschenkelblock"
    assert second.english == "Sinus rhythm. Left bundle branch block."
    assert open_record(second, tmp_path).leads == STANDARD


def test_every_corpus_maps_its_own_words_for_left_bundle_branch_block(tmp_path: Path) -> None:
    found = {
        "mimic": only("mimic", made.mimic(tmp_path), tmp_path),
        "ludb": only("ludb", made.ludb(tmp_path), tmp_path),
        "ptb": only("ptb", made.ptb(tmp_path), tmp_path),
        "cpsc2018": only("cpsc2018", made.challenge(tmp_path, "cpsc", "LBBB"), tmp_path),
        "georgia": only("georgia", made.challenge(tmp_path, "georgia", "164909002,426783006"), tmp_path),
        "csn": only("csn", made.challenge(tmp_path, "csn", "733534002"), tmp_path),
        "code15": only("code15", made.code15(tmp_path)[0], tmp_path),
        "ptbxl": list(READERS["ptbxl"](made.ptbxl(tmp_path), tmp_path))[1],
    }
    assert set(found) == set(READERS)
    for name, record in found.items():
        assert "lbbb" in record.said, name
        assert record.corpus == name
        assert record.licence
        assert len(open_record(record, tmp_path).leads) == 12


def test_mimic_is_guarded_and_its_machine_is_the_author(tmp_path: Path) -> None:
    record = only("mimic", made.mimic(tmp_path), tmp_path)
    assert (record.data_class, record.author.kind) == ("credentialed", "machine")
    assert record.report == "Sinus rhythm. Left bundle branch block."


def test_code15_comes_at_500_hz_without_its_padding(tmp_path: Path) -> None:
    folder, recording = made.code15(tmp_path)
    record = only("code15", folder, tmp_path)
    opened = open_record(record, tmp_path)
    assert (record.row, record.sex, record.age, opened.fs, opened.samples) == (0, "female", 61.0, 500.0, 5000)
    wanted = resample(recording, 500.0).signal[:, :5000]
    assert np.abs(opened.signal[:, 100:-100] - wanted[:, 100:-100]).max() < 0.02


@pytest.mark.parametrize("corpus", READERS)
def test_a_folder_without_its_index_says_what_is_needed(corpus: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"needs|below it"):
        list(READERS[corpus](tmp_path, tmp_path))


def test_a_part_that_is_no_hdf5_and_a_row_that_is_not_there_are_named(tmp_path: Path) -> None:
    folder, _ = made.code15(tmp_path)
    record = only("code15", folder, tmp_path)
    with pytest.raises(ECGReadError, match="row 5 is asked for, but it holds 2"):
        open_record(record.model_copy(update={"row": 5}), tmp_path)
    (folder / "exams_part0.hdf5").write_bytes(b"rubbish")
    with pytest.raises(ECGReadError, match="not an HDF5 file"):
        list(READERS["code15"](folder, tmp_path))


def test_a_row_that_is_not_as_published_names_its_line(tmp_path: Path) -> None:
    folder = made.ptbxl(tmp_path)
    index = folder / "ptbxl_database.csv"
    index.write_text(index.read_text().replace("20.0", "twenty"))
    with pytest.raises(ConfigError, match="line 3"):
        list(READERS["ptbxl"](folder, tmp_path))


def test_what_corpora_speak_of_are_findings() -> None:
    assert all(keys <= set(statements()) for keys in COVERS.values())


def test_german_is_translated_whole_or_not_at_all() -> None:
    assert english_of("sinusrhythmus lagetyp normal normales ekg 4.46    unbestÄtigter bericht") == "Sinus rhythm. Normal axis. Normal ECG."
    assert english_of("sinusrhythmus mit etwas unbekanntem") == ""


@pytest.mark.data
def test_the_shared_corpora_are_read(data: Path) -> None:
    counts = {name: len(list(READERS[name](data / name, data))) for name in ("ptbxl", "ludb")}
    assert counts == {"ptbxl": 3854, "ludb": 150}
    places = {"cpsc2018": "cpsc_2018", "georgia": "georgia", "csn": "chapman_ningbo"}
    for corpus, place in places.items():
        found = list(READERS[corpus](data / "challenge2020_2021" / place, data))
        assert found
        assert open_record(found[0], data).samples > 0
        assert np.mean([bool(record.said) for record in found]) > 0.5
    german = [r for r in READERS["ptbxl"](data / "ptbxl", data) if r.report and r.english and r.english != r.report]
    assert len(german) > 200
    assert json.loads(german[0].model_dump_json())["english"] == german[0].english
