"""Adapters: what learns, what is saved, and that merged, reloaded and trained models agree."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from gem.errors import ModelError
from gem.model.lora import Lora, add_lora, count_parameters, load_adapter, merge, table
from gem.model.tokens import user
from gem.simulate import simulate_recording

PAGE = np.random.default_rng(0).integers(0, 255, (200, 260, 3), dtype=np.uint8)
ECG = simulate_recording("normal").recording
SMALL = Lora(rank=4, alpha=8, dropout=0.0, ecg_layers=1)


def base(folder: Path):  # type: ignore[no-untyped-def]
    return AutoModelForImageTextToText.from_pretrained(folder)


def batch_of(folder: Path):  # type: ignore[no-untyped-def]
    processor = AutoProcessor.from_pretrained(folder)
    turns = [user("Rhythm?", [ECG], [PAGE]), {"role": "assistant", "content": "Sinus rhythm."}]
    return processor.batch([processor.row(turns)], side="right")


def trained(folder: Path, settings: Lora, steps: int = 1):  # type: ignore[no-untyped-def]
    """Adapters after some steps, what every parameter was before, and the batch."""
    torch.manual_seed(0)
    adapted, batch = add_lora(base(folder), settings), batch_of(folder)
    before = {name: parameter.detach().clone() for name, parameter in adapted.named_parameters()}
    optimiser = torch.optim.SGD([p for p in adapted.parameters() if p.requires_grad], lr=1.0)
    for _ in range(steps):
        optimiser.zero_grad()
        adapted(**batch).loss.backward()
        optimiser.step()
    return adapted.eval(), before, batch


def test_a_training_step_moves_adapters_projectors_and_the_unfrozen_layer_alone(tiny: Path) -> None:
    adapted, before, _ = trained(tiny, SMALL, steps=2)
    moved = {name for name, parameter in adapted.named_parameters() if not torch.equal(parameter, before[name])}
    learns = ("lora_", "ecg_projector.modules_to_save", "image_projector.modules_to_save", "ecg_encoder.layers.1.modules_to_save")
    assert moved == {name for name in before if any(part in name for part in learns)}
    assert not any("lm_head" in name or "embed_tokens" in name for name in moved)


def test_the_table_counts_what_learns(tiny: Path) -> None:
    model = base(tiny)
    config = model.config
    llm = sum(p.numel() for p in model.language_model.parameters())
    layer = sum(p.numel() for p in model.ecg_encoder.layers[1].parameters())
    rows = {row.part: row for row in count_parameters(add_lora(model, SMALL))}
    h, inner = config.text_config.hidden_size, config.text_config.intermediate_size
    kv = config.text_config.num_key_value_heads * config.text_config.head_dim
    pairs = [(h, h), (h, kv), (h, kv), (h, h), (h, inner), (h, inner), (inner, h)]
    assert rows["language_model (LoRA)"].trained == 2 * 4 * sum(a + b for a, b in pairs)
    assert (rows["language_model"].trained, rows["language_model"].frozen) == (0, llm)
    assert rows["ecg_encoder"].trained == layer
    assert rows["ecg_projector"].frozen == rows["image_projector"].frozen == 0
    assert rows["image_encoder"].trained == 0
    assert rows["all"].trained == sum(row.trained for part, row in rows.items() if part != "all")
    assert table(list(rows.values())).splitlines()[0].split() == ["part", "trained", "frozen", "share"]


def test_saved_reloaded_and_merged_adapters_give_the_same_logits(tiny: Path, tmp_path: Path) -> None:
    adapted, _, batch = trained(tiny, SMALL, steps=3)
    expected = adapted(**batch).logits
    assert (expected - base(tiny)(**batch).logits).abs().max() > 1e-3
    adapted.save_pretrained(tmp_path / "adapter")
    assert (tmp_path / "adapter" / "adapter_model.safetensors").is_file()
    reloaded = load_adapter(base(tiny), tmp_path / "adapter")
    assert torch.allclose(reloaded(**batch).logits, expected, atol=1e-6)
    merge(reloaded).save_pretrained(tmp_path / "merged")
    again, found = AutoModelForImageTextToText.from_pretrained(tmp_path / "merged", output_loading_info=True)
    assert not any(found.values())
    assert torch.allclose(again(**batch).logits, expected, atol=1e-5)
    media = {k: v for k, v in batch.items() if k != "labels"}
    assert torch.equal(adapted.generate(**media, max_new_tokens=8), again.generate(**media, max_new_tokens=8))


def test_training_goes_on_from_saved_adapters(tiny: Path, tmp_path: Path) -> None:
    adapted, _, batch = trained(tiny, SMALL)
    adapted.save_pretrained(tmp_path)
    again = load_adapter(base(tiny), tmp_path, trainable=True)
    assert count_parameters(again)[-1] == count_parameters(adapted)[-1]
    again(**batch).loss.backward()
    assert all(p.grad is not None for p in again.parameters() if p.requires_grad)


def test_layers_that_are_not_there_and_other_adapters_are_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="9 layers of the ecg_encoder are to learn, but it has 2"):
        add_lora(base(tiny), Lora(ecg_layers=9))
    with pytest.raises(ModelError, match=r"no adapter_config.json in it"):
        load_adapter(base(tiny), tmp_path)
    adapted, _, _ = trained(tiny, SMALL)
    adapted.save_pretrained(tmp_path)
    settings = tmp_path / "adapter_config.json"
    settings.write_text(settings.read_text().replace('"r": 4', '"r": 8'))
    with pytest.raises(ModelError, match="the adapters do not fit this model"):
        load_adapter(base(tiny), tmp_path)
