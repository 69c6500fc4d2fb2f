"""The instruct stage on a tiny model: it learns, goes on exactly after a kill, and merges into a model that gem reads."""

import json
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


def test_a_run_that_is_killed_goes_on_to_the_same_weights(small: Path, tiny: Path) -> None:
    """SIGKILL after the second checkpoint; dropout and dropped leads draw from chance, and the last bit of every weight agrees."""
    path = recipe(small, tiny, steps=40, save_every=4)
    changes = ["data.augment.drop_leads=0.5", "lora.dropout=0.2"]
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
