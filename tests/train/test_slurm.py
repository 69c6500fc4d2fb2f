"""The Slurm script, with small programs in the place of Slurm's: what it launches starts, and a job that must go saves, is queued again, goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from made_set import make_set, recipe
from safetensors.torch import load_file

from train.__main__ import main

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "configs" / "slurm" / "train.sh"


def slurm(folder: Path, nodes: str = "localhost") -> dict[str, str]:
    """An environment as Slurm gives it to a job of one node with two tasks; `srun` runs what it is given, `scontrol` notes what it is asked."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    texts = {
        "srun": '#!/bin/sh\nshift\necho "$@" > "$NOTES/srun"\nexec "$@"\n',
        "scontrol": f'#!/bin/sh\necho "$@" >> "$NOTES/scontrol"\n[ "$1" = show ] && printf "%s\\n" {nodes}\nexit 0\n',
    }
    for name, text in texts.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    fields = {"PATH": f"{programs}:{os.environ['PATH']}", "NOTES": str(folder), "TORCHRUN": str(Path(sys.executable).parent / "torchrun")}
    fields |= {"SLURM_JOB_ID": "4711", "SLURM_JOB_NODELIST": "node[1-1]", "SLURM_JOB_NUM_NODES": "1", "SLURM_GPUS_ON_NODE": "2"}
    return os.environ | fields | {"OMP_NUM_THREADS": "1", "TORCHELASTIC_ERROR_FILE": ""}


@pytest.mark.parametrize("name", sorted(path.name for path in SCRIPT.parent.glob("*.sh")))
def test_bash_can_read_the_script_and_without_arguments_it_says_how_it_is_used(name: str) -> None:
    assert subprocess.run(["bash", "-n", str(SCRIPT.parent / name)], check=False).returncode == 0
    ran = subprocess.run(["bash", str(SCRIPT.parent / name)], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "usage: sbatch" in ran.stderr


def test_several_nodes_meet_at_the_first_of_the_list(tmp_path: Path) -> None:
    env = slurm(tmp_path, nodes="node07 node08") | {"TORCHRUN": "true", "SLURM_JOB_NUM_NODES": "2", "SLURM_GPUS_ON_NODE": "8"}
    assert subprocess.run(["bash", str(SCRIPT), "recipe.yaml", "steps=5"], cwd=tmp_path, env=env, check=False).returncode == 0
    launched = (tmp_path / "srun").read_text().split()
    assert launched[launched.index("--nnodes") + 1] == "2"
    assert launched[launched.index("--nproc-per-node") + 1] == "8"
    assert launched[launched.index("--rdzv-endpoint") + 1] == "node07:24711"
    assert launched[-4:] == ["-m", "train", "recipe.yaml", "steps=5"]


@pytest.mark.slow
def test_a_job_that_must_go_saves_is_queued_again_and_ends_with_the_weights_of_one_that_stayed(tmp_path: Path, tiny: Path) -> None:
    """Two processes by torchrun's rendezvous; USR1 as Slurm sends it before the time is up."""
    make_set(tmp_path)
    path = recipe(tmp_path, tiny, steps=60, save_every=100)
    job = ["bash", str(SCRIPT), str(path)]
    env = slurm(tmp_path)
    assert subprocess.run([*job, f"output={tmp_path / 'stayed'}"], cwd=ROOT, env=env, check=False).returncode == 0
    assert "requeue" not in (tmp_path / "scontrol").read_text()
    running = subprocess.Popen([*job, f"output={tmp_path / 'run'}"], cwd=ROOT, env=env)
    deadline = time.monotonic() + 200
    while not (tmp_path / "run" / "log.jsonl").exists():
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGUSR1)
    assert running.wait(timeout=200) == 0
    assert "requeue 4711" in (tmp_path / "scontrol").read_text()
    assert not (tmp_path / "run" / "adapters").exists()
    (saved,) = (tmp_path / "run").glob("checkpoint-*")
    assert 0 < int(saved.name.partition("-")[2]) < 60
    assert subprocess.run([*job, f"output={tmp_path / 'run'}"], cwd=ROOT, env=env, check=False).returncode == 0
    one, two = (load_file(tmp_path / name / "adapters" / "adapter_model.safetensors") for name in ("stayed", "run"))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_a_failed_training_fails_the_job_and_is_not_queued_again(tmp_path: Path) -> None:
    env = slurm(tmp_path) | {"TORCHRUN": "false"}
    assert subprocess.run(["bash", str(SCRIPT), "recipe.yaml"], cwd=tmp_path, env=env, check=False).returncode == 1
    assert "requeue" not in (tmp_path / "scontrol").read_text()


def test_one_process_stops_when_asked_too(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_set(tmp_path)
    asked = tmp_path / "stop"
    asked.touch()
    monkeypatch.setenv("GEM_STOP_FILE", str(asked))
    path = recipe(tmp_path, tiny, steps=12, save_every=100)
    assert main([str(path)]) == 0
    assert "stopped as asked after step 5 of 12" in capsys.readouterr().err
    asked.unlink()
    assert main([str(path)]) == 0
    assert (tmp_path / "run" / "adapters").is_dir()
