"""gem convert: released layouts in small, against an independent reference; what does not fit is named."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForImageTextToText, AutoProcessor, CLIPVisionModel

from gem.ecg.recording import Recording
from gem.errors import ModelError
from gem.model.convert import convert, plan
from gem.model.ecg_encoder import EcgEncoder
from gem.model.gem import GemForConditionalGeneration
from gem.model.tokens import user
from gem.simulate import simulate_recording
from tests import published

ECG = simulate_recording("normal").recording
PAGE = Image.fromarray(np.random.default_rng(1).integers(0, 255, (85, 110, 3), dtype=np.uint8))
QUESTION = "Interpret the provided ECG image, identify key features."
STATE = published.random_state(published.gem_names())
WORST = 2e-6
"""Of the largest value; 1.3e-6 was measured (float32, another order of sums)."""


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("released")
    published.write_checkpoint(folder / "old", STATE)
    convert(folder / "old", folder / "new")
    return folder


def pieces(folder: Path, text: str) -> list[int]:
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model")).encode(text)


def crop(picture: Image.Image, size: int) -> torch.Tensor:
    """The picture as the released GEM saw it: shorter side fitted, middle kept, CLIP's mean and deviation."""
    scale = size / min(picture.size)
    small = picture.resize((int(picture.width * scale), int(picture.height * scale)), Image.Resampling.BICUBIC)
    left = (small.width - size) // 2
    rgb = np.asarray(small.crop((left, 0, left + size, size)), np.float64) / 255
    normal = (rgb - [0.48145466, 0.4578275, 0.40821073]) / [0.26862954, 0.26130258, 0.27577711]
    return torch.tensor(normal.transpose(2, 0, 1), dtype=torch.float32)[None]


@pytest.mark.parametrize("given", ["ecg and picture", "ecg", "picture"])
def test_the_released_layout_computes_what_its_description_says(released: Path, given: str) -> None:
    model, processor = AutoModelForImageTextToText.from_pretrained(released / "new"), AutoProcessor.from_pretrained(released / "new")
    ecgs, pages = [ECG] if "ecg" in given else [], [PAGE] if "picture" in given else []
    batch = processor.batch([processor.row([user(QUESTION, ecgs, pages)], generation_prompt=True)])
    got = model(**batch).logits

    before, after = pieces(released / "old", f"{published.SYSTEM} USER: "), pieces(released / "old", f"\n{QUESTION} ASSISTANT:")
    signal = torch.from_numpy(np.nan_to_num(ECG.signal))[None] if ecgs else None
    block = published.visual_block(signal, crop(PAGE, 56) if pages else None, STATE)
    words = STATE["model.embed_tokens.weight"]
    expected = published.llama(torch.cat([words[[1, *before]][None], block, words[after][None]], dim=1), STATE)

    assert got.shape == expected.shape
    assert expected.abs().max() > 1
    assert (got - expected).abs().max() < WORST * expected.abs().max()


def test_the_tokens_are_those_of_the_slow_tokenizer(released: Path) -> None:
    """BOS once; the text after the features is tokenised by itself; a second turn follows the end token without a space piece."""
    processor = AutoProcessor.from_pretrained(released / "new")
    turns = [user(QUESTION, [ECG], [PAGE]), {"role": "assistant", "content": "sinus rhythm"}, {"role": "user", "content": "key features?"}]
    row = processor.row(turns, generation_prompt=True)
    text = [1, *pieces(released / "old", f"{published.SYSTEM} USER: ")]
    features = [processor.placeholders["ecg"]] * 101 + [processor.placeholders["image"]] * 16
    answer = pieces(released / "old", f"\n{QUESTION} ASSISTANT: sinus rhythm")
    assert row.ids[: len(text) + 117 + len(answer) + 1] == [*text, *features, *answer, 2]
    assert processor.tokenizer.decode([label for label in row.labels if label != -100]).split() == ["sinus", "rhythm</s>"]


