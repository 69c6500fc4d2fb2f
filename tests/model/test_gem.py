"""The whole model: saved = loaded, batch = singles, every mix of ECGs, pictures and text, features from a cache."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForImageTextToText, AutoModelForMultimodalLM, AutoProcessor

import gem.model
from gem.errors import ModelError
from gem.model.build import ModelRecipe, build
from gem.model.tokens import Message, user
from gem.simulate import simulate_recording

NORMAL, PACED = simulate_recording("normal").recording, simulate_recording("rbbb").recording
RNG = np.random.default_rng(0)
PAGE = RNG.integers(0, 255, (200, 260, 3), dtype=np.uint8)
PROMPTS = {
    "ecg": [user("What is the rhythm?", [NORMAL])],
    "picture": [user("Read this page.", [], [PAGE])],
    "both": [user("Signal and page of one patient.", [NORMAL], [PAGE])],
    "two ecgs": [user("What changed between these two ECGs, the first and the second?", [NORMAL, PACED])],
    "text": [user("What is a bundle branch block?")],
    "system and history": [
        {"role": "system", "content": "You read ECGs."},
        user("Rhythm?", [PACED]),
        {"role": "assistant", "content": "Sinus rhythm."},
        {"role": "user", "content": "And the axis?"},
    ],
}


@pytest.fixture(scope="module")
def model(tiny: Path) -> gem.model.GemForConditionalGeneration:
    return AutoModelForImageTextToText.from_pretrained(tiny)


@pytest.fixture(scope="module")
def processor(tiny: Path) -> gem.model.GemProcessor:
    return AutoProcessor.from_pretrained(tiny)


def continued(model, processor, prompts: list[list[Message]], **how) -> list[list[int]]:  # type: ignore[no-untyped-def]
    batch = processor.batch([processor.row(prompt, generation_prompt=True) for prompt in prompts])
    out = model.generate(**batch, max_new_tokens=16, eos_token_id=None, **how)
    return out[:, batch["input_ids"].shape[1] :].tolist()


def test_a_saved_model_loads_and_generates_the_same(model, processor, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path, max_shard_size="300KB")
    processor.save_pretrained(tmp_path)
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    assert not list(tmp_path.glob("*.bin"))
    again, found = AutoModelForMultimodalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(found.values())
    assert type(again) is gem.model.GemForConditionalGeneration
    for (name, one), (other, two) in zip(model.state_dict().items(), again.state_dict().items(), strict=True):
        assert name == other
        assert torch.equal(one, two)
    prompts = [PROMPTS["both"]]
    assert continued(again, AutoProcessor.from_pretrained(tmp_path), prompts) == continued(model, processor, prompts)
    assert AutoConfig.from_pretrained(tmp_path).ecg_config.to_dict() == model.config.ecg_config.to_dict()


def test_a_left_padded_batch_gives_the_tokens_of_singles(model, processor) -> None:
    prompts = list(PROMPTS.values())
    assert continued(model, processor, prompts) == [continued(model, processor, [prompt])[0] for prompt in prompts]


@pytest.mark.parametrize("name", ["ecg", "picture", "both", "two ecgs"])
def test_what_the_model_says_depends_on_what_it_is_shown(model, processor, name: str) -> None:
    """The logits after the prompt change when the ECG or the picture does, with every word the same."""
    messages = PROMPTS[name]
    other = [user(messages[0]["content"][-1]["text"], *_replaced(messages[0]))]
    logits = [model(**processor.batch([processor.row(m, True)])).logits[0, -1] for m in (messages, other)]
    assert (logits[0] - logits[1]).abs().max() > 1e-4


def _replaced(message: Message) -> tuple[list[object], list[object]]:
    kinds = [part["type"] for part in message["content"]]
    return [PACED, NORMAL][: kinds.count("ecg")], [255 - PAGE][: kinds.count("image")]


def test_the_second_of_two_ecgs_stands_in_the_second_place(model, processor) -> None:
    one = processor.batch([processor.row([user("Compare.", [NORMAL, PACED])])])
    features = torch.cat([model.encode_ecgs(*_tensors(processor, ecg)) for ecg in (NORMAL, PACED)])
    embedded = model.embed(**{k: v for k, v in one.items() if k in ("input_ids", "ecg_values", "ecg_mask")})
    there = one["input_ids"][0] == model.config.ecg_token_id
    assert torch.allclose(embedded[0, there], model.ecg_projector(features), atol=1e-5)


def _tensors(processor, ecg) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[no-untyped-def]
    batch = processor.batch([processor.row([user("x", [ecg])])])
    return batch["ecg_values"], batch["ecg_mask"]


def test_beams_and_several_samples_keep_each_row_with_its_own_ecgs(model, processor) -> None:
    """Rows with another number of ECGs each: a beam search on the batch equals that on each row alone."""
    prompts = [PROMPTS["two ecgs"], PROMPTS["ecg"], PROMPTS["text"]]
    together = continued(model, processor, prompts, num_beams=3)
    assert together == [continued(model, processor, [prompt], num_beams=3)[0] for prompt in prompts]
    assert len(continued(model, processor, prompts, do_sample=True, num_return_sequences=2)) == 6


def test_features_computed_before_give_the_same_loss_and_spare_the_encoders(model, processor) -> None:
    messages = [*PROMPTS["both"], {"role": "assistant", "content": "Sinus rhythm at 70 bpm."}]
    plain = processor.batch([processor.row(messages)], side="right")
    ecg, page = model.encode_ecgs(plain["ecg_values"], plain["ecg_mask"]), model.encode_images(plain["pixel_values"])
    runs: list[str] = []
    hooks = [
        part.register_forward_hook(lambda *_, name=name: runs.append(name))
        for name, part in (("ecg", model.ecg_encoder), ("image", model.image_encoder))
    ]
    kept = processor.batch([processor.row([user(messages[0]["content"][-1]["text"], [ecg], [page]), messages[-1]])], side="right")
    assert kept["input_ids"].tolist() == plain["input_ids"].tolist()
    cached = model(**kept).loss
    assert runs == []
    assert torch.allclose(cached, model(**plain).loss, atol=1e-6)
    assert runs == ["ecg", "image"]
    for hook in hooks:
        hook.remove()
    with pytest.raises(ModelError, match="1 of 2 in this batch are computed states"):
        processor.batch([processor.row([user("Compare.", [ecg, NORMAL])])])


def test_a_count_that_does_not_fit_is_refused_with_both_numbers(model, processor) -> None:
    batch = processor.batch([processor.row(PROMPTS["ecg"])])
    batch["input_ids"][batch["input_ids"] == model.config.ecg_token_id] = 5
    batch["input_ids"][0, :7] = model.config.ecg_token_id
    with pytest.raises(ModelError, match=r"7 ECG placeholders .* for 100 ECG features"):
        model(**batch)


def test_how_attention_is_computed_is_chosen_for_all_parts_or_each(tiny: Path, model, processor) -> None:
    eager = AutoModelForImageTextToText.from_pretrained(tiny, attn_implementation="eager")
    assert eager.language_model.config._attn_implementation == eager.image_encoder.config._attn_implementation == "eager"
    assert model.language_model.config._attn_implementation == "sdpa"
    batch = processor.batch([processor.row(PROMPTS["both"])])
    assert torch.allclose(eager(**batch).logits, model(**batch).logits, atol=1e-5)


def test_bf16_loads_and_stays_near_full_precision(tiny: Path, model, processor) -> None:
    half = AutoModelForImageTextToText.from_pretrained(tiny, dtype=torch.bfloat16)
    assert {p.dtype for p in half.parameters()} == {torch.bfloat16}
    batch = processor.batch([processor.row(PROMPTS["both"])])
    difference = (half(**batch).logits.float() - model(**batch).logits).abs().max()
    assert difference < 0.05 * model(**batch).logits.abs().max()


LLMS = {
    "llama": {"num_key_value_heads": 2},
    "qwen3": {"num_key_value_heads": 2, "head_dim": 16, "tie_word_embeddings": True},
    "gemma2": {"num_key_value_heads": 2, "head_dim": 16},
    "phi3": {"num_key_value_heads": 2, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
    "gpt_neox": {},
}


@pytest.mark.parametrize("kind", LLMS)
def test_any_causal_llm_of_transformers_keeps_its_own_logits(kind: str, tmp_path: Path) -> None:
    """On text alone the model is the LLM it was built from, loaded from a folder, tied weights and soft caps included."""
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    made = {"model_type": kind, **sizes, "max_position_embeddings": 512, "bos_token_id": None, "eos_token_id": 1, "pad_token_id": 0}
    first, processor = build(ModelRecipe(name="x", llm={**made, **LLMS[kind]}))
    first.language_model.save_pretrained(tmp_path / "llm")
    processor.tokenizer.chat_template = None  # a base model: it brings none
    processor.tokenizer.save_pretrained(tmp_path / "llm")
    model, processor = build(
        ModelRecipe(name="x", llm=str(tmp_path / "llm"), ecg={"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2})
    )
    llm = AutoModelForCausalLM.from_pretrained(tmp_path / "llm").eval()
    batch = processor.batch([processor.row(PROMPTS["text"])])
    assert torch.equal(model(**batch).logits, llm(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits)
    model.save_pretrained(tmp_path / "gem")
    again = AutoModelForImageTextToText.from_pretrained(tmp_path / "gem")
    assert continued(again, processor, [PROMPTS["ecg"]]) == continued(model, processor, [PROMPTS["ecg"]])


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_a_model_is_built_from_folders_of_its_parts(kind: str, tiny: Path, tmp_path: Path) -> None:
    """A CLIP or SigLIP model with its text side, an ECG encoder and an LLM, each from a folder: every weight is the folder's."""
    vit = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64, "patch_size": 16}
    words = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 50}
    pair = AutoModel.from_config(AutoConfig.for_model(kind, vision_config=vit, text_config=words))
    pair.save_pretrained(tmp_path / "pair")
    parts = AutoModelForImageTextToText.from_pretrained(tiny)
    parts.ecg_encoder.save_pretrained(tmp_path / "ecg")
    parts.language_model.save_pretrained(tmp_path / "llm")
    AutoProcessor.from_pretrained(tiny).tokenizer.save_pretrained(tmp_path / "llm")
    folders = {"llm": str(tmp_path / "llm"), "vision": str(tmp_path / "pair"), "ecg": str(tmp_path / "ecg")}
    model, processor = build(ModelRecipe(name="x", **folders, picture={"fit": "tile"}, vision_layer=-2, vision_drop_class=kind == "clip"))
    for name, ours, theirs in (("vision", model.image_encoder, pair.vision_model), ("ecg", model.ecg_encoder, parts.ecg_encoder)):
        for (key, one), (_, two) in zip(ours.state_dict().items(), theirs.state_dict().items(), strict=True):
            assert torch.equal(one, two), (name, key)
    batch = processor.batch([processor.row(PROMPTS["both"], True)])
    assert len(batch["pixel_values"]) == 5
    assert (batch["input_ids"] == model.config.image_token_id).sum() == 5 * 16
    assert torch.isfinite(model(**batch).logits).all()


