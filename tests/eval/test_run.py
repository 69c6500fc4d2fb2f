"""python -m eval: what is answered is kept, once, whatever happens."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eval.__main__ import main
from eval.log import rows_of
from eval.results import results_of
from eval.run import alone
from gem.errors import ConfigError
from gem.jsonl import read_rows

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.data


def recipe(folder: Path, **changes: object) -> Path:
    """A small recipe on real recordings; keys of `changes` replace its own."""
    whole: dict[str, object] = {
        "name": "small",
        "tasks": {"ptbxl_super": {"fs": 500}},
        "model": {"kind": "rules"},
        "output": str(folder / "run"),
        "limit": 12,
        "batch_size": 2,
        "bootstrap_iters": 200,
    }
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(whole | changes), encoding="utf-8")
    return path


def test_a_run_leaves_its_log_its_figures_and_what_it_was_made_with(tmp_path: Path) -> None:
    assert main([str(recipe(tmp_path))]) == 0
    rows = list(read_rows(tmp_path / "run" / "samples_ptbxl_super.jsonl"))
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    one = results_of(tmp_path / "run")["results"]["ptbxl_super"]["strict.macro_auroc"]
    assert len(rows) == 12
    assert all({"doc_hash", "prompt_hash", "target_hash", "files", "resps", "scores"} <= set(row) for row in rows)
    assert {"commit", "dirty", "python", "numpy"} <= set(facts["made_with"])
    assert one["low"] <= one["value"] <= one["high"]


def test_a_run_that_was_killed_goes_on_and_gives_the_same_figures(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert main([str(recipe(tmp_path / "a", limit=16))]) == 0
    path, log = recipe(tmp_path / "b", limit=16), tmp_path / "b" / "run" / "samples_ptbxl_super.jsonl"
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    killed = subprocess.Popen(
        [sys.executable, "-m", "eval", str(path)], cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while killed.poll() is None and (not log.exists() or log.read_bytes().count(b"\n") < 6):
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    before = log.read_bytes().count(b"\n")
    with log.open("ab") as stream:
        stream.write(b'{"schema": "gem.eval/1", "half a ro')
    assert 6 <= before < 16
    assert main([str(path)]) == 0
    rows = list(read_rows(log))
    assert len(rows) == 16
    assert len({row["key"] for row in rows}) == 16
    assert results_of(tmp_path / "a" / "run")["results"] == results_of(tmp_path / "b" / "run")["results"]


def test_shards_together_are_the_whole(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert main([str(recipe(tmp_path / "a"))]) == 0
    path = recipe(tmp_path / "b")
    assert [main([str(path), "--shard", f"{k}/3"]) for k in range(3)] == [0, 0, 0]
    assert len(rows_of(tmp_path / "b" / "run", "ptbxl_super")) == 12
    whole, parts = (results_of(tmp_path / name / "run")["results"]["ptbxl_super"] for name in "ab")
    assert {k: v["value"] for k, v in whole.items()} == {k: v["value"] for k, v in parts.items()}


def test_a_rank_of_accelerate_takes_its_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert main([str(recipe(tmp_path, limit=4, model={"kind": "majority"}))]) == 0
    assert (tmp_path / "run" / "samples_ptbxl_super.1-of-3.jsonl").exists()
    assert len(rows_of(tmp_path / "run", "ptbxl_super")) == 1


def test_scoring_again_asks_nobody_and_changes_nothing(tmp_path: Path) -> None:
    path = recipe(tmp_path, predict_only=True, log_samples=False)
    assert main([str(path)]) == 0
    before = rows_of(tmp_path / "run", "ptbxl_super")
    assert all(not row.scores for row in before)
    assert main(["score", str(tmp_path / "run")]) == 0
    after = rows_of(tmp_path / "run", "ptbxl_super")
    assert [row.answers for row in after] == [row.answers for row in before]
    assert all(row.scores for row in after)
    assert main([str(recipe(tmp_path, log_samples=False))]) == 0
    assert [row.key for row in rows_of(tmp_path / "run", "ptbxl_super")] == [row.key for row in before]


def test_a_folder_of_other_settings_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(recipe(tmp_path))]) == 0
    assert main([str(recipe(tmp_path)), "control=shuffled"]) == 2
    assert "other settings" in capsys.readouterr().err


def small_set(folder: Path, data: Path) -> Path:
    """A data folder with four recordings of PTB-XL's index, of which one is not there, and one is rubbish."""
    lines = (data / "ptbxl" / "index.csv").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines[1:] if ",NORM," in line and "records500" in line][:4]
    (folder / "ptbxl").mkdir(parents=True)
    (folder / "ptbxl" / "index.csv").write_text("\n".join([lines[0], *rows]) + "\n", encoding="utf-8")
    for number, row in enumerate(rows):
        name = row.split(",")[1]
        target = folder / "ptbxl" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if number == 1:
            continue
        for source in (data / "ptbxl" / name).parent.glob(f"{Path(name).name}*"):
            target.with_name(source.name).write_bytes(b"rubbish\n" if number == 2 else source.read_bytes())
    return folder


