"""The model that ships: it loads, writes what was measured, reads statements, and says where the criteria see them otherwise."""

import csv
import json
from pathlib import Path

import pytest

from gem.cli import main
from gem.ecg.io.write import write_recording
from gem.infer.engine import SHIPPED, Engine
from gem.infer.pipeline import interpret, verified
from gem.infer.writer import Writer
from gem.knowledge.find import find
from gem.measure.measure import measure_recording
from gem.report.fhir import bundle
from gem.report.markdown import markdown
from gem.report.page import page
from gem.report.reading import Reading
from gem.report.report import told
from gem.report.verify import SUPPORTED
from gem.simulate import PRESETS, simulate_recording


@pytest.fixture(scope="module")
def nano() -> Writer:
    return Writer(Engine.load(SHIPPED))


@pytest.fixture(scope="module")
def lbbb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lbbb") / "lbbb.hea"
    write_recording(simulate_recording(PRESETS["lbbb"]).recording, path)
    return path


def test_the_shipped_model_is_small_and_has_a_card() -> None:
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 60e6
    card = (SHIPPED / "README.md").read_text(encoding="utf-8")
    for word in ("Research use only", "10.13026/kfzx-aw45", "fold 9", "Failure modes"):
        assert word in card


def test_a_report_without_options_is_written_by_the_shipped_model(lbbb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(lbbb), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["writer"].startswith("model nano")
    chances = {one["code"]: one["probability"] for one in said["statements"]}
    assert chances["CD"] > 0.5 > chances["NORM"]
    assert next(one for one in said["statements"] if one["code"] == "CLBBB")["rules"] == "found"
    assert main(["report", str(lbbb), "--writer", "template", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["statements"] is None


def test_the_words_of_a_report_show_its_statements(lbbb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(lbbb)]) == 0
    assert "Statements (nano): " in capsys.readouterr().out


@pytest.mark.data
def test_nine_in_ten_numbers_it_writes_on_real_records_are_those_measured(nano: Writer, data: Path) -> None:
    with (data / "ptbxl" / "index.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["strat_fold"] == "9"][::60]
    verdicts = [v for row in rows for v in interpret(data / "ptbxl" / row["path"], nano).checked.verdicts if v.claim.value is not None]
    assert len(verdicts) > 20
    assert sum(v.verdict == SUPPORTED for v in verdicts) >= 0.9 * len(verdicts)


def test_model_and_criteria_that_differ_are_told() -> None:
    measurements = measure_recording(simulate_recording(PRESETS["lbbb"]).recording)
    findings = find(measurements)
    limits = {"CLBBB": 0.5, "CRBBB": 0.5}
    told = Reading({"CLBBB": 0.05, "CRBBB": 0.9}, limits, "some model").disagreements(findings)
    assert told == [
        "The model reads complete right bundle branch block (90 %), but its criteria are not met.",
        "Criteria of complete left bundle branch block are met, but the model gives it 5 %.",
    ]
    assert Reading({"CLBBB": 0.9, "CRBBB": 0.1}, limits, "some model").disagreements(findings) == []


def test_a_chat_without_a_model_named_is_with_the_shipped_one(
    lbbb: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("What is the PR interval?\n/statements\n/quit\n"))
    assert main(["chat", str(lbbb)]) == 0
    out = capsys.readouterr().out
    assert "claims verified" in out
    assert "Statements (nano): " in out


def test_what_a_text_denies_or_leaves_out_stands_beside_it_wherever_it_goes() -> None:
    """A model that denies an infarction must not reach a record by itself: the text, the Bundle and Markdown carry what the criteria find."""
    recording = simulate_recording(PRESETS["stemi_inferior"]).recording
    measurements = measure_recording(recording)
    said = told("Sinus rhythm at 64 bpm. There are no signs of ST elevation.", "some model")
    report = verified("made", said, measurements, find(measurements))
    assert "[contradicted: ST elevation in II, III, aVF] There are no signs of ST elevation." in report.shown
    acute = "Inferior ST elevation that meets the threshold for acute infarction: ST elevation of"
    resources = [entry["resource"] for entry in bundle(report, recording)["entry"]]
    conclusion = next(r["conclusion"] for r in resources if r["resourceType"] == "DiagnosticReport")
    impression = next(r["valueString"] for r in resources if r["resourceType"] == "Observation" and "valueString" in r)
    for text in (report.shown, conclusion, impression, markdown(report), page(report, recording)):
        assert acute in text
    assert "contradicted" in conclusion
    left = json.loads(json.dumps(report.to_json()))["left_out"]
    assert left[0]["source"], "a finding that is left out keeps its citation"
    assert "sinus_rhythm" not in {one["finding"] for one in left}, "what the text names is not listed again"