def test_recomputing_layers_in_training_gives_the_same_gradients(tiny: Path, processor) -> None:
    batch = processor.batch([processor.row([*PROMPTS["ecg"], {"role": "assistant", "content": "Sinus rhythm."}])], side="right")
    grads = []
    for again in (False, True):
        model = AutoModelForImageTextToText.from_pretrained(tiny).train()
        if again:
            model.activation_checkpointing_enable()
        model(**batch).loss.backward()
        grads.append(model.ecg_encoder.patches.weight.grad)
    assert grads[0].abs().sum() > 0
    assert torch.allclose(grads[0], grads[1], atol=1e-7)


def test_the_trainer_of_transformers_trains_it(tiny: Path, processor, tmp_path: Path) -> None:
    from transformers import Trainer, TrainingArguments

    said = {"role": "assistant", "content": "Sinus rhythm."}
    rows = [{"row": processor.row([user("Rhythm?", [ecg]), said])} for ecg in (NORMAL, PACED)] * 4
    settings = TrainingArguments(
        tmp_path, max_steps=4, per_device_train_batch_size=2, gradient_accumulation_steps=2, learning_rate=3e-3, logging_steps=1, use_cpu=True,
        report_to="none", remove_unused_columns=False, disable_tqdm=True, dataloader_pin_memory=False, save_steps=4,
    )  # fmt: skip
    model = AutoModelForImageTextToText.from_pretrained(tiny)
    trainer = Trainer(
        model=model,
        args=settings,
        train_dataset=rows,
        processing_class=processor,
        data_collator=lambda some: dict(processor.batch([item["row"] for item in some], side="right")),
    )
    trainer.train()
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert losses[-1] < losses[0]
    again = AutoModelForImageTextToText.from_pretrained(tmp_path / "checkpoint-4")
    assert torch.equal(again.ecg_projector[0].weight, model.ecg_projector[0].weight)
    assert AutoProcessor.from_pretrained(tmp_path / "checkpoint-4").row(PROMPTS["text"]).ids == processor.row(PROMPTS["text"]).ids


