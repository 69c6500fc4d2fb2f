"""Training of the delineator: targets by construction, loss that falls, exact resume, the shipped file equals the network."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gem.errors import ConfigError
from gem.measure.scores import WAVES
from train.delineator import run as training
from train.delineator.augment import drawn
from train.delineator.config import Augment, DelineatorRecipe
from train.delineator.examples import Example, joint_edges, ludb_example, simulated_example
from train.delineator.net import Delineator

ROOT = Path(__file__).parents[2]
PLAIN = Augment(stretch=0, noise=0, low_rate=0, flip=0, fewer_leads=0)


@pytest.fixture(scope="module")
def simulated() -> list[Example]:
    return [simulated_example(seed) for seed in range(4)]


def small(folder: Path, **changes: object) -> DelineatorRecipe:
    base = {"stage": "delineator", "name": "small", "output": folder, "widths": (4, 6, 8, 8, 8), "kernels": (5, 5, 3, 3, 3), "workers": 0}
    base |= {"simulated": 4, "simulated_share": 1.0, "batch": 2, "crop": 1024, "steps": 40, "save_every": 10}
    return DelineatorRecipe.model_validate(base | changes)


def test_targets_cover_the_truth_and_nothing_outside_the_marked_stretch_counts(simulated: list[Example]) -> None:
    example = replace(simulated[0], vague_s=0.0)
    made = drawn(example, 2048, 12, PLAIN, np.random.default_rng(0))
    assert {key: value.shape for key, value in made.items()} == {
        "signal": (12, 2048), "lead": (12, 3, 2048), "joint": (3, 2048), "lead_weight": (12, 3, 2048), "joint_weight": (3, 2048),
    }  # fmt: skip
    first = _first_sample(example, made["signal"])
    t = (np.arange(2048) + first) / 250.0
    for k, wave in enumerate(WAVES):
        for row in (0, 7):
            inside = sum((t > a) & (t < b) for a, b in example.lead[wave][row])
            agree = (made["lead"][row, k] > 0.5) == (inside > 0)
            assert agree.mean() > 0.99, (wave, row)
    outside = (t < example.valid[0] - 0.01) | (t > example.valid[1] + 0.01)
    assert outside.any()
    assert not made["joint_weight"][:, outside].any()
    assert made["joint_weight"][:, ~outside].mean() > 0.95


def test_a_simulated_wave_is_taught_but_not_where_it_ends(simulated: list[Example]) -> None:
    example = simulated[0]
    exact, vague = (drawn(replace(example, vague_s=s), 2048, 12, PLAIN, np.random.default_rng(0)) for s in (0.0, example.vague_s))
    assert example.vague_s > 0.02
    for weight, target in (("joint_weight", "joint"), ("lead_weight", "lead")):
        assert (vague[weight] <= exact[weight]).all()
        edge = np.abs(np.diff(exact[target], axis=-1)) > 0
        assert not vague[weight][..., 1:][edge].any()
        assert vague[weight].sum() > 0.4 * exact[weight].sum()


def _first_sample(example: Example, signal: np.ndarray) -> int:
    """Where the crop begins, by correlation of lead II."""
    from scipy.signal import resample_poly

    whole = resample_poly(example.signal[1], 1, 2, padtype="line")
    return int(np.argmax(np.correlate(whole - whole.mean(), signal[1][:1500], mode="valid")))


def test_stretching_time_moves_the_edges_with_the_signal(simulated: list[Example]) -> None:
    how = PLAIN.model_copy(update={"stretch": 1.0})
    made = drawn(simulated[1], 2048, 12, how, np.random.default_rng(5))
    steep = np.abs(np.diff(made["signal"], axis=1)).max(axis=0)
    inside = made["joint"][1, 1:] > 0.5
    counted = made["joint_weight"][1, 1:] > 0
    assert np.median(steep[inside & counted]) > 3 * np.median(steep[~inside & counted])


def test_examples_depend_on_recipe_and_step_alone(simulated: list[Example], tmp_path: Path) -> None:
    recipe = small(tmp_path)
    one, two = (training.make_batch(recipe, [], simulated, 7) for _ in range(2))
    other = training.make_batch(recipe, [], simulated, 8)
    assert all(np.array_equal(one[key], two[key]) for key in one)
    assert not np.array_equal(one["signal"], other["signal"])


def test_joint_edges_are_the_second_earliest_and_the_second_latest_of_the_leads() -> None:
    rows = [np.array([[1.0 + 0.01 * k, 1.2 + 0.01 * k]]) for k in range(5)]
    assert joint_edges(rows) == pytest.approx(np.array([[1.01, 1.23]]))
    assert joint_edges(rows[:3]).shape == (0, 2), "three leads are too few for a wave"


@pytest.mark.data
def test_a_record_of_ludb_brings_its_marks_and_the_stretch_they_fill(data: Path) -> None:
    example = ludb_example(data / "ludb" / "data" / "3.hea")
    assert example.signal.shape == (12, 5000)
    beats = {len(rows) for rows in example.lead["qrs"]}
    assert max(beats) - min(beats) <= 1
    assert abs(len(example.joint["qrs"]) - max(beats)) <= 1
    assert 0 < example.valid[0] < example.joint["qrs"][0, 1]
    assert example.joint["qrs"][-1, 0] < example.valid[1] <= 10
    width = np.diff(example.joint["qrs"], axis=1)
    assert 0.06 < np.median(width) < 0.2


def test_the_loss_falls_and_the_file_that_ships_gives_the_scores_of_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulated: list[Example]
) -> None:
    monkeypatch.setattr(training, "load_examples", lambda recipe: ([], [], simulated))
    recipe = small(tmp_path / "run", steps=60, lr=1e-2)
    folder = training.run(recipe)
    losses = [float(line.split('"loss": ')[1].split(",")[0]) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.6 * losses[0]
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / "delineator.onnx"), providers=["CPUExecutionProvider"])
    net = Delineator(recipe.widths, recipe.kernels).eval()
    net.load_state_dict(load_file(folder / "delineator.safetensors"))
    for leads, samples in ((12, 2496), (1, 640), (7, 1024)):
        x = torch.randn(1, leads, samples)
        with torch.no_grad():
            lead, joint = (logits.sigmoid().numpy() for logits in net(x))
        found = session.run(None, {"signal": x.numpy()})
        assert found[0] == pytest.approx(lead, abs=1e-5)
        assert found[1] == pytest.approx(joint, abs=1e-5)


_SCRIPT = """
import sys
from pathlib import Path
from tests.train.test_delineator import small
from train.delineator import run as training
from train.delineator.examples import simulated_example
training.load_examples = lambda recipe: ([], [], [simulated_example(seed) for seed in range(4)])
training.run(small(Path(sys.argv[1])))
"""


def test_a_run_killed_in_the_middle_ends_with_the_same_weights(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def started(name: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-c", _SCRIPT, str(tmp_path / name)], env=environment)

    whole = started("whole")
    assert whole.wait() == 0
    killed = started("killed")
    log = tmp_path / "killed" / "log.jsonl"
    give_up = time.monotonic() + 120
    while (not log.exists() or len(log.read_text().splitlines()) < 2) and time.monotonic() < give_up:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed" / "delineator.safetensors").exists()
    assert started("killed").wait() == 0
    one, two = (load_file(tmp_path / name / "delineator.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_a_folder_of_another_recipe_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulated: list[Example]) -> None:
    monkeypatch.setattr(training, "load_examples", lambda recipe: ([], [], simulated))
    training.run(small(tmp_path, steps=2))
    with pytest.raises(ConfigError, match="seed, widths"):
        training.run(small(tmp_path, steps=2, seed=9, widths=(4, 6, 8, 8, 16)))


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulated: list[Example]) -> None:
    monkeypatch.setattr(training, "load_examples", lambda recipe: ([], [], simulated))
    monkeypatch.setattr(training, "loss_of", lambda *_: torch.tensor(float("nan"), requires_grad=True))
    with pytest.raises(ConfigError, match="the loss is nan at step 0; lower lr"):
        training.run(small(tmp_path))
