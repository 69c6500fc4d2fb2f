"""The whole way by the command line: splits, shards, resume after a kill, exports, a teacher over HTTP, batches, bad input."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from data_gen.__main__ import main
from data_gen.corpora import open_record
from data_gen.corpora.record import Record
from data_gen.facts import facts_of
from data_gen.instruct.config import Endpoint, Instructions
from data_gen.instruct.run import split_records
from data_gen.teacher.prompt import ask_of
from data_gen.teacher.stand_in import StandIn
from data_gen.teacher.write import ADVERSARY_FAULTS, Teacher
from gem.conversation import read_conversations
from gem.ecg.io import read
from gem.jsonl import read_rows
from gem.llm.message import Ask, EgressRefused
from tests.data_gen import made_corpora as made
from tests.data_gen.test_facts import facts
from tests.llm.test_client import Server, hangs_up, says, status

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "configs" / "data").glob("instruct_*.yaml"))
SPECS = ("normal seed=1", "lbbb seed=2", "normal seed=3", "lbbb seed=4", "av_block_1 seed=5", "normal seed=6")


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six records: folds 1, 2, 3, 9, 4 and 10; ECG-QA tests on the third."""
    made.ptbxl(tmp_path / "data", SPECS, (1, 2, 3, 9, 4, 10))
    made.ecgqa(tmp_path / "data", train="1", test="3")
    monkeypatch.setenv("GEM_DATA", str(tmp_path / "data"))
    mix = {"grounded": 1, "protocol": 1, "report": 1, "close-ended": 2, "mcq": 1, "measure": 2, "chain": 1, "dialogue": 1, "compare": 1}
    plan = {"name": "small", "output": str(tmp_path / "out"), "corpora": [{"corpus": "ptbxl", "folder": "ptbxl"}], "ecgqa": "ecgqa"}
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(plan | {"mix": mix, "per_shard": 2}))
    return path


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a set but what says when and by which commit it was made."""
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    return {name: data for name, data in found.items() if name not in ("_made_with.json", "teacher.jsonl")}


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.name)
def test_every_recipe_loads_and_is_named_after_its_file(path: Path) -> None:
    assert Instructions.load(path).name == path.stem


def test_train_holds_no_patient_of_folds_9_and_10_or_of_ecg_qa_s_test(recipe: Path, tmp_path: Path) -> None:
    assert main([str(recipe)]) == 0
    train, valid = (read_conversations(tmp_path / "out" / "conversations" / f"{name}.jsonl") for name in ("train", "valid"))
    assert {row.patient for row in train} == {"ptbxl/10", "ptbxl/20", "ptbxl/50"}
    assert {row.patient for row in valid} == {"ptbxl/40"}
    assert len({row.id for row in (*train, *valid)}) == len(train) + len(valid)
    split = json.loads((tmp_path / "out" / "split.json").read_text())
    assert (split["train"]["ECG-QA test"], split["held out"]["ECG-QA test"], split["test"]["fold 10"]) == (0, 1, 1)


def test_a_second_run_and_more_processes_make_the_same_bytes(recipe: Path, tmp_path: Path) -> None:
    assert main([str(recipe)]) == 0
    once = files(tmp_path / "out")
    assert main([str(recipe)]) == 0
    assert files(tmp_path / "out") == once
    assert main([str(recipe), f"output={tmp_path / 'two'}", "--jobs", "2"]) == 0
    assert files(tmp_path / "two") == once
    for k in range(2):
        assert main([str(recipe), f"output={tmp_path / 'three'}", "--shard", f"{k}/2"]) == 0
    assert files(tmp_path / "three") == once


def test_a_killed_run_goes_on_where_it_stopped(recipe: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "data_gen", str(recipe), "per_shard=1"]
    running = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
    shards = tmp_path / "out" / "shards"
    until = time.monotonic() + 120
    while running.poll() is None and time.monotonic() < until and not list(shards.glob("part-*.jsonl")):
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    done = {p.name: p.stat().st_mtime_ns for p in shards.glob("part-*.jsonl")}
    assert 0 < len(done) < 4
    assert main([str(recipe), "per_shard=1"]) == 0
    assert all((shards / name).stat().st_mtime_ns == when for name, when in done.items())
    assert main([str(recipe), "per_shard=1", f"output={tmp_path / 'whole'}"]) == 0
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_every_form_holds_the_same_conversations(recipe: Path, tmp_path: Path) -> None:
    pictures = "pictures={width_px: {700: 1}, layouts: {3x4: 1}}"
    assert main([str(recipe), pictures, "exports=[parquet, llava, sharegpt, aligned]"]) == 0
    out = tmp_path / "out"
    rows = read_conversations(out / "conversations" / "train.jsonl")
    table = pq.read_table(out / "parquet" / "train.parquet").to_pylist()
    assert [row["id"] for row in table] == [row.id for row in rows]
    assert [[turn["text"] for turn in row["turns"]] for row in table] == [[turn.text for turn in row.turns] for row in rows]
    llava = json.loads((out / "llava" / "train.json").read_text())
    for ours, theirs in zip(rows, llava, strict=True):
        assert theirs["id"] == ours.id
        assert theirs["conversations"][0] == {"from": "human", "value": "<image>\n" * len(ours.ecgs) + ours.turns[0].text}
        images, ecgs = (theirs[key] if isinstance(theirs[key], list) else [theirs[key]] for key in ("image", "ecg"))
        assert all((out / image).is_file() for image in images)
        assert [read(tmp_path / "data" / ecg).fs for ecg in ecgs] == [500.0] * len(ours.ecgs)
    assert any(len(row.ecgs) == 2 for row in rows)
    assert len((out / "sharegpt" / "train.jsonl").read_text().splitlines()) == len(rows)
    members: dict[str, bytes] = {}
    for path in (out / "aligned").glob("*.tar"):
        with tarfile.open(path) as tar:
            members |= {one.name: tar.extractfile(one).read() for one in tar.getmembers()}  # type: ignore[union-attr]
    assert {name.partition(".")[2] for name in members} == {"npy", "jpg", "json", "beats.json"}
    about = json.loads(members["ptbxl_00001_hr.json"])
    assert np.load(io.BytesIO(members["ptbxl_00001_hr.npy"])).shape == (12, 5000)
    assert about["texts"]
    assert len(json.loads(members["ptbxl_00001_hr.beats.json"])["beats"]["II"]) == 14


def test_the_datasheet_counts_what_is_there(recipe: Path, tmp_path: Path) -> None:
    assert main([str(recipe)]) == 0
    out = tmp_path / "out"
    number = sum(len(read_conversations(out / "conversations" / f"{name}.jsonl")) for name in ("train", "valid"))
    sheet, page = (out / "DATASHEET.md").read_text(), (out / "datasheet.html").read_text()
    assert f"{number} samples from 4 records" in sheet
    for title in ("Split", "Licences", "Rejected", "Findings of the records", "Leads asked about", "Report against trace", "Recipe"):
        assert f"## {title}" in sheet
        assert f"<h2>{title}</h2>" in page
    assert "<rect" in page


def test_a_record_without_a_file_is_a_row_and_the_rest_is_made(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "ptbxl" / "records500" / "00000" / "00002_hr.dat").unlink()
    assert main([str(recipe)]) == 3
    (row,) = read_rows(tmp_path / "out" / "failed.jsonl")
    assert row["id"] == "ptbxl/00002_hr"
    assert row["error"]["message"]
    assert str(tmp_path) not in row["error"]["message"]
    assert read_conversations(tmp_path / "out" / "conversations" / "train.jsonl")


@pytest.mark.parametrize(
    ("changes", "says_what"),
    [
        (["corpora=[{corpus: ptbxl, folder: nowhere}]"], "no such folder"),
        (["corpora=[{corpus: ptbxl, folder: ecgqa}]"], "ptbxl_database.csv"),
        (["corpora=[{corpus: other, folder: ptbxl}]"], "no corpus of that name"),
        (["ecgqa=null"], "split together with ECG-QA"),
        (["ecgqa=ptbxl"], "train_ecgs.tsv"),
        (["mix={poetry: 1}"], "no task poetry"),
        (["mixture={}"], "Extra inputs"),
        (["splits=[held out]", "corpora=[{corpus: ptbxl, folder: ptbxl, limit: 1}]"], "no record in the splits"),
        (["seed=1"], "holds another run"),
    ],
)
def test_a_recipe_that_cannot_be_followed_says_why(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: list[str], says_what: str
) -> None:
    if changes == ["seed=1"]:
        assert main([str(recipe)]) == 0
    assert main([str(recipe), *changes]) == 2
    assert says_what in capsys.readouterr().err


def taught(cache: Path, url: str = "http://127.0.0.1:9/v1", **more: object) -> str:
    return "teacher=" + json.dumps({"model": "m", "cache": str(cache), "url": url, "prompts": ["grounded"]} | more)


@pytest.fixture
def endpoint() -> Iterator[list[Server]]:
    made_servers: list[Server] = []
    yield made_servers
    for server in made_servers:
        server.http.shutdown()
        server.http.server_close()


def honest(handler: Any, body: dict[str, Any]) -> None:
    """A server that writes what the fact sheet says."""
    asked = Ask(body["model"], tuple((m["role"], m["content"]) for m in body["messages"]), body["response_format"]["json_schema"]["schema"])
    says(StandIn().send(asked).text)(handler, body)


def test_a_teacher_over_http_with_limits_and_faults_is_judged_cached_and_not_asked_twice(
    recipe: Path, tmp_path: Path, endpoint: list[Server]
) -> None:
    endpoint.append(Server(status(429, Retry_After="0"), hangs_up, status(503), says("rubbish"), honest))
    teacher = taught(tmp_path / "cache", endpoint[0].url, prompts=["grounded", "dialogue"], concurrency=2)
    assert main([str(recipe), teacher]) == 0
    rows = read_conversations(tmp_path / "out" / "conversations" / "train.jsonl")
    by_llm = [row for row in rows if row.origin.kind == "llm"]
    assert {row.task for row in by_llm} == {"grounded", "dialogue"}
    assert {(row.origin.name, row.origin.version) for row in by_llm} == {("m-1", "prompt grounded 1"), ("m-1", "prompt dialogue 1")}
    asked = len(endpoint[0].bodies)
    journal = [row["event"] for row in read_rows(tmp_path / "out" / "teacher.jsonl")]
    assert journal.count("answered") == 9  # four records, two prompts, one repair
    assert main([str(recipe), teacher, f"output={tmp_path / 'again'}"]) == 0
    assert len(endpoint[0].bodies) == asked
    assert files(tmp_path / "again") == files(tmp_path / "out")


def test_a_teacher_that_refuses_is_a_reason_and_one_that_dies_keeps_what_it_wrote(
    recipe: Path, tmp_path: Path, endpoint: list[Server], capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.append(Server(says(None, refusal="I would rather not"), honest, honest, status(500)))
    teacher = taught(tmp_path / "cache", endpoint[0].url, tries=1, concurrency=1)
    assert main([str(recipe), teacher]) == 2
    assert "start again when it is up" in capsys.readouterr().err
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 2
    endpoint[0].steps = [honest]
    assert main([str(recipe), teacher]) == 0
    rejected = list(read_rows(tmp_path / "out" / "rejected.jsonl"))
    assert [row["why"] for row in rejected if row["kind"] == "teacher"] == ["m: refused (I would rather not)"]


def test_the_ceiling_stops_the_run_and_raising_it_goes_on(
    recipe: Path, tmp_path: Path, endpoint: list[Server], capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.append(Server(honest))
    few = {"ceiling_tokens": 5000, "concurrency": 1}
    assert main([str(recipe), taught(tmp_path / "cache", endpoint[0].url, **few)]) == 2
    assert "ceiling" in capsys.readouterr().err
    assert main([str(recipe), taught(tmp_path / "cache", endpoint[0].url), f"output={tmp_path / 'more'}"]) == 0


def test_guarded_rows_do_not_leave_and_nothing_is_sent(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    private = "corpora=[{corpus: ptbxl, folder: ptbxl, data_class: private}]"
    teacher = taught(tmp_path / "cache", "https://api.example.com/v1", tries=1)
    assert main([str(recipe), private, teacher]) == 2
    assert "private data may go to" in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()
    assert main([str(recipe), private, teacher, "--export-requests", str(tmp_path / "r.jsonl")]) == 2
    secret = facts()
    secret = type(secret)(
        Record.model_validate(secret.record.model_dump() | {"data_class": "credentialed"}), secret.measured, secret.findings
    )
    with pytest.raises(EgressRefused):
        Teacher(Endpoint(model="m", url="https://api.example.com/v1", cache=str(tmp_path)), tmp_path).drafts([secret])


def test_a_batch_goes_out_as_a_file_and_comes_back_as_one(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    requests, answers = tmp_path / "requests.jsonl", tmp_path / "answers.jsonl"
    teacher = taught(tmp_path / "cache")
    assert main([str(recipe), teacher, "--export-requests", str(requests)]) == 0
    rows = list(read_rows(requests))
    assert {(row["method"], row["url"]) for row in rows} == {("POST", "/v1/chat/completions")}
    replay = taught(tmp_path / "cache", backend="replay")
    assert main([str(recipe), replay]) == 2
    assert "no cached answer" in capsys.readouterr().err
    with answers.open("w") as stream:
        for row in rows:
            body = row["body"]
            text = (
                StandIn()
                .send(
                    Ask("m", tuple((m["role"], m["content"]) for m in body["messages"]), body["response_format"]["json_schema"]["schema"])
                )
                .text
            )
            completion = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {}}
            stream.write(json.dumps({"custom_id": row["custom_id"], "response": {"status_code": 200, "body": completion}}) + "\n")
    assert main([str(recipe), teacher, "--import-answers", str(answers), str(requests)]) == 0
    assert main([str(recipe), replay]) == 0
    kinds = [row.origin.kind for row in read_conversations(tmp_path / "out" / "conversations" / "train.jsonl")]
    assert kinds.count("llm") == 3


def test_the_adversary_is_caught_and_the_honest_stand_in_is_not(recipe: Path, tmp_path: Path) -> None:
    kept = {}
    for backend in ("fake", "adversary"):
        change = taught(tmp_path / backend, backend=backend)
        assert main([str(recipe), change, f"output={tmp_path / backend / 'out'}"]) == 0
        rows = read_conversations(tmp_path / backend / "out" / "conversations" / "train.jsonl")
        kept[backend] = {row.ecgs[0].record: row.answers[0] for row in rows if row.origin.kind == "llm"}
    assert len(kept["fake"]) == 3
    adversary = Instructions.load(recipe, [taught(tmp_path / "adversary", backend="adversary")]).teacher
    assert adversary is not None
    planted = 0
    for record in split_records(Instructions.load(recipe))[0]:
        if record.split == "train":
            known = facts_of(record, open_record(record, tmp_path / "data"))
            faults = [one.text for one in StandIn(ADVERSARY_FAULTS).sentences(ask_of(known, "grounded", adversary)) if one.fault]
            planted += len(faults)
            assert not any(text in kept["adversary"].get(record.id, "") for text in faults)
    assert planted > 10


def test_a_full_disk_is_one_message_and_what_was_written_is_kept(recipe: Path, tmp_path: Path) -> None:
    """A limit on the size of a file stands for the disk: the shards fit, the joined file does not."""
    assert main([str(recipe), "per_shard=1", f"output={tmp_path / 'whole'}"]) == 0
    limit_kib = max(p.stat().st_size for p in (tmp_path / "whole" / "shards").iterdir()) // 1024 + 1
    assert (tmp_path / "whole" / "conversations" / "train.jsonl").stat().st_size > 1024 * limit_kib
    command = ["bash", "-c", f"ulimit -f {limit_kib}; exec {sys.executable} -m data_gen {recipe} per_shard=1"]
    ran = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "cannot be written (File too large)" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert len(list((tmp_path / "out" / "shards").glob("part-*.jsonl"))) == 4
    assert main([str(recipe), "per_shard=1"]) == 0
    assert files(tmp_path / "out") == files(tmp_path / "whole")
