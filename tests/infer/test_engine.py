"""The engine: batches, streaming, one ECG read once for many questions, and what is refused."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, LlamaConfig

from gem.errors import ModelError
from gem.infer.about import About
from gem.infer.engine import Decoding, Engine, plain
from gem.model.lora import Lora, add_lora
from gem.model.tokens import user
from gem.simulate import simulate_recording

ECGS = [simulate_recording(name).recording for name in ("normal", "rbbb", "lvh_strain")]
QUESTIONS = [
    "Rhythm?",
    "Is there ST elevation in any of the inferior leads, and if so, how much?",
    "What is the axis?",
    "\n\nLines first",
    "QRS width in ms",
]
SHORT = Decoding(longest=12)


@pytest.fixture(scope="module")
def engine(tiny: Path) -> Engine:
    return Engine.load(tiny, device="cpu")


def conversations() -> list[list[dict[str, object]]]:
    return [[user(question, ECGS[k % 4 : k % 4 + 1])] for k, question in enumerate(QUESTIONS)]


def test_answers_do_not_depend_on_the_batch_and_keep_their_order(engine: Engine) -> None:
    singles = [engine.answer([messages], SHORT)[0] for messages in conversations()]
    assert len(set(singles)) > 2
    for size in (2, 8):
        assert engine.answer(conversations(), SHORT, batch=size) == singles


def test_streaming_says_what_is_returned(engine: Engine) -> None:
    pieces: list[str] = []
    messages = [user("What is the rhythm?", ECGS[:1])]
    text = engine.stream(messages, pieces.append, SHORT)
    assert "".join(pieces) == text == engine.answer([messages], SHORT)[0]
    assert len(pieces) > 3


def test_many_questions_on_one_ecg_read_it_once_and_answer_the_same(engine: Engine) -> None:
    runs: list[int] = []
    hook = engine.model.ecg_encoder.register_forward_hook(lambda *_: runs.append(1))
    about = About(engine, ECGS[:2], facts="Measured: heart rate 70 bpm.")
    together = about.ask(QUESTIONS, SHORT, batch=3)
    assert about.ask(QUESTIONS[:2], SHORT) == together[:2]
    assert len(runs) == 1
    hook.remove()
    asked = [[user(f"Measured: heart rate 70 bpm.\n{question}", ECGS[:2])] for question in QUESTIONS]
    assert together == engine.answer(asked, SHORT)


def test_sampling_follows_its_seed(engine: Engine) -> None:
    messages = [[user("What is the rhythm?", ECGS[:1])]]
    one, two = (Decoding(longest=20, temperature=1.5, seed=seed) for seed in (1, 2))
    assert engine.answer(messages, one) == engine.answer(messages, one)
    assert engine.answer(messages, one) != engine.answer(messages, two)


def test_adapters_load_onto_a_base(tiny: Path, tmp_path: Path, engine: Engine) -> None:
    adapted = add_lora(Engine.load(tiny, device="cpu").model, Lora(rank=2))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(generator=torch.Generator().manual_seed(0))
    adapted.save_pretrained(tmp_path / "adapter")
    tuned = Engine.load(tiny, adapter=tmp_path / "adapter", device="cpu")
    assert tuned.name == "tiny/adapter"
    assert tuned.answer(conversations(), SHORT) != engine.answer(conversations(), SHORT)


def test_an_answer_cannot_drive_a_terminal() -> None:
    assert plain("a\x1b[2Jb\x07\n\tc\x7f") == "a[2Jb\n\tc"


def test_out_of_memory_says_what_to_change(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is exhausted for real, by an allocation that no machine can serve, inside the LLM's forward pass."""
    hook = engine.model.language_model.register_forward_pre_hook(lambda *_: torch.empty(2**60))
    with pytest.raises(ModelError, match=r"out of memory; use a smaller batch \(this one has 5 rows of \d+ tokens\)"):
        engine.answer(conversations(), SHORT)
    hook.remove()


def test_weights_that_are_missing_broken_or_of_another_shape_are_never_made_up(tiny: Path, tmp_path: Path) -> None:
    for what in ("missing", "broken", "shape"):
        shutil.copytree(tiny, tmp_path / what)
        file = tmp_path / what / "model.safetensors"
        weights = load_file(file)
        name = "ecg_encoder.layers.0.fc1.weight"
        if what == "broken":
            file.write_bytes(file.read_bytes()[:-100])
        else:
            kept = {key: tensor for key, tensor in weights.items() if key != name}
            save_file(kept | ({name: torch.zeros(3, 3)} if what == "shape" else {}), file, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"1 weights are missing \(ecg_encoder.layers.0.fc1.weight"):
        Engine.load(tmp_path / "missing")
    for what in ("broken", "shape"):
        with pytest.raises(ModelError, match="cannot be loaded"):
            Engine.load(tmp_path / what)


def test_folders_that_hold_no_model_of_ours_are_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model in it"):
        Engine.load(tmp_path / "nothing")
    LlamaConfig().save_pretrained(tmp_path / "llama")
    with pytest.raises(ModelError, match="a llama model; bring it over with gem convert"):
        Engine.load(tmp_path / "llama")
    (tmp_path / "llava").mkdir()
    (tmp_path / "llava" / "config.json").write_text('{"model_type": "llava_llama"}')
    with pytest.raises(ModelError, match="a model of another make; bring it over with gem convert"):
        Engine.load(tmp_path / "llava")
    with pytest.raises(ModelError, match="3 bits: 8 or 4 are possible"):
        Engine.load(tiny, bits=3)
    AutoConfig.from_pretrained(tiny).save_pretrained(tmp_path / "pickled")
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"no .safetensors in it; weights in other forms are not opened"):
        Engine.load(tmp_path / "pickled")
