"""Models under test: every kind behind the same words, and each control is what it says."""

import json
import math
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.control import controlled
from eval.load import recording_of
from eval.models.config import Answers, Baseline, Command, Gem, Remote
from eval.models.model import Prompt
from eval.sample import Ecg, Sample, Turn
from gem.errors import ConfigError
from gem.llm.message import EgressRefused, ModelDown
from gem.simulate import simulate_recording, write_simulated


@pytest.fixture
def ecg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ecg:
    """A recording of the simulator as a file."""
    monkeypatch.setenv("GEM_DATA", str(tmp_path))
    write_simulated(simulate_recording("lbbb rate=70 duration_s=10"), tmp_path / "one")
    return Ecg(path="one.hea")


def sample(ecg: Ecg, name: str = "1", **meta: Any) -> Sample:
    turns = (
        Turn(question="Does it show left bundle branch block? Answer Yes or No.", options=("Yes", "No"), ask="both", reference="Yes"),
        Turn(question="Which lead?", options=("A. V1", "B. V6"), ask="both"),
    )
    return Sample(id=name, turns=turns, ecgs=(ecg,), record=ecg, meta=meta)


def prompts(one: Sample) -> list[Prompt]:
    return [Prompt(one, 0), Prompt(one, 1, (("Does it show it?", "Yes"),))]


def test_a_checkpoint_writes_and_weighs_its_options(tiny: Path, ecg: Ecg) -> None:
    model = Gem(kind="gem", folder=str(tiny), longest=8).build(2)
    answers = model.answer(prompts(sample(ecg)))
    assert all(answer.text is not None and answer.error is None for answer in answers)
    assert all(answer.likelihoods is not None and len(answer.likelihoods) == 2 and max(answer.likelihoods) < 0 for answer in answers)
    assert model.answer(prompts(sample(ecg))) == answers


def test_likelihoods_are_those_of_the_models_own_probabilities(tiny: Path, ecg: Ecg) -> None:
    """Of all one-token continuations the probabilities, end of turn left out, sum to 1: so an option's is below its first token's."""
    import torch

    from gem.model.tokens import user

    model: Any = Gem(kind="gem", folder=str(tiny), longest=8).build(2)
    one = sample(ecg)
    processor = model.engine.processor
    asked = [user(one.turns[0].question, [recording_of(ecg)])]
    given = model._likelihoods(asked, ("Yes", "No", "Yes"))
    row = processor.row(asked, generation_prompt=True)
    with torch.no_grad():
        logits = model.engine.model(**processor.batch([row])).logits[0, -1].float()
    first = torch.log_softmax(logits, -1)
    for option, value in zip(("Yes", "No"), given, strict=False):
        whole = processor.row([*asked, {"role": "assistant", "content": option}])
        token = next(label for label in whole.labels if label != -100)
        assert value <= float(first[token]) + 1e-4
    assert given[0] == pytest.approx(given[2], abs=1e-4)


def test_a_checkpoint_that_is_told_what_was_measured_is_another_model(tiny: Path, ecg: Ecg) -> None:
    plain, told = (Gem(kind="gem", folder=str(tiny), longest=4, facts=facts).build(2) for facts in (False, True))
    assert plain.fingerprint != told.fingerprint
    assert told.answer(prompts(sample(ecg)))[0].error is None


def test_an_ecg_that_cannot_be_read_is_that_samples_error_alone(tiny: Path, ecg: Ecg) -> None:
    model = Gem(kind="gem", folder=str(tiny), longest=4).build(2)
    answers = model.answer([*prompts(sample(ecg)), *prompts(sample(Ecg(path="gone.hea"), "2"))])
    assert [answer.error is None for answer in answers] == [True, True, False, False]


COMMAND = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked["id"] == "rubbish":
        print("not json", flush=True)
    elif asked["id"] == "end":
        sys.exit(1)
    else:
        text = f"{asked['turn']} {len(asked['history'])} {asked['ecgs'][0]['path'].endswith('one.hea')}"
        print(json.dumps({"text": text, "likelihoods": [-1.0] * len(asked["options"])}), flush=True)
