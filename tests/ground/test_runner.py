"""Shards: every item once, whatever is killed; parts that add up; no run continued with another list."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gem.errors import ConfigError
from gem.runner import parse_part, plan, run
from tests.ground.work import all_items, copy, faulty, journal

ROOT = Path(__file__).parents[2]
ITEMS = [f"item {k}" for k in range(103)]
_KILLED = """
from pathlib import Path
from gem.runner import plan, run
from tests.ground.work import slow_copy
if __name__ == "__main__":
    items = [f"item {k}" for k in range(103)]
    run(slow_copy, plan(items, Path(r"FOLDER"), 5, ".json", {}), jobs=2)
"""


def planned(folder: Path, items: list[str] = ITEMS, size: int = 5) -> list:  # type: ignore[type-arg]
    return plan(items, folder, size, ".json", {"as": "made"})


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_item_is_done_once_and_in_place(tmp_path: Path, jobs: int) -> None:
    assert run(copy, planned(tmp_path), jobs=jobs) == 21
    assert all_items(tmp_path) == ITEMS


def test_what_is_there_is_not_done_again(tmp_path: Path) -> None:
    shards = planned(tmp_path)
    run(copy, shards[:8])
    assert run(copy, planned(tmp_path)) == 13
    assert sorted(journal(tmp_path)) == list(range(21))


def test_a_run_killed_in_the_middle_goes_on_and_loses_or_doubles_nothing(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    folder = tmp_path / "out"
    script.write_text(_KILLED.replace("FOLDER", str(folder)), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    first = subprocess.Popen([sys.executable, str(script)], start_new_session=True, env=environment, stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + 60
    while len(list(folder.glob("part-*"))) < 4 and time.monotonic() < give_up:
        time.sleep(0.02)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("part-*")}
    assert 4 <= len(before) < 21
    subprocess.run([sys.executable, str(script)], check=True, env=environment, stderr=subprocess.DEVNULL)
    assert all_items(folder) == ITEMS
    assert all((folder / name).stat().st_mtime_ns == at for name, at in before.items())


def test_a_fault_stops_the_run_and_keeps_what_was_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no space"):
        run(faulty, planned(tmp_path), jobs=2)
    assert len(all_items(tmp_path)) >= 5
    run(copy, planned(tmp_path))
    assert all_items(tmp_path) == ITEMS


def test_the_parts_of_a_slurm_array_add_up(tmp_path: Path) -> None:
    shards = planned(tmp_path)
    assert sum(run(copy, shards, part=parse_part(f"{k}/4")) for k in range(4)) == 21
    assert sorted(journal(tmp_path)) == list(range(21))


@pytest.mark.parametrize("text", ["4/4", "-1/4", "1", "a/b", "1/0"])
def test_a_part_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--shard"):
        parse_part(text)


def test_another_list_size_or_setting_may_not_go_on(tmp_path: Path) -> None:
    planned(tmp_path)
    with pytest.raises(ConfigError, match="sha256"):
        planned(tmp_path, ITEMS[::-1])
    with pytest.raises(ConfigError, match="per_shard"):
        planned(tmp_path, size=6)
    with pytest.raises(ConfigError, match="settings"):
        plan(ITEMS, tmp_path, 5, ".json", {"as": "other"})


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ConfigError, match="is a file"):
        planned(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_one_of_two_ray_workers_is_killed_and_nothing_is_lost(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    from tests.ground.work import slow_copy

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        victim = cluster.add_node(num_cpus=1)
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        shards = planned(tmp_path)
        at_the_kill: list[int] = []

        def kill() -> None:
            give_up = time.monotonic() + 60
            while len(list(tmp_path.glob("part-*"))) < 4 and time.monotonic() < give_up:
                time.sleep(0.02)
            cluster.remove_node(victim, allow_graceful=False)
            at_the_kill.append(len(list(tmp_path.glob("part-*"))))

        killer = threading.Thread(target=kill)
        killer.start()
        assert run(slow_copy, shards, ray_address=cluster.address) == 21
        killer.join()
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert 4 <= at_the_kill[0] < 21
    assert all_items(tmp_path) == ITEMS


def test_the_manifest_is_no_parquet_for_readers_of_the_folder(tmp_path: Path) -> None:
    planned(tmp_path)
    (manifest,) = tmp_path.iterdir()
    assert manifest.name.startswith("_")
    assert json.loads(manifest.read_text())["items"] == len(ITEMS)
