"""Operations of a step, against what torch counts."""

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForImageTextToText, AutoProcessor

from gem.model.lora import Lora, add_lora
from gem.model.tokens import user
from gem.simulate import simulate_recording
from train.progress import Work


@pytest.mark.parametrize("lora", [False, True])
def test_the_operations_of_a_step_are_those_that_torch_counts(lora: bool, tiny: Path) -> None:
    """All weights learn, or adapters do: within 10 % of what the multiplications of a step of one row add up to.

    Torch counts whole squares of attention where causal ones need half: the row is short, so that it matters little.
    """
    model, processor = AutoModelForImageTextToText.from_pretrained(tiny).train(), AutoProcessor.from_pretrained(tiny)
    answer = {"role": "assistant", "content": "Sinus rhythm. " * 8}
    messages = [user("What is the rhythm?", [simulate_recording("normal").recording]), answer]
    batch = dict(processor.batch([processor.row(messages)], side="right"))
    learner = add_lora(model, Lora(rank=4)) if lora else model
    counter = FlopCounterMode(display=False)
    with counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        learner(**batch, use_cache=False).loss.backward()
    assert float(Work(learner).of(batch)) == pytest.approx(counter.get_total_flops(), rel=0.1)
