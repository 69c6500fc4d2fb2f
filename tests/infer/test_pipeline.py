"""From a file to a verified report: simulated findings come out, real reports stand."""

import csv
from pathlib import Path

import pytest

import gem
from gem.report.report import NOTICE
from gem.report.verify import CONTRADICTED, SUPPORTED
from gem.simulate import simulate_recording


@pytest.mark.parametrize(
    ("preset", "says"),
    [
        ("normal", "Conclusion: Sinus rhythm"),
        ("atrial_fibrillation", "Atrial fibrillation"),
        ("stemi_inferior", "Inferior ST elevation that meets the threshold"),
        ("rbbb", "Complete right bundle branch block"),
        ("left_axis", "(left axis deviation)"),
        ("lvh_strain", "Left ventricular hypertrophy"),
        ("av_block_1", "First-degree AV block"),
        ("swap_arms", "Electrodes may be swapped"),
    ],
)
def test_a_simulated_finding_is_reported_and_every_claim_about_it_holds(preset: str, says: str) -> None:
    report = gem.interpret(simulate_recording(preset).recording)
    assert says.lower() in report.text.lower()
    assert report.checked.count(CONTRADICTED) == 0
    assert report.checked.count(SUPPORTED) >= 15
    assert report.text.endswith(NOTICE)


@pytest.mark.data
def test_reports_on_real_records_are_never_contradicted_by_their_own_trace(data: Path) -> None:
    with (data / "ptbxl" / "index.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[::120]
    for row in rows:
        report = gem.interpret(data / "ptbxl" / row["path"])
        wrong = [v for v in report.checked.verdicts if v.verdict == CONTRADICTED]
        assert not wrong, (row["path"], wrong)
        assert report.checked.count(SUPPORTED) >= 10


@pytest.mark.data
def test_age_and_sex_of_the_caller_reach_the_criteria(data: Path) -> None:
    path = data / "ptbxl" / "records500" / "00000" / "00001_hr.hea"
    child = gem.interpret(gem.read(path, age=8))
    assert "age 8: the limits are those of adults" in child.text
