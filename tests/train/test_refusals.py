"""What a run is refused for, and that the refusal names it."""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch
from made_set import make_set, recipe

from gem.config import read_yaml
from gem.errors import ConfigError, ModelError
from train.__main__ import STAGES, main
from train.run_folder import last_checkpoint, mark_whole

FACTS = {"architecture": "lora 4", "processes": 2, "batch": 8}


def said(path: Path, *changes: str) -> tuple[int, str]:
    """Exit status and stderr, in a process of its own: faults of the Trainer leave its state behind."""
    env = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "train", str(path), *changes], capture_output=True, text=True, env=env, cwd=Path(__file__).parents[2]
    )
    return ran.returncode, ran.stderr


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("optim.warmpu=0.1", "optim.warmpu"),
        ("epochs=1", "one of epochs and steps"),
        ("data.features=cached data.augment.crop=0.5", "features: cached needs"),
        ("data.features=cached data.show.pictures=drawn", "show.pages above 0"),
        ("bits=4 llm=full", "bits needs llm: lora"),
        ("stage=dream", "choose delineator"),
        ("per_device=3", "no multiple"),
        ("validation.every=2", "data.valid names no rows"),
        ("data.train={nowhere.jsonl: 1}", "nowhere.jsonl: cannot be read"),
        ("model=nowhere", "nowhere: cannot be loaded"),
        ("ecg_layers=9", "it has 2"),
        ("validation.best=loss", "validation.best needs validation.every"),
        ("report_to=[wandb]", "wandb is not installed"),
        ("data.show.headers={}", "weights of 0 or more"),
    ],
)
def test_a_recipe_that_cannot_be_followed_ends_with_2_and_names_the_key(
    change: str, word: str, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_set(tmp_path)
    assert main([str(recipe(tmp_path, tiny)), *change.split(" ")] if "{" not in change else [str(recipe(tmp_path, tiny)), change]) == 2
    assert word in capsys.readouterr().err


def test_a_folder_with_another_run_in_it_is_refused_and_more_workers_are_not(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_set(tmp_path)
    path = recipe(tmp_path, tiny, steps=2)
    assert main([str(path)]) == 0
    assert main([str(path), "optim.lr=0.5"]) == 2
    assert "other settings (optim)" in capsys.readouterr().err
    assert main([str(path), "log_every=5"]) == 0
    make_set(tmp_path, 30)
    assert main([str(path)]) == 2
    assert "data have changed" in capsys.readouterr().err


def test_a_loss_that_is_no_number_stops_the_run_and_no_checkpoint_holds_it(tmp_path: Path, tiny: Path) -> None:
    """A weight of the base is made infinite: the first step says so, names the step, and leaves no checkpoint."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    make_set(tmp_path)
    model = AutoModelForImageTextToText.from_pretrained(tiny)
    with torch.no_grad():
        model.ecg_projector[0].weight[0, 0] = float("inf")
    model.save_pretrained(tmp_path / "broken")
    AutoProcessor.from_pretrained(tiny).save_pretrained(tmp_path / "broken")
    status, err = said(recipe(tmp_path, tmp_path / "broken"))
    assert status == 2
    assert "the loss is not a number at step 1" in err
    assert not list((tmp_path / "run").glob("checkpoint-*"))


def test_a_checkpoint_that_was_not_finished_is_removed_and_the_one_before_it_taken(tmp_path: Path) -> None:
    for step in (10, 20, 30):
        (tmp_path / f"checkpoint-{step}").mkdir()
    for step in (10, 20):
        mark_whole(tmp_path / f"checkpoint-{step}", FACTS | {"step": step})
    assert last_checkpoint(tmp_path, FACTS) == tmp_path / "checkpoint-20"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-20"]


def test_a_checkpoint_of_another_number_of_processes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-5").mkdir()
    mark_whole(tmp_path / "checkpoint-5", FACTS)
    with pytest.raises(ConfigError, match="written by 2 processes, but there are 1"):
        last_checkpoint(tmp_path, FACTS | {"processes": 1})


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same recipe on a base that has changed under it."""
    from gem.model.build import ModelRecipe, build, save

    (tmp_path / "checkpoint-5").mkdir()
    mark_whole(tmp_path / "checkpoint-5", FACTS)
    with pytest.raises(ModelError, match="another architecture"):
        last_checkpoint(tmp_path, FACTS | {"architecture": "lora 8"})
    make_set(tmp_path)
    fields = json.loads((tiny / "config.json").read_text())
    base = ModelRecipe.load(Path(__file__).parents[2] / "configs" / "model" / "tiny.yaml")
    assert fields["text_config"]["num_hidden_layers"] == 2
    save(*build(base), tmp_path / "base")
    path = recipe(tmp_path, tmp_path / "base", steps=2)
    assert main([str(path)]) == 0
    shutil.rmtree(tmp_path / "base")
    save(*build(base.model_copy(update={"llm": base.llm | {"num_hidden_layers": 3}})), tmp_path / "base")  # type: ignore[operator]
    assert main([str(path)]) == 2
    assert "another architecture" in capsys.readouterr().err


def test_every_recipe_that_ships_loads() -> None:
    found = sorted((Path(__file__).parents[2] / "configs" / "train").glob("*.yaml"))
    assert len(found) >= 4
    for path in found:
        module, kind, _ = STAGES[read_yaml(path)["stage"]]
        getattr(import_module(module), kind).load(path)