def test_the_same_recording_is_refused_with_a_lead_less(released: Path) -> None:
    processor = AutoProcessor.from_pretrained(released / "new")
    eleven: Recording = ECG.only(ECG.leads[:11])
    with pytest.raises(ModelError, match="V6 is not recorded"):
        processor.row([user(QUESTION, [eleven], [PAGE])])


def test_every_tensor_arrives_unchanged_shard_by_shard(released: Path) -> None:
    new = {name: t for file in (released / "new").glob("*.safetensors") for name, t in load_file(file).items()}
    assert len(list((released / "new").glob("*.safetensors"))) == 3
    assert torch.equal(
        new["ecg_encoder.layers.1.attention.in_proj.weight"], STATE["model.ecg_tower.ecg_tower.transformer.resblocks.1.attn.in_proj_weight"]
    )
    assert torch.equal(new["image_projector.2.bias"], STATE["model.mm_projector.2.bias"])
    assert sum(t.numel() for t in new.values()) == sum(
        t.numel() for name, t in STATE.items() if "ln_post" not in name and not name.endswith(".proj")
    )


def test_a_dry_run_of_the_released_index_names_all_840_tensors(tmp_path: Path) -> None:
    names = published.gem_names(layers=32, v_layers=24, e_layers=12)
    index = tmp_path / "model.safetensors.index.json"
    files = {name: f"model-{1 + k * 3 // len(names):05d}-of-00003.safetensors" for k, name in enumerate(names)}
    index.write_text(json.dumps({"metadata": {"total_size": 14299360256}, "weight_map": files}))
    found = plan(index)
    assert len(names) == 840
    assert found.whole
    assert found.config.text_config.num_hidden_layers == 32
    assert found.config.ecg_config.samples == 5000
    assert "GEM, 840 tensors in 3 files" in found.lines()[0]
    assert [line.split()[:3] for line in found.lines()[1:6]] == [
        ["291", "->", "language_model"], ["4", "->", "image_projector"], ["2", "->", "ecg_projector"], ["391", "->", "image_encoder"],
        ["149", "->", "ecg_encoder"],
    ]  # fmt: skip
    with torch.device("meta"):
        model = GemForConditionalGeneration(found.config)
    unused = 768 + 768 + 768 * 512  # ln_post and proj of the ECG tower
    assert sum(parameter.numel() for parameter in model.parameters()) == 7_149_680_128 - unused
    with pytest.raises(ModelError, match="an index holds no tensors"):
        convert(index, tmp_path / "new")


def test_pulse_and_llava_come_without_ecg_parts_and_with_tiles(tmp_path: Path) -> None:
    state = {name: t for name, t in STATE.items() if "ecg_" not in name} | {"model.image_newline": torch.zeros(published.H)}
    pinpoints = [[56, 112], [112, 56], [112, 112], [168, 56], [56, 168]]
    published.write_checkpoint(tmp_path / "pulse", state, image_aspect_ratio="anyres", image_grid_pinpoints=pinpoints)
    found = convert(tmp_path / "pulse", tmp_path / "new", "bfloat16")
    assert found.names.dropped == {"model.image_newline": "not used: picture features are joined flat"}
    model, processor = AutoModelForImageTextToText.from_pretrained(tmp_path / "new"), AutoProcessor.from_pretrained(tmp_path / "new")
    assert model.dtype == torch.bfloat16
    batch = processor.batch([processor.row([user(QUESTION, [], [PAGE])], generation_prompt=True)])
    assert batch["pixel_values"].shape == (5, 3, 56, 56)
    assert torch.isfinite(model(**batch).logits).all()
    with pytest.raises(ModelError, match="this model reads pictures only"):
        processor.row([user(QUESTION, [ECG])])


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_an_ecg_coca_file_becomes_an_encoder(tmp_path: Path, suffix: str) -> None:
    state = published.random_state(published.ecg_names("module.ecg."))
    file = tmp_path / f"cpt{suffix}"
    with_text = state | {
        "module.text.transformer.x": torch.zeros(3),
        "module.text_decoder.y": torch.zeros(2),
        "module.logit_scale": torch.zeros(1),
    }
    if suffix == ".pt":
        torch.save({"epoch": 20, "name": "x", "state_dict": with_text, "optimizer": {"state": {}}}, file)
    else:
        save_file(with_text, file)
    convert(file, tmp_path / "encoder")
    encoder = AutoModel.from_pretrained(tmp_path / "encoder")
    assert type(encoder) is EcgEncoder
    signal = torch.from_numpy(np.nan_to_num(ECG.signal))[None]
    got, expected = encoder(signal).last_hidden_state, published.ecg_tower(signal, state, "module.ecg.")
    assert got.shape == (1, 101, published.E)
    assert (got - expected).abs().max() < WORST * expected.abs().max()


