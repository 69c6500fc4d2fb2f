"""Conversations as tokens: labels on the assistant's words, nothing cut, nothing forged."""

from pathlib import Path

import pytest
from transformers import AutoProcessor

from gem.errors import ModelError
from gem.model.processor import GemProcessor
from gem.model.tokens import IGNORED, VICUNA_TEMPLATE, Message, user
from gem.simulate import simulate_recording

NORMAL = simulate_recording("normal").recording
ANSWERS = ("Sinus rhythm at 70 bpm; PR 160 ms, QRS 90 ms.", "No: µV and °, “normal”, 正常.\n\n- QTc 420 ms")
CONVERSATION: list[Message] = [
    {"role": "system", "content": "You read ECGs."},
    user("What is the rhythm?", [NORMAL]),
    {"role": "assistant", "content": ANSWERS[0]},
    {"role": "user", "content": "Is anything unusual?"},
    {"role": "assistant", "content": [{"type": "text", "text": ANSWERS[1]}]},
]
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HEADERS = (
    "{{ '<s>' }}{% for m in messages %}[{{ m.role }}]\n\n{{ m.content | trim }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}[assistant]\n\n{% endif %}"
)


@pytest.fixture
def processor(tiny: Path) -> GemProcessor:
    return AutoProcessor.from_pretrained(tiny)


@pytest.mark.parametrize("template", [None, VICUNA_TEMPLATE, CHATML, HEADERS])
def test_labels_read_back_as_what_the_assistant_says_and_nothing_else(processor: GemProcessor, template: str | None) -> None:
    processor.tokenizer.chat_template = template or processor.tokenizer.chat_template
    row = processor.row(CONVERSATION)
    said, run = [], []
    for label in [*row.labels, IGNORED]:
        if label == IGNORED and run:
            said.append(processor.tokenizer.decode(run))
            run = []
        elif label != IGNORED:
            run.append(label)
    ends = "<|end|>" if template != CHATML else ""
    assert [text.strip() for text in said] == [answer + ends for answer in ANSWERS]
    assert all(label in (IGNORED, token) for label, token in zip(row.labels, row.ids, strict=True))


def test_the_prompt_to_answer_is_the_beginning_of_the_row_that_was_trained(processor: GemProcessor) -> None:
    asked = processor.row(CONVERSATION[:2], generation_prompt=True)
    trained = processor.row(CONVERSATION[:3])
    assert trained.ids[: len(asked.ids)] == asked.ids
    assert all(label == IGNORED for label in trained.labels[: len(asked.ids)])
    assert trained.labels[len(asked.ids)] != IGNORED


def test_a_template_that_rewrites_earlier_turns_is_refused(processor: GemProcessor) -> None:
    processor.tokenizer.chat_template = "{{ messages | length }} turns: " + CHATML
    with pytest.raises(ModelError, match="the chat template rewrites turn 3"):
        processor.row(CONVERSATION)


def test_over_long_rows_are_counted_and_refused_never_cut(processor: GemProcessor) -> None:
    processor.longest = len(processor.row(CONVERSATION[1:3]).ids) + 99
    long = [user("What is the rhythm?", [NORMAL, NORMAL]), CONVERSATION[2]]
    kept, refused = processor.rows([CONVERSATION[1:3], long, CONVERSATION[1:3]])
    assert len(kept) == 2
    assert [index for index, _ in refused] == [1]
    assert refused[0][1].startswith(
        f"{len(kept[0].ids) + 100} tokens (200 of ECGs, 0 of pictures), but this model takes {processor.longest}"
    )


@pytest.mark.parametrize("token", ["<|ecg|>", "<|image|>", "<|end|>", "<|pad|>"])
def test_a_text_cannot_forge_a_feature_or_a_turn(processor: GemProcessor, token: str) -> None:
    with pytest.raises(ModelError, match="a control token of this model; take it out"):
        processor.row([user(f"Hello {token}", [NORMAL])])


def test_texts_and_ecgs_that_do_not_count_the_same_are_refused(processor: GemProcessor) -> None:
    batch = processor(text=["<|ecg|> or <|ecg|>?", "nothing"], ecgs=[NORMAL, NORMAL])
    assert (batch["input_ids"] == processor.placeholders["ecg"]).sum(1).tolist() == [200, 0]
    with pytest.raises(ModelError, match=r"the texts have 1 .* for 2 ECGs"):
        processor(text="<|ecg|>", ecgs=[NORMAL, NORMAL])
    with pytest.raises(ModelError, match=r"the text has 2 .* for 1 given"):
        processor(text="<|ecg|><|ecg|>", ecgs=[NORMAL])


def test_what_an_ecg_is_not_is_said(processor: GemProcessor) -> None:
    with pytest.raises(ModelError, match=r"given as a Recording \(gem.read\), not as list"):
        processor.row([user("x", [[1, 2, 3]])])
    with pytest.raises(ModelError, match="a part of type 'video'"):
        processor.row([{"role": "user", "content": [{"type": "video"}]}])
    with pytest.raises(ModelError, match="begins with the assistant"):
        processor.row(CONVERSATION[2:])
    processor.tokenizer.chat_template = None
    with pytest.raises(ModelError, match="has no chat template"):
        processor.row(CONVERSATION)


def test_the_template_is_saved_with_the_processor(processor: GemProcessor, tmp_path: Path) -> None:
    processor.save_pretrained(tmp_path)
    again = AutoProcessor.from_pretrained(tmp_path)
    assert again.apply_chat_template(CONVERSATION) == processor.apply_chat_template(CONVERSATION)
    assert again.row(CONVERSATION).ids == processor.row(CONVERSATION).ids
    assert again.longest == processor.longest
