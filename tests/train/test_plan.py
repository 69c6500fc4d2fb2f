"""The plan of a run: counts against the published model, memory against a step that ran, what is refused and what is advised."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gem.errors import ConfigError
from train.plan.config import Plan
from train.plan.estimate import GIB, Estimate, estimate
from train.plan.show import main, suggested, table

ROOT = Path(__file__).parents[2]
PLANS = sorted((ROOT / "configs" / "plan").glob("*.yaml"))
LLM = {"model_type": "qwen3", "hidden_size": 384, "intermediate_size": 1024, "num_hidden_layers": 8, "num_attention_heads": 6}
LLM |= {"num_key_value_heads": 2, "head_dim": 64, "vocab_size": 8192, "tie_word_embeddings": False}
SMALL = {
    "name": "small",
    "model": {"name": "small", "llm": LLM, "ecg": {"hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 2}},
    "dtype": "float32",
    "rank": 16,
    "rows": 4,
    "tokens": 512,
}  # fmt: skip
VERSIONS = {"whole": {"learns": "all"}, "LoRA": {"learns": "lora"}}


@pytest.mark.parametrize("checkpointing", [False, True], ids=["all kept", "computed again"])
@pytest.mark.parametrize("learns", VERSIONS)
def test_the_estimate_is_within_a_tenth_of_what_a_step_held(learns: str, checkpointing: bool, tmp_path: Path) -> None:
    """Resident size of a process that runs the same step, two of them so that the optimizer's moments are there."""
    file = tmp_path / "plan.yaml"
    file.write_text(yaml.safe_dump(SMALL | VERSIONS[learns] | {"checkpointing": checkpointing}))
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.train.measured_step", str(file)]
    measured = int(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment).stdout)
    said = estimate(Plan.load(file)).allocated
    print(f"{learns}, checkpointing {checkpointing}: measured {measured / 2**20:.0f} MiB, said {said / 2**20:.0f}, {said / measured - 1:+.1%}")
    assert said == pytest.approx(measured, rel=0.1)
