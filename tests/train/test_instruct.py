"""The instruct stage on a tiny model: it learns, goes on exactly after a kill, and merges into a model that gem reads."""

import json
import os
import shutil
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


def losses(folder: Path) -> list[float]:
    rows = [json.loads(line) for line in (folder / "run" / "log.jsonl").read_text().splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


def command(path: Path, *changes: str) -> subprocess.Popen[str]:
    env = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "train", str(path), *changes], cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    make_set(tmp_path)
    return tmp_path


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_that_is_killed_goes_on_to_the_same_weights(workers: int, small: Path, tiny: Path) -> None:
    """SIGKILL after the second checkpoint; dropout and dropped leads draw from chance, and the last bit of every weight agrees."""
    path = recipe(small, tiny, steps=40, save_every=4)
    changes = ["data.augment.drop_leads=0.5", "lora.dropout=0.2", f"data.workers={workers}"]
    assert main([str(path), *changes]) == 0
    whole = load_file(small / "run" / "adapters" / "adapter_model.safetensors")
    again = [*changes, f"output={small / 'killed'}"]
    running = command(path, *again)
    deadline = time.monotonic() + 120
    while not (small / "killed" / "checkpoint-8" / "whole.json").exists():
        assert time.monotonic() < deadline
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert not (small / "killed" / "adapters").exists()
    assert main([str(path), *again]) == 0
    resumed = load_file(small / "killed" / "adapters" / "adapter_model.safetensors")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    logs = [(small / run / "log.jsonl").read_text().splitlines() for run in ("run", "killed")]
    assert [json.loads(a)["loss"] for a in logs[0][:-1]] == [json.loads(b)["loss"] for b in logs[1][:-1]]


def test_adapters_merge_into_a_model_that_gem_answers_with(small: Path, tiny: Path) -> None:
    """The merged model alone gives the logits of base and adapters."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from gem.infer.engine import Engine
    from gem.model.lora import load_adapter
    from gem.model.tokens import user
    from gem.simulate import simulate_recording

    assert main([str(recipe(small, tiny))]) == 0
    merging = small / "merge.yaml"
    merging.write_text(f"stage: merge\nname: m\nadapters: {small / 'run' / 'adapters'}\noutput: {small / 'merged'}\n")
    assert main([str(merging)]) == 0
    row = AutoProcessor.from_pretrained(small / "merged").row(
        [user("What does this tracing show?", [simulate_recording("rbbb").recording])]
    )
    batch = AutoProcessor.from_pretrained(tiny).batch([row])
    adapted = load_adapter(AutoModelForImageTextToText.from_pretrained(tiny), small / "run" / "adapters").eval()
    merged = AutoModelForImageTextToText.from_pretrained(small / "merged").eval()
    with torch.no_grad():
        assert torch.allclose(adapted(**batch).logits, merged(**batch).logits, atol=1e-4)
        assert not torch.allclose(AutoModelForImageTextToText.from_pretrained(tiny)(**batch).logits, merged(**batch).logits, atol=1e-2)
    assert len(Engine.load(small / "merged").answer([[user("What is this?", [simulate_recording("normal").recording])]])) == 1


def test_adapters_on_four_bits_learn(small: Path, tiny: Path) -> None:
    """QLoRA; bitsandbytes has kernels for the CPU."""
    pytest.importorskip("bitsandbytes")
    assert main([str(recipe(small, tiny, steps=20, save_every=20, bits=4))]) == 0
    found = losses(small)
    assert found[-1] < found[0] - 0.5


def test_encoder_layers_learn_where_they_are_asked_to(small: Path, tiny: Path) -> None:
    from transformers import AutoModelForImageTextToText

    assert main([str(recipe(small, tiny, llm="frozen", ecg_layers=1))]) == 0
    before = AutoModelForImageTextToText.from_pretrained(tiny).state_dict()
    after = AutoModelForImageTextToText.from_pretrained(small / "run" / "model").state_dict()
    changed = {
        name.split(".")[0] + "." + (name.split(".")[2] if "layers" in name else "")
        for name in before
        if not torch.equal(before[name], after[name])
    }
    assert changed == {"ecg_encoder.1", "ecg_projector."}


def test_checkpointed_activations_and_accumulated_batches_give_the_same_losses(small: Path, tiny: Path) -> None:
    path = recipe(small, tiny, lora={"rank": 4, "dropout": 0.0})
    assert main([str(path)]) == 0
    plain = losses(small)
    shutil.rmtree(small / "run")
    assert main([str(path), "checkpointing=true", "per_device=2"]) == 0
    assert losses(small) == pytest.approx(plain, abs=2e-4)


def test_what_is_logged_can_be_looked_at_in_tensorboard(small: Path, tiny: Path) -> None:
    assert main([str(recipe(small, tiny, steps=2, report_to=["tensorboard"]))]) == 0
    assert list((small / "run").rglob("events.out.tfevents.*"))
