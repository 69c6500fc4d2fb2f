"""The plan of a run: counts against the published model, memory against a step that ran, what is refused and what is advised."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gem.errors import ConfigError, ModelError
from train.plan.config import Plan
from train.plan.estimate import estimate
from train.plan.recipe import load_plan
from train.plan.show import main, told

ROOT = Path(__file__).parents[2]
PLANS = sorted((ROOT / "configs" / "plan").glob("*.yaml"))
LLM = {"model_type": "qwen3", "hidden_size": 384, "intermediate_size": 1024, "num_hidden_layers": 6, "num_attention_heads": 6}
LLM |= {"num_key_value_heads": 2, "head_dim": 64, "vocab_size": 4096, "tie_word_embeddings": False}
SMALL = {
    "name": "small",
    "model": {"name": "small", "llm": LLM, "ecg": {"hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 2}},
    "dtype": "float32",
    "rank": 16,
    "rows": 2,
    "tokens": 512,
}  # fmt: skip
VERSIONS = [{"learns": "all", "checkpointing": False}, {"learns": "lora", "checkpointing": True}]


def test_the_estimate_is_within_a_tenth_of_what_a_step_held(tmp_path: Path) -> None:
    """Resident size of a process that runs the same step, two of them so that the optimizer's moments are there."""
    files = [tmp_path / f"{k}.yaml" for k in range(len(VERSIONS))]
    for file, version in zip(files, VERSIONS, strict=True):
        file.write_text(yaml.safe_dump(SMALL | version))
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.train.measured_step", *map(str, files)]
    out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment).stdout
    measured = [int(line) for line in out.splitlines()]
    said = [estimate(Plan.load(file)).allocated for file in files]
    for version, one, two in zip(VERSIONS, said, measured, strict=True):
        print(f"{version}: measured {two / 2**20:.0f} MiB, said {one / 2**20:.0f}, {one / two - 1:+.1%}")
    assert said == pytest.approx(measured, rel=0.1)


def plan(**changes: object) -> Plan:
    return Plan.model_validate(SMALL | changes)


def test_parameters_are_counted_as_in_the_published_checkpoint() -> None:
    """7,149,680,128 by the index of LANSG/GEM, of which the last norm and the projection of ECG-CoCa are stored and unused."""
    published = estimate(Plan.load(ROOT / "configs" / "plan" / "gem_8x80.yaml", ["rows=1", "tokens=700"]))
    assert published.counts.frozen + published.counts.trained == 7_149_680_128 - (768 * 512 + 2 * 768)


def test_more_of_what_costs_memory_costs_memory() -> None:
    base = estimate(plan())
    assert estimate(plan(rows=4)).activations > 1.8 * base.activations
    assert estimate(plan(tokens=1024)).activations > 1.8 * base.activations
    assert estimate(plan(checkpointing=False)).activations > 1.5 * base.activations
    assert estimate(plan(dtype="bfloat16")).weights < 0.7 * base.weights
    whole = estimate(plan(learns="all", gpus=4))
    assert whole.optimizer > 10 * estimate(plan(gpus=4)).optimizer
    for kind, parts in (("zero2", ("gradients", "optimizer")), ("zero3", ("weights", "gradients", "optimizer"))):
        sharded = estimate(plan(learns="all", gpus=4, sharding=kind))
        assert all(getattr(sharded, part) < 0.5 * getattr(whole, part) for part in parts), kind
    host = estimate(plan(learns="all", gpus=4, sharding="zero3", offload="optimizer"))
    assert host.optimizer == 0
    assert host.host > 0


def test_four_bits_take_the_llm_to_a_third_of_sixteen() -> None:
    sixteen, four = (estimate(plan(dtype="bfloat16", quantised=q)) for q in (False, True))
    assert four.counts.quantised == 6 * (384 * 384 * 2 + 384 * 128 * 2 + 3 * 384 * 1024)
    assert sixteen.weights - four.weights == pytest.approx(four.counts.quantised * (2 - 0.5625))


def test_a_step_and_an_epoch_are_counted_over_all_gpus() -> None:
    one = estimate(plan(gpus=2, rows=4, accumulation=8, dataset=1000))
    assert (one.rows_a_step, one.tokens_a_step) == (64, 64 * 512)
    assert "16 steps of 1,000 rows" in told(one)


def test_what_does_not_fit_is_said_with_settings_that_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "large.yaml"
    file.write_text(yaml.safe_dump(SMALL | {"rows": 16, "checkpointing": False, "gpu_gib": 2.2}))
    assert main([str(file)]) == 3
    text = capsys.readouterr().out
    assert "does not fit" in text
    advice = text.split("would fit")[1].split()
    assert main([str(file), *advice]) == 0


def test_settings_that_contradict_each_other_and_models_that_are_not_there_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(yaml.safe_dump(SMALL))
    with pytest.raises(ConfigError, match="quantised weights cannot learn"):
        Plan.load(file, ["learns=all", "quantised=true"])
    with pytest.raises(ConfigError, match="offload is DeepSpeed's"):
        Plan.load(file, ["offload=optimizer"])
    with pytest.raises(ConfigError, match="gpu_gb"):
        Plan.load(file, ["gpu_gb=80"])
    with pytest.raises(ModelError, match=r"no config\.json"):
        estimate(Plan.load(file, ["model=nowhere"]))


def test_a_recipe_of_a_stage_is_planned_with_what_it_decides(tiny: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("{}\n" * 300)
    changes = [
        f"model={tiny}",
        f"data.train={{{rows}: 0.5}}",
        "gpus=8",
        "gpu_gib=24",
        "tokens=640",
        "deepspeed=configs/deepspeed/zero3_offload.json",
    ]
    found = load_plan(
        str(ROOT / "configs" / "train" / "instruct.yaml"), [c.replace("configs/deepspeed", f"{ROOT}/configs/deepspeed") for c in changes]
    )
    assert (found.rows, found.accumulation, found.gpus, found.tokens, found.gpu_gib) == (8, 2, 8, 640, 24)
    assert (found.sharding, found.offload, found.learns, found.dtype, found.checkpointing) == ("zero3", "all", "lora", "bfloat16", True)
    assert (found.pictures, found.dataset) == (1, 150)
    assert estimate(found).host > 0


def test_a_stage_without_an_llm_and_a_batch_that_does_not_divide_are_not_planned(tiny: Path) -> None:
    with pytest.raises(ConfigError, match="stage 'delineator' cannot be planned"):
        load_plan(str(ROOT / "configs" / "train" / "delineator.yaml"))
    with pytest.raises(ConfigError, match="batch 128 is no multiple of 8 rows on each of 3 GPUs"):
        load_plan(str(ROOT / "configs" / "train" / "instruct.yaml"), [f"model={tiny}", "gpus=3"])


def test_the_table_in_the_readme_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    main([str(file) for file in PLANS])
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == len(PLANS) + 2
    assert printed in (ROOT / "train" / "README.md").read_text(encoding="utf-8")
