"""Validation: what is written is judged by the trace, not by how well it is spoken; losses by task add up."""

import json
from pathlib import Path

import pytest
import torch
from made_set import PRESETS, conversation, make_set, recipe
from test_stages import LANGUAGE

from gem.measure.measure import measure_recording
from gem.simulate import simulate_recording
from train.__main__ import main
from train.validate import row_losses


def of_rate(folder: Path, off: float) -> dict[str, float]:
    """The last validation of a decoder that has learned by heart rates that are `off` times those of the recordings."""
    make_set(folder)
    lines = []
    for k in range(12):
        name = PRESETS[k % 3]
        rate = measure_recording(simulate_recording(name).recording).of_all["heart_rate"].value
        assert rate is not None
        row = conversation(k, name, f"The heart rate is {off * rate:.0f} bpm.")
        asked = row.turns[0].model_copy(update={"text": f"Rate of {name}?"})
        lines.append(json.dumps(row.model_copy(update={"turns": (asked, row.turns[1])}).to_row()) + "\n")
    path = folder / "conversations" / "train.jsonl"
    path.write_text("".join(lines))
    data = json.loads(recipe(folder, Path("none")).read_text())["data"] | {"valid": {str(path): 1.0}}
    validation = {"every": 120, "rows": 12, "written": 3, "tasks": ["open", "report"], "longest": 24}
    made = recipe(
        folder,
        Path("none"),
        "language",
        llm=LANGUAGE,
        vocabulary=320,
        steps=120,
        save_every=120,
        optim={"lr": 1e-2},
        data=data,
        validation=validation,
    )
    made.write_text(json.dumps({k: v for k, v in json.loads(made.read_text()).items() if k != "model"}))
    assert main([str(made)]) == 0
    log = [json.loads(line) for line in (folder / "run" / "log.jsonl").read_text().splitlines()]
    return next(row for row in log if "eval_loss" in row)


@pytest.mark.parametrize(("off", "supported"), [(1.0, 1.0), (2.0, 0.0)])
def test_what_is_written_is_judged_by_the_trace(off: float, supported: float, tmp_path: Path) -> None:
    """Both models speak without fault and have a loss near 0; only one of them says what the trace says."""
    metrics = of_rate(tmp_path, off)
    assert metrics["eval_loss"] < 0.2
    assert metrics["eval_claims"] >= 1
    assert metrics["eval_supported"] == supported
    assert metrics["eval_contradicted"] == 1 - supported
    assert metrics["eval_reference_supported"] == supported
    written = [json.loads(line) for line in (tmp_path / "run" / "written.jsonl").read_text().splitlines()]
    assert len(written) == 3
    assert all(row["said"] == row["reference"] for row in written)


def test_the_losses_of_rows_are_those_of_each_alone_and_padding_counts_for_nothing() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 6, 11), torch.randint(0, 11, (2, 6))
    labels[1, 3:] = -100
    total, number = row_losses(logits, labels)[1]
    probabilities = logits[1].log_softmax(-1)
    assert number == 2
    assert total == pytest.approx(-float(probabilities[0, labels[1, 1]] + probabilities[1, labels[1, 2]]), abs=1e-5)
