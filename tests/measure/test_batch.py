"""`gem measure LIST -o DIR`: one row a record, faults as rows, nothing lost or doubled."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import gem
from gem.cli import main
from gem.measure.batch import items_of, schema
from gem.measure.measurement import SEQUENCES
from gem.simulate import simulate_recording
from gem.simulate.write import write_simulated


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for k, preset in enumerate(("normal", "atrial_fibrillation", "lbbb", "tachycardia")):
        write_simulated(simulate_recording(preset), folder / f"r{k}")
    (folder / "broken.hea").write_text("broken 12 500 5000\nnothing.dat 16\n")
    return folder


def rows(folder: Path) -> list[dict]:  # type: ignore[type-arg]
    return pq.read_table(folder).to_pylist()


def test_one_row_a_record_and_a_fault_is_a_row_with_its_reason(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.parquet"
    assert main(["measure", str(corpus), "-o", str(out)]) == 3
    found = {row["id"]: row for row in rows(out)}
    assert sorted(found) == ["broken", "r0", "r1", "r2", "r3"]
    assert "5 rows, 1 of them" in capsys.readouterr().err
    assert found["broken"]["error"]
    assert found["broken"]["heart_rate"] is None
    assert found["r0"]["error"] is None
    direct = gem.measure_recording(gem.read(corpus / "r0.hea"))
    for name in ("heart_rate", "qrs_duration", "qt_interval", "qrs_axis"):
        assert found["r0"][name] == pytest.approx(direct.of_all[name].value, rel=1e-5)
    assert found["r0"]["st_j_V2"] == pytest.approx(direct.per_lead["V2"]["st_j"].value, rel=1e-5)
    assert found["r0"]["qrs_duration_sd"] == pytest.approx(direct.of_all["qrs_duration"].sd, rel=1e-5)
    assert found["r1"]["rhythm"] == "atrial fibrillation"
    assert found["r1"]["pr_interval"] is None


def test_the_14_sequences_of_the_12_leads_have_one_value_a_beat(corpus: Path, tmp_path: Path) -> None:
    main(["measure", str(corpus / "r0.hea"), "-o", str(tmp_path / "o")])
    (row,) = rows(tmp_path / "o")
    names = [name for name in schema().names if name.endswith("_beats")]
    assert len(names) == 14 * 12 == len(SEQUENCES) * 12
    assert {len(row[name]) for name in names} == {len(row["beat_kinds"])}


def test_a_list_of_paths_and_a_table_name_the_same_records(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# two\nr0.hea\nr2.hea\n")
    (tmp_path / "list.csv").write_text("path,age,sex\nr0.hea,61,F\nr2.hea,,\n")
    (tmp_path / "other.csv").write_text("I,II\n0.1,0.2\n")
    plain, table = ([json.loads(item) for item in items_of([str(tmp_path / name)])] for name in ("list.txt", "list.csv"))
    assert [item["path"] for item in plain] == [item["path"] for item in table] == [str(tmp_path / f"r{k}.hea") for k in (0, 2)]
    assert table[0]["age"] == 61.0
    assert table[0]["sex"] == "female"
    assert "age" not in table[1]
    assert items_of([str(tmp_path / "other.csv")]) == [json.dumps({"path": str(tmp_path / "other.csv")})]


def test_parts_and_processes_make_the_same_rows(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gem.measure.batch.PER_SHARD", 2)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    main(["measure", str(corpus), "-o", str(whole), "--jobs", "2"])
    for k in range(3):
        main(["measure", str(corpus), "-o", str(parts), "--shard", f"{k}/3"])
    assert len(list(parts.glob("part-*"))) == 3
    assert rows(whole) == rows(parts)


def test_another_engine_is_another_run(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["measure", str(corpus / "r0.hea"), "-o", str(tmp_path / "o")])
    assert main(["measure", str(corpus / "r0.hea"), "-o", str(tmp_path / "o"), "--engine", "neurokit"]) == 2
    assert "holds another run" in capsys.readouterr().err


def test_what_the_command_line_says_of_the_files_is_used(corpus: Path, tmp_path: Path) -> None:
    main(["measure", str(corpus / "r0.hea"), "-o", str(tmp_path / "o"), "--duration", "6", "--sex", "female"])
    (row,) = rows(tmp_path / "o")
    assert row["duration_s"] == pytest.approx(6, abs=0.01)
    assert row["sex"] == "female"


def test_the_tasks_of_a_slurm_array_share_the_shards(tmp_path: Path) -> None:
    for k in range(3):
        write_simulated(simulate_recording("normal"), tmp_path / f"r{k}")
    (tmp_path / "list.txt").write_text("\n".join(["r0.hea", "r1.hea", "r2.hea"] * 50))
    script, root = Path("configs/slurm/measure.sh"), Path(__file__).parents[2]
    stub = tmp_path / "gem"
    stub.write_text(f'#!/bin/sh\nexec {sys.executable} -m gem "$@"\n')
    stub.chmod(0o755)
    for task in (3, 4):
        array = {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_COUNT": "2", "GEM": str(stub)}
        subprocess.run(
            ["bash", str(script), str(tmp_path / "list.txt"), str(tmp_path / "out")],
            check=True, cwd=root, env=os.environ | array, capture_output=True,
        )  # fmt: skip
        assert len(list((tmp_path / "out").glob("part-*"))) == {3: 2, 4: 3}[task]
    assert len(rows(tmp_path / "out")) == 150