def test_parts_that_are_no_parts_are_refused() -> None:
    small = {"model_type": "llama", "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    with pytest.raises(ModelError, match="no image encoder known here"):
        build(ModelRecipe(name="x", llm=small, vision={"model_type": "vit"}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        build(ModelRecipe(name="x", llm="no/such/folder"))
    with pytest.raises(ModelError, match="layout 'both': choose joint or per_lead; learned positions need a fixed length"):
        build(ModelRecipe(name="x", llm=small, ecg={"layout": "both", "positions": "learned"}))


def test_a_training_step_without_a_picture_runs_the_parts_of_one_with_a_picture(model, processor) -> None:
    """Processes that share weights must run the same parts; what a blank gives counts for nothing."""
    messages = [*PROMPTS["text"], {"role": "assistant", "content": "A delay."}]
    batch = processor.batch([processor.row(messages)], side="right")
    model.train()
    alone = model(**batch).loss
    model.always = {"ECG": "values", "image": "values"}
    loss = model(**batch).loss
    loss.backward()
    assert torch.equal(loss, alone)
    assert all(parameter.grad is not None for part in (model.ecg_projector, model.image_projector) for parameter in part.parameters())
    model.always = {}
    model.zero_grad()
    model.eval()


def test_an_encoder_of_which_nothing_learns_stays_as_it_is_in_use(model) -> None:
    model.image_encoder.requires_grad_(False)
    model.train()
    assert (model.training, model.ecg_encoder.training, model.image_encoder.training) == (True, True, False)
    model.image_encoder.requires_grad_(True)
    model.train()
    assert model.image_encoder.training
    model.eval()