@pytest.mark.parametrize("quick", [False, True])
def test_open_clip_weights_become_a_clip_vision_model(tmp_path: Path, quick: bool) -> None:
    names = published.tower_names("visual.", (128, 3, 16, 16), 17, 2, 128)
    state = published.random_state(names)
    text = {
        "token_embedding.weight": torch.zeros(2),
        "transformer.resblocks.0.ln_1.weight": torch.zeros(2),
        "positional_embedding": torch.zeros(2),
    }
    save_file(state | text, tmp_path / "clip.safetensors")
    convert(tmp_path / "clip.safetensors", tmp_path / "vision", quick_gelu=quick)
    model = AutoModel.from_pretrained(tmp_path / "vision")
    assert type(model) is CLIPVisionModel
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    expected = published.open_clip_visual(pixels, state, "visual.", 2, "quick_gelu" if quick else "gelu")
    got = model(pixels, output_hidden_states=True).hidden_states[-1]
    assert (got - expected).abs().max() < WORST * expected.abs().max()


def test_unknown_missing_and_misshapen_tensors_are_listed_and_nothing_is_written(tmp_path: Path) -> None:
    state = {name: t for name, t in STATE.items() if name != "model.layers.1.mlp.up_proj.weight"}
    state |= {"model.surprise": torch.zeros(3), "model.layers.0.mlp.up_proj.weight": torch.zeros(3, published.H)}
    published.write_checkpoint(tmp_path / "odd", state)
    with pytest.raises(ModelError) as fault:
        convert(tmp_path / "odd", tmp_path / "new")
    assert "1 unknown: model.surprise" in str(fault.value)
    assert "1 missing: language_model.model.layers.1.mlp.up_proj.weight" in str(fault.value)
    assert "1 of another shape: model.layers.0.mlp.up_proj.weight" in str(fault.value)
    assert [path.name for path in tmp_path.iterdir()] == ["odd"]


def test_a_conversion_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    published.write_checkpoint(tmp_path / "old", STATE)
    (tmp_path / "old" / "tokenizer.model").unlink()
    (tmp_path / "old" / "tokenizer_config.json").unlink()
    with pytest.raises(ModelError, match="no tokenizer in it"):
        convert(tmp_path / "old", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_what_cannot_be_read_is_refused_in_one_message(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file or folder"):
        plan(tmp_path / "nothing")
    (tmp_path / "bins").mkdir()
    (tmp_path / "bins" / "pytorch_model-00001-of-00002.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"a pickle can run code and is not opened; get the .safetensors"):
        plan(tmp_path / "bins")
    torch.save({"state_dict": {"a": torch.zeros(1)}, "args": Path("x")}, tmp_path / "code.pt")
    with pytest.raises(ModelError, match="holds more than tensors"):
        plan(tmp_path / "code.pt")
    save_file({"encoder.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=r"another make: 1 tensors, encoder.weight .* are known"):
        plan(tmp_path / "other.safetensors")
    (tmp_path / "half.safetensors").write_bytes((tmp_path / "other.safetensors").read_bytes()[:40])
    with pytest.raises(ModelError, match="not a whole safetensors file"):
        plan(tmp_path / "half.safetensors")
    published.write_checkpoint(tmp_path / "part", STATE)
    (tmp_path / "part" / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(ModelError, match=r"names model-00002-of-00003.safetensors, not there; finish the download"):
        plan(tmp_path / "part")
