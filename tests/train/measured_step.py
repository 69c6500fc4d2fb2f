"""Runs the step of a plan for real on this machine's CPU and prints the bytes that it held at most: python -m tests.train.measured_step CONFIG ...

The measure is the resident size that Linux keeps, not a count of ours: every block above 64 kB is its own mapping (MALLOC_MMAP_THRESHOLD_),
so what is freed goes back at once.
"""

import gc
import os
import sys
from pathlib import Path

import torch

from gem.model import GemForConditionalGeneration
from gem.model.build import shape
from gem.model.lora import Lora, add_lora
from train.plan.config import Plan
from train.plan.estimate import core

SMALLEST = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


def held(plan: Plan) -> int:
    """Bytes that two steps held at most, beyond what the process held before."""
    gc.collect()
    before = resident("VmRSS")
    model = GemForConditionalGeneration(shape(plan.model))
    if plan.learns == "lora":
        model = add_lora(model, Lora(plan.rank, 16, 0.05))
    else:
        for name, parameter in model.named_parameters():
            parameter.requires_grad = not name.startswith(("ecg_encoder", "image_encoder"))
    if plan.checkpointing:
        core(model).language_model.activation_checkpointing_enable()
    model.train()
    gem = core(model)
    e = gem.config.ecg_config
    n = int(plan.seconds * e.fs) // e.patch
    ids = torch.randint(5, 30, (plan.rows, plan.tokens))
    ids[:, :n] = gem.config.ecg_token_id
    batch = {"input_ids": ids, "labels": ids.clamp(max=30), "ecg_values": torch.randn(plan.rows, 12, n * e.patch), "use_cache": False}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], fused=True)
    for _ in range(2):
        Path("/proc/self/clear_refs").write_text("5")
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        del loss
    return resident("VmHWM") - before


def resident(what: str) -> int:
    line = next(text for text in Path("/proc/self/status").read_text().splitlines() if text.startswith(what))
    return int(line.split()[1]) * 1024


def main(configs: list[str]) -> None:
    plans = [Plan.load(config) for config in configs]
    for plan in plans:  # what is loaded and set up once, by a step of the same kind that holds next to nothing
        small = plan.model.model_copy(update={"llm": plan.model.llm | SMALLEST, "ecg": SMALLEST})
        held(plan.model_copy(update={"model": small, "rows": 1, "tokens": 128}))
    for plan in plans:
        print(held(plan), flush=True)


if __name__ == "__main__":
    assert os.environ.get("MALLOC_MMAP_THRESHOLD_") == "65536"
    main(sys.argv[1:])
