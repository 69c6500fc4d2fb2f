"""Every stage on a tiny model: its loss falls; on answers that the recording does not tell it cannot fall as far."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from made_set import make_set, recipe
from safetensors.torch import load_file

from train.__main__ import main

LANGUAGE = {
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 12,
}
MODEL = {
    "name": "small", "llm": LANGUAGE | {"model_type": "qwen3"}, "longest": 256,
    "ecg": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 2, "fs": 100.0, "patch": 20, "layout": "joint"},
}  # fmt: skip
STEPS = 300


def run(folder: Path, at: Path, stage: str, *changes: str, **fields: object) -> list[dict[str, float]]:
    """The log of a run."""
    path = recipe(folder, at, stage, **fields)
    if stage == "language":
        path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "model"}))
    assert main([str(path), *changes]) == 0
    return [json.loads(line) for line in (folder / "run" / "log.jsonl").read_text().splitlines()]


def first_and_last(log: list[dict[str, float]], name: str = "loss") -> tuple[float, float]:
    values = [row[name] for row in log if name in row]
    return values[0], values[-1]


def learning(folder: Path, model: Path, shuffled: bool, **fields: object) -> float:
    """Validation loss, on answers that are true, of a run whose training answers are true or shuffled."""
    make_set(folder, 24, shuffled)
    valid = make_set(folder, 12, split="valid")
    data = json.loads(recipe(folder, model).read_text())["data"] | {"valid": {str(valid): 1.0}}
    how = {"steps": STEPS, "save_every": STEPS, "validation": {"every": STEPS}, "optim": {"lr": 3e-3}, "llm": "full", "ecg_layers": -1}
    log = run(folder, model, "instruct", data=data, model=MODEL, **how, **fields)
    return first_and_last(log, "eval_loss")[1]


@pytest.mark.parametrize(("stage", "by"), [("project", 0.2), ("instruct", 0.8)])
def test_the_loss_of_a_stage_falls(stage: str, by: float, tmp_path: Path, tiny: Path) -> None:
    """Projectors before a frozen LLM that knows no word yet can do little: by how much follows the stage."""
    make_set(tmp_path)
    first, last = first_and_last(run(tmp_path, tiny, stage, steps=20, save_every=20))
    assert last < first - by


def test_a_language_model_from_scratch_learns_its_texts_and_becomes_part_of_a_model(tmp_path: Path) -> None:
    """Tokenizer and decoder come from the rows; a model recipe names the folder, and instruct goes on from there."""
    make_set(tmp_path)
    log = run(tmp_path, Path("none"), "language", llm=LANGUAGE, vocabulary=320, steps=40, save_every=40, optim={"lr": 1e-2})
    first, last = first_and_last(log)
    assert last < first / 4
    ecg = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "fs": 100.0, "patch": 20}
    model = {"name": "nano", "llm": str(tmp_path / "run" / "model"), "ecg": ecg, "longest": 512}
    again = tmp_path / "instruct"
    make_set(again)
    path = recipe(again, Path("none"), steps=2, llm="full")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model": model}))
    assert main([str(path)]) == 0
    first_loss = json.loads((again / "run" / "log.jsonl").read_text().splitlines()[0])["loss"]
    assert first_loss < first / 2  # it knows the words before it has seen a recording
    assert (again / "run" / "model" / "config.json").is_file()


def test_answers_that_the_recording_does_not_tell_are_not_learned(tmp_path: Path, tiny: Path) -> None:
    """The check that the check can fail: the same run on shuffled answers stays far from the loss of the true ones."""
    true, shuffled = (learning(tmp_path / name, tiny, name == "shuffled") for name in ("true", "shuffled"))
    assert true < 0.3 * shuffled


def test_the_user_s_words_count_in_the_loss_only_where_they_are_asked_to(tmp_path: Path) -> None:
    """A model that learned the answers alone does not know the question; one that learned all does."""
    make_set(tmp_path)
    both = []
    for answers in (True, False):
        log = run(
            tmp_path, Path("none"), "language", f"output={tmp_path / 'run'}", f"answers={answers}", llm=LANGUAGE, vocabulary=320, steps=3
        )
        both.append(first_and_last(log)[0])
        shutil.rmtree(tmp_path / "run")
    assert abs(both[0] - both[1]) > 1e-3


@pytest.mark.parametrize(
    ("stage", "changes"),
    [
        ("project", {}),
        ("instruct", {"llm": "full", "ecg_layers": -1, "per_device": 2}),
        ("instruct", {"validation": {"every": 3, "rows": 4, "written": 1, "longest": 8}, "checkpointing": True}),
        ("language", {"llm": LANGUAGE, "vocabulary": 320}),
    ],
)
def test_a_run_that_goes_on_from_its_second_step_ends_with_the_same_weights(
    stage: str, changes: dict[str, object], tmp_path: Path, tiny: Path
) -> None:
    """Every later checkpoint, the log after it and the result are taken away; what comes again is the same."""
    path = make_set(tmp_path)
    data = json.loads(recipe(tmp_path, tiny).read_text())["data"] | {"valid": {str(path): 1.0}, "augment": {"drop_leads": 0.5}}
    run(tmp_path, tiny, stage, data=data, keep=5, **changes)
    (result,) = [folder for folder in (tmp_path / "run").iterdir() if folder.name in ("model", "adapters")]
    (weights,) = result.glob("*.safetensors")
    before = load_file(weights)
    for gone in (result, tmp_path / "run" / "checkpoint-4", tmp_path / "run" / "checkpoint-6"):
        shutil.rmtree(gone)
    log = run(tmp_path, tiny, stage, data=data, keep=5, **changes)
    after = load_file(weights)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [row["step"] for row in log if "loss" in row] == [1, 2, 3, 4, 5, 6]


def test_the_result_may_be_the_checkpoint_that_was_best(tmp_path: Path, tiny: Path) -> None:
    """A learning rate that ruins what was learned: the best is not the last."""
    path = make_set(tmp_path)
    data = json.loads(recipe(tmp_path, tiny).read_text())["data"] | {"valid": {str(path): 1.0}}
    how = {
        "validation": {"every": 2, "rows": 8, "best": "loss"},
        "keep": 9,
        "optim": {"lr": 1.0, "warmup": 0.9, "schedule": "constant_with_warmup"},
        "llm": "full",
    }
    log = run(tmp_path, tiny, "instruct", data=data, steps=10, **how)
    seen = {row["step"]: row["eval_loss"] for row in log if "eval_loss" in row}
    best = min(seen, key=lambda step: seen[step])
    assert best != 10
    kept, result = (load_file(tmp_path / "run" / folder / "model.safetensors") for folder in (f"checkpoint-{best}", "model"))
    assert all(torch.equal(kept[key], result[key]) for key in kept)
