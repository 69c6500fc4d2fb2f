"""The commands that need a model, as a user meets them."""

import json
from pathlib import Path

import pytest

from gem.simulate import simulate_recording, write_simulated
from tests.cli.test_cli import Ran, gem

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ecg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ecg")
    write_simulated(simulate_recording("normal"), folder / "one")
    return folder / "one.hea"


def test_a_recipe_becomes_a_folder_that_report_reads(tmp_path: Path, ecg: Path) -> None:
    made = gem("convert", ROOT / "configs" / "model" / "tiny.yaml", tmp_path / "tiny")
    assert (made.returncode, made.stdout) == (0, "")
    assert "214,304 parameters" in made.stderr
    again = gem("convert", ROOT / "configs" / "model" / "tiny.yaml", tmp_path / "tiny")
    assert again.returncode == 2
    assert "is there already" in again.stderr
    ran = gem("report", ecg, "--model", tmp_path / "tiny", "--length", 8, "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["writer"] == "model tiny"


@pytest.mark.data
def test_a_chat_about_a_real_record_has_all_its_plumbing(tiny: Path, data: Path, tmp_path: Path) -> None:
    record = data / "ptbxl" / "records500" / "00000" / "00001_hr.hea"
    lines = f"What is the rhythm?\n/measure\n/draw {tmp_path}/page.png\n/save {tmp_path}/chat.json\n"
    ran = gem("chat", record, "--model", tiny, "--facts", "--length", 12, text=lines)
    assert ran.returncode == 0
    for text in ("12 leads, 10 s at 500 Hz; quality ok", "claims verified)", "Measured: sinus rhythm, regular; heart rate 64 bpm"):
        assert text in ran.stdout
    assert (tmp_path / "page.png").is_file()
    assert "verification" in json.loads((tmp_path / "chat.json").read_text())["turns"][1]


def test_a_batch_is_resumed_and_ends_with_3_when_rows_failed(tmp_path: Path, ecg: Path) -> None:
    (tmp_path / "list.txt").write_text(f"{ecg}\nnothing.hea\n")
    first, second = (gem("batch", tmp_path / "list.txt", "-o", tmp_path / "out.jsonl") for _ in range(2))
    assert (first.returncode, second.returncode) == (3, 3)
    assert "2 rows, 2 of them new, 1 of records that failed" in first.stderr
    assert "2 rows, 0 of them new" in second.stderr


def faults(tmp_path: Path, ecg: Path, tiny: Path) -> list[tuple[Ran, str]]:
    (tmp_path / "bins").mkdir()
    (tmp_path / "bins" / "pytorch_model.bin").write_bytes(b"x")
    return [
        (gem("convert", tmp_path / "bins", tmp_path / "new"), "a pickle can run code and is not opened"),
        (gem("convert", tmp_path / "bins"), "a DEST is needed, or --dry-run"),
        (gem("report", ecg, "--model", tmp_path / "bins"), "no model in it"),
        (gem("report", ecg, "--model", tiny, "--length", 0), "at least one token is needed"),
        (gem("chat", "nothing.hea", "--model", tiny), "no such file"),
        (gem("batch", ecg, "-o", tmp_path / "no" / "out.jsonl"), "cannot be written"),
    ]


def test_faults_the_user_can_put_right_are_one_message_and_2(tmp_path: Path, ecg: Path, tiny: Path) -> None:
    for ran, says in faults(tmp_path, ecg, tiny):
        assert ran.returncode == 2, ran.stderr
        assert says in ran.stderr
        assert "Traceback" not in ran.stderr