"""


def test_a_command_is_asked_line_by_line_and_its_end_ends_the_run(ecg: Ecg, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(COMMAND)
    model = Command(kind="command", argv=(sys.executable, str(tmp_path / "model.py")), timeout_s=60).build(1)
    assert [answer.text for answer in model.answer(prompts(sample(ecg)))] == ["0 0 True", "1 1 True"]
    assert "no JSON object" in (model.answer(prompts(sample(ecg, "rubbish")))[0].error or "")
    with pytest.raises(ModelDown, match="has ended"):
        model.answer(prompts(sample(ecg, "end")))


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("pulse.jsonl", [{"question_id": "1", "prompt": "?", "text": "Yes", "model_id": "m"}]),
        ("baseline.jsonl", [{"id": "1", "response": "Yes"}]),
        ("arena.json", [{"question_id": "1", "predict_convs": [{"answer": "Yes"}, {"answer": "B"}]}]),
    ],
)
def test_answers_in_a_published_form_are_read_and_a_missing_one_is_said(name: str, rows: list[Any], ecg: Ecg, tmp_path: Path) -> None:
    text = json.dumps(rows) if name.endswith(".json") else "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / name).write_text(text)
    model = Answers(kind="answers", path=str(tmp_path / name)).build(1)
    assert model.answer(prompts(sample(ecg)))[0].text == "Yes"
    assert "no answer to 2" in (model.answer(prompts(sample(ecg, "2")))[0].error or "")


class Server(BaseHTTPRequestHandler):
    """Fails as the script says: one status a request, 200 answers with what it was shown."""

    script: list[int]
    bodies: list[Any]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).bodies.append(body)
        status = type(self).script.pop(0) if type(self).script else 200
        answer = {
            "choices": [{"message": {"content": "Yes"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 1},
        }
        data = json.dumps(answer).encode() if status == 200 else b"{}"
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        return


@pytest.fixture
def server() -> Iterator[tuple[str, type[Server]]]:
    kind = type("Scripted", (Server,), {"script": [], "bodies": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/v1", kind
        running.shutdown()


def remote(url: str, folder: Path, **more: Any) -> Any:
    return Remote(kind="endpoint", url=url, model="m", cache=str(folder / "cache"), threads=1, **more).build(1)


def test_an_endpoint_is_sent_a_page_and_a_file_and_is_asked_once(server: tuple[str, type[Server]], ecg: Ecg, tmp_path: Path) -> None:
    url, handler = server
    handler.script += [503, 429]
    model = remote(url, tmp_path, send="both")
    assert [answer.text for answer in model.answer(prompts(sample(ecg)))] == ["Yes", "Yes"]
    parts = [part["type"] for part in handler.bodies[-1]["messages"][0]["content"]]
    assert parts == ["image_url", "file", "text"]
    assert "one" not in json.dumps([part for part in handler.bodies[-1]["messages"][0]["content"] if part["type"] == "file"])[:200]
    asked = len(handler.bodies)
    model.answer(prompts(sample(ecg)))
    assert len(handler.bodies) == asked


def test_an_endpoint_that_dies_leaves_errors_and_then_ends_the_run(server: tuple[str, type[Server]], ecg: Ecg, tmp_path: Path) -> None:
    url, handler = server
    handler.script += [500] * 100
    model = remote(url, tmp_path, send="none", tries=1, give_up=2)
    assert "no answer after" in (model.answer(prompts(sample(ecg))[:1])[0].error or "")
    with pytest.raises(ModelDown):
        model.answer(prompts(sample(ecg))[1:])


def test_private_data_goes_to_no_host_that_is_not_named(tmp_path: Path) -> None:
    with pytest.raises(EgressRefused):
        remote("http://example.org/v1", tmp_path, data_class="credentialed")


def test_random_is_the_same_every_time_and_uniform(ecg: Ecg) -> None:
    model: Any = Baseline(kind="random").build(1)
    many = [sample(ecg, str(k), x=k) for k in range(400)]
    model.prepare(many)
    shown = [one.model_copy(update={"ecgs": (Ecg(path=f"{k}.hea"),)}) for k, one in enumerate(many)]
    said = [answer.text for answer in model.answer([Prompt(one, 0) for one in shown])]
    assert said == [answer.text for answer in model.answer([Prompt(one, 0) for one in shown])]
    assert abs(said.count("Yes") - 200) < 60


def test_majority_says_what_is_most_often_right(ecg: Ecg) -> None:
    model: Any = Baseline(kind="majority").build(1)
    turns = [Turn(question="?", options=("Yes", "No"), reference=r, ask="both") for r in ("No", "No", "Yes")]
    many = [Sample(id=str(k), turns=(turn,)) for k, turn in enumerate(turns)]
    model.prepare(many)
    answer = model.answer([Prompt(many[2], 0)])[0]
    assert answer.text == "No"
    assert [round(math.exp(one), 2) for one in answer.likelihoods] == [0.33, 0.67]


def test_the_rule_engine_finds_the_block_and_names_the_option_that_the_trace_supports(ecg: Ecg) -> None:
    model: Any = Baseline(kind="rules").build(1)
    options = ("A. There is left bundle branch block.", "B. There is atrial fibrillation.")
    turns = (Turn(question="Which?", options=options, ask="both"), Turn(question="Report?"))
    one = Sample(id="1", turns=turns, ecgs=(ecg,))
    chosen, report = model.answer([Prompt(one, 0), Prompt(one, 1)])
    assert chosen.text == options[0]
    assert "left bundle branch block" in report.text


def test_controls_take_away_what_they_say(ecg: Ecg) -> None:
    many = [sample(Ecg(path=f"{k}.hea"), str(k), patient=f"p{k // 2}") for k in range(10)]
    assert all(not one.ecgs for one in controlled(many, "text_only", 0))
    for one, other in zip(many, controlled(many, "shuffled", 0), strict=True):
        assert int(other.ecgs[0].path.split(".")[0]) // 2 != int(one.id) // 2
        assert other.record == one.record
    flat, noise = (recording_of(controlled([sample(ecg)], kind, 0)[0].ecgs[0]).signal for kind in ("flat", "noise"))
    assert not flat.any()
    assert abs(float(np.corrcoef(noise[1], recording_of(ecg).signal[1])[0, 1])) < 0.1


def test_a_file_of_answers_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        Answers(kind="answers", path=str(tmp_path / "none.jsonl")).build(1)


CHAT = (
    "{% for m in messages %}{{ m.role }}: {% for p in m.content %}{% if p.type == 'image' %}<image>{% else %}{{ p.text }}{% endif %}"
    "{% endfor %}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small LLaVA of transformers' own classes, untrained."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from tokenizers import decoders as decode
    from transformers import CLIPImageProcessorPil, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("foreign")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = Tokenizer(models.BPE(vocab={"<pad>": 0, "</s>": 1, "<image>": 2} | {c: k + 3 for k, c in enumerate(alphabet)}, merges=[]))
    words.pre_tokenizer, words.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decode.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>", additional_special_tokens=["<image>"])  # noqa: S106
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    vision = {
        "model_type": "clip_vision_model",
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    text = {"model_type": "llama", "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlavaConfig(
        vision_config=vision | {"image_size": 28, "patch_size": 14},
        text_config=text | {"vocab_size": len(alphabet) + 3, "max_position_embeddings": 1024},
        image_token_index=2,
    )
    torch.manual_seed(0)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor = LlavaProcessor(
        pictures,
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        chat_template=CHAT,
        image_token="<image>",  # noqa: S106
        num_additional_image_tokens=1,
    )
    processor.save_pretrained(folder)
    return folder


def test_any_image_text_model_of_transformers_is_shown_a_page_and_weighs_options(foreign: Path, ecg: Ecg) -> None:
    from eval.models.config import Transformers

    model: Any = Transformers(kind="transformers", folder=str(foreign), longest=4, device="cpu").build(1)
    answers = model.answer(prompts(sample(ecg)))
    assert all(answer.error is None and answer.text is not None for answer in answers)
    assert all(answer.likelihoods is not None and len(answer.likelihoods) == 2 and max(answer.likelihoods) < 0 for answer in answers)
    assert model.answer(prompts(sample(ecg))) == answers
