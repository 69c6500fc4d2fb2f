"""Two processes on CPU: DDP, ZeRO-2 and ZeRO-3 give the losses and weights of one; killed runs go on; what would not shard is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from made_set import make_set, recipe
from safetensors.torch import load_file

from gem.errors import ConfigError
from train.__main__ import main
from train.launch import check_launch

ROOT = Path(__file__).parents[2]
EXACT = ("lora.dropout=0",)
"""Dropout draws by process, so only without it are one process and two the same run."""
KINDS = {
    "ddp": (),
    "zero2": (f"deepspeed={ROOT}/configs/deepspeed/zero2.json",),
    "zero3": (f"deepspeed={ROOT}/configs/deepspeed/zero3.json",),
}
TORCHRUN = ("torchrun", "--standalone", "--nproc-per-node")


def started(recipe_file: Path, *changes: str, launcher: tuple[str, ...] = (*TORCHRUN, "2"), **more: str) -> "subprocess.Popen[str]":
    """A run of the recipe."""
    env = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"} | more
    command = [str(Path(sys.executable).parent / launcher[0]), *launcher[1:], "-m", "train", str(recipe_file), *changes]
    return subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def kill_all(running: "subprocess.Popen[str]") -> None:
    """The processes that train first, then their launcher: each lies in a process group of its own and would live on."""
    for process in [*psutil.Process(running.pid).children(recursive=True), psutil.Process(running.pid)]:
        process.send_signal(signal.SIGKILL)
    running.wait()


def finished(running: "subprocess.Popen[str]") -> tuple[int, str]:
    try:
        _, err = running.communicate(timeout=400)
    except subprocess.TimeoutExpired:
        kill_all(running)
        raise
    return running.returncode, err


def losses(run: Path) -> list[float]:
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


def adapters(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "adapters" / "adapter_model.safetensors")


@pytest.fixture(scope="module")
def one(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The recipe, and the run of one process."""
    folder = tmp_path_factory.mktemp("two")
    make_set(folder)
    path = recipe(folder, tiny, save_every=3)
    assert main([str(path), *EXACT]) == 0
    return path, folder / "run"


def agrees(one: tuple[Path, Path], kind: str) -> Path:
    path, alone = one
    run = alone.parent / kind
    code, err = finished(started(path, f"output={run}", *EXACT, *KINDS[kind]))
    assert code == 0, err
    assert losses(run) == pytest.approx(losses(alone), abs=1e-4)
    ours, theirs = adapters(alone), adapters(run)
    assert ours.keys() == theirs.keys()
    assert max((ours[name] - theirs[name]).abs().max().item() for name in ours) < 1e-4
    return run


def test_ddp_gives_the_losses_and_the_weights_of_one_process(one: tuple[Path, Path]) -> None:
    agrees(one, "ddp")


def test_zero_3_gives_them_too_and_each_process_keeps_half(one: tuple[Path, Path]) -> None:
    run = agrees(one, "zero3")
    halves = [path.stat().st_size for path in (run / "checkpoint-6" / "global_step6").glob("*optim_states.pt")]
    trained = sum(tensor.numel() for tensor in adapters(run).values())
    assert len(halves) == 2
    assert all(size < 0.8 * trained * 3 * 4 for size in halves), "weights and two moments in float32, half of each"


@pytest.mark.slow
def test_zero_2_gives_them_too(one: tuple[Path, Path]) -> None:
    run = agrees(one, "zero2")
    assert len(list((run / "checkpoint-6" / "global_step6").glob("*optim_states.pt"))) == 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_that_are_killed_go_on_to_the_same_weights(kind: str, one: tuple[Path, Path]) -> None:
    """Dropout and dropped leads draw from chance; kill -9 after a checkpoint, and the last bit of every weight agrees."""
    path, alone = one
    changes = (*KINDS[kind], "steps=30", "lora.dropout=0.2", "data.augment.drop_leads=0.5")
    whole, killed = alone.parent / f"{kind}-whole", alone.parent / f"{kind}-killed"
    assert finished(started(path, f"output={whole}", *changes))[0] == 0
    running = started(path, f"output={killed}", *changes)
    deadline = time.monotonic() + 200
    while not (killed / "checkpoint-6" / "whole.json").exists():
        assert time.monotonic() < deadline
        assert running.poll() is None, running.communicate()
        time.sleep(0.02)
    kill_all(running)
    assert not (killed / "adapters").exists()
    code, err = finished(started(path, f"output={killed}", *changes))
    assert code == 0, err
    assert losses(killed) == losses(whole)
    ours, theirs = adapters(whole), adapters(killed)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_another_number_of_processes_than_wrote_the_checkpoint_is_refused(
    one: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, alone = one
    state = alone / "checkpoint-6" / "whole.json"
    before = state.read_text()
    state.write_text(json.dumps(json.loads(before) | {"processes": 2}))
    try:
        assert main([str(path), *EXACT]) == 2
    finally:
        state.write_text(before)
    assert "was written by 2 processes, but there are 1" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ddp", "zero2", "zero3"])
def test_accelerate_launches_the_same_run(kind: str, one: tuple[Path, Path]) -> None:
    path, alone = one
    run = alone.parent / f"accelerate-{kind}"
    launcher = (
        "accelerate",
        "launch",
        "--config_file",
        f"configs/accelerate/{kind}.yaml",
        "--num_processes",
        "2",
        "--main_process_port",
        "0",
    )
    code, err = finished(started(path, f"output={run}", *EXACT, launcher=launcher))
    assert code == 0, err
    assert losses(run) == pytest.approx(losses(alone), abs=1e-4)


def test_fsdp_on_cpu_is_refused_and_not_run_as_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(ConfigError, match="would copy the whole model"):
        check_launch(deepspeed=False, cpu=True)
    check_launch(deepspeed=False, cpu=False)


def test_deepspeed_without_a_launcher_says_how_to_start_it(one: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    path, alone = one
    assert main([str(path), f"output={alone.parent / 'no launcher'}", *KINDS["zero2"]]) == 2
    assert "torchrun --nproc-per-node 1" in capsys.readouterr().err


@pytest.mark.slow
def test_fully_shard_shards_our_model_and_learns_the_same(tiny: Path) -> None:
    """What FSDP2 does on GPUs, by torch itself on a mesh of two CPU processes: accelerate's own way is closed there."""
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    step = ("-m", "tests.train.fsdp2_step", str(tiny))
    commands = [[sys.executable, *step], [str(Path(sys.executable).parent / "torchrun"), *TORCHRUN[1:], "2", *step]]
    alone, two = (
        json.loads(subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout) for command in commands
    )
    assert two["losses"] == pytest.approx(alone["losses"], abs=1e-4)
    assert two["losses"][-1] < two["losses"][0]
    assert (alone["share"], two["share"]) == (1, 0.5)
    assert two["sum"] == pytest.approx(alone["sum"], rel=1e-5)


@pytest.mark.slow
def test_what_one_process_would_do_alone_under_zero_3_is_refused(one: tuple[Path, Path]) -> None:
    """The others would wait for it for ever."""
    path, alone = one
    tiny_recipe = "model={name: t, llm: {model_type: qwen3, hidden_size: 16}, ecg: {hidden_size: 16}}"
    changes = (f"output={alone.parent / 'recipe'}", *KINDS["zero3"])
    code, err = finished(started(path, tiny_recipe, *changes, launcher=(*TORCHRUN, "1")))
    assert code != 0
    assert "under ZeRO-3 model must be a folder" in err