def test_an_absent_recording_is_a_row_with_its_reason_and_the_run_goes_on(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEM_DATA", str(small_set(tmp_path / "data", data)))
    path = recipe(tmp_path, tasks={"ptbxl_super": {"folds": list(range(1, 11))}})
    assert main([str(path)]) == 3
    rows = rows_of(tmp_path / "run", "ptbxl_super")
    assert sorted(bool(row.error) for row in rows) == [False, False, True, True]
    assert any("no such file" in (row.error or "") for row in rows)
    assert all(score.value is None and score.why for row in rows if row.error for score in row.scores.values())
    assert "2 samples failed" in capsys.readouterr().err
    for row in rows:
        for name in row.files:
            for source in (data / name).parent.glob(f"{Path(name).stem}*"):
                (tmp_path / "data" / name).with_name(source.name).write_bytes(source.read_bytes())
    assert main([str(path)]) == 0
    assert len([row for row in rows_of(tmp_path / "run", "ptbxl_super") if row.error is None]) == 4


def test_a_missing_set_says_what_to_download_and_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("GEM_DATA", str(tmp_path / "data"))
    assert main([str(recipe(tmp_path))]) == 2
    said = capsys.readouterr().err
    assert "https://physionet.org/content/ptb-xl/1.0.3/" in said
    assert "$GEM_DATA/ptbxl/" in said


def test_the_same_id_twice_is_counted_and_kept(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = small_set(tmp_path / "data", data)
    index = folder / "ptbxl" / "index.csv"
    lines = index.read_text(encoding="utf-8").splitlines()
    index.write_text("\n".join([lines[0], lines[1], lines[1], lines[1].replace(",male,", ",,").replace(",female,", ",,"), lines[4]]) + "\n")
    monkeypatch.setenv("GEM_DATA", str(folder))
    assert main([str(recipe(tmp_path, tasks={"ptbxl_super": {"folds": list(range(1, 11))}}))]) == 3
    rows = rows_of(tmp_path / "run", "ptbxl_super")
    assert len(rows) == 3
    assert any(row.id.endswith("#2") for row in rows)
    assert results_of(tmp_path / "run")["n-samples"]["ptbxl_super"]["doubled_ids"] == 2


def test_two_runs_are_compared_on_the_same_questions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(recipe(tmp_path)), f"output={tmp_path / 'one'}"]) == 0
    assert main([str(recipe(tmp_path)), "model.kind=random", "name=dice", f"output={tmp_path / 'two'}"]) == 0
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "one"), str(tmp_path / "one")]) == 0
    assert "+0.0 (+0.0 to +0.0)" in capsys.readouterr().out
    assert main(["table", str(tmp_path / "one"), str(tmp_path / "two")]) == 0
    said = capsys.readouterr().out
    assert "small" in said
    assert "dice" in said


def test_the_page_holds_everything_it_shows(tmp_path: Path) -> None:
    assert main([str(recipe(tmp_path, tasks={"grounded_claims": {"fs": 500}}, limit=3))]) == 0
    assert main(["page", str(tmp_path / "run"), "--samples", "2"]) == 0
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert text.count("data:image/jpeg;base64,") == 2
    assert 'class="supported"' in text


def test_patients_that_were_trained_on_are_found(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recipe(tmp_path)
    assert main([str(path), "limit=2"]) == 0
    patient = rows_of(tmp_path / "run", "ptbxl_super")[0].patient.removesuffix(".0")
    rows = [
        {"id": "1", "split": "train", "patient": f"ptbxl/{patient}", "ecgs": []},
        {"id": "2", "split": "test", "patient": "ptbxl/1", "ecgs": []},
    ]
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "conversations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main([str(path), f"output={tmp_path / 'other'}", f"leak={tmp_path / 'set'}"]) == 3
    assert "LEAK" in capsys.readouterr().err
    assert json.loads((tmp_path / "other" / "run.json").read_text())["leak"]["leaked_patients"]


def test_a_log_that_a_run_is_writing_is_not_scored_under_its_hands(tmp_path: Path) -> None:
    log = tmp_path / "samples_x.jsonl"
    log.touch()
    with alone(log), pytest.raises(ConfigError, match="another run is writing it"), alone(log):
        pass
