"""Conversations as tokens: the tokenizer's own chat template, features in their places, labels on the assistant's words alone.

A conversation is what chat templates take: a list of {"role", "content"}, content a text or a list of parts {"type": "text" | "ecg" |
"image", ...}. Text between two features is tokenised by itself: that is what the tokenizers of LLaVA and GEM did (a word after a
feature begins with a space piece), and for byte-level tokenizers it makes no difference.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gem.errors import ModelError

ECG, IMAGE = "<|ecg|>", "<|image|>"
IGNORED = -100
"""The label of a token that counts for nothing."""

Message = dict[str, Any]
_MEDIA = re.compile(f"{re.escape(ECG)}|{re.escape(IMAGE)}")

VICUNA_TEMPLATE = (
    "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers "
    "to the human's questions. {% for m in messages %}{% if m.role == 'user' %}USER: {{ m.content }} {% elif m.role == 'assistant' %}"
    "ASSISTANT: {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
"""The conversation form of Vicuna 1.1, with the system sentence that the released GEM was trained with; the facts are those of its
configuration (separators " " and "</s>")."""

PLAIN_TEMPLATE = (
    "{% for m in messages %}{{ m.role }}\n{{ m.content }}{{ eos_token }}\n{% endfor %}{% if add_generation_prompt %}assistant\n{% endif %}"
)
"""Every turn ends with the end token: for a tokenizer that brings no template, without new tokens."""


@dataclass(frozen=True)
class Tokens:
    """ids, and labels: the id where the assistant speaks, else `IGNORED`."""

    ids: list[int]
    labels: list[int]


def user(question: str, ecgs: Sequence[Any] = (), images: Sequence[Any] = ()) -> Message:
    """A user's turn: ECGs, pictures, then the question."""
    parts: list[Message] = [{"type": "ecg", "ecg": ecg} for ecg in ecgs]
    parts += [{"type": "image", "image": image} for image in images]
    return {"role": "user", "content": [*parts, {"type": "text", "text": question}]}


def media_of(messages: Sequence[Message]) -> tuple[list[Any], list[Any]]:
    """The ECGs and the pictures of a conversation, each in reading order."""
    parts = [part for message in messages if not isinstance(message["content"], str) for part in message["content"]]
    return [p["ecg"] for p in parts if p["type"] == "ecg"], [p["image"] for p in parts if p["type"] == "image"]


def flat(messages: Sequence[Message], forbidden: Sequence[str]) -> list[dict[str, str]]:
    """The conversation with texts for contents: a placeholder for each ECG and picture, a line break before the text after them.

    forbidden  control tokens; raises `ModelError` where a text holds one, which would forge a turn or a feature
    """
    out = []
    for message in messages:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        text = ""
        for part in parts:
            if part["type"] not in ("text", "ecg", "image"):
                raise ModelError(f"a part of type {part['type']!r} in a conversation: text, ecg and image are known")
            if part["type"] == "text":
                _check_text(part["text"], forbidden)
                text += ("\n" if text.endswith((ECG, IMAGE)) else "") + part["text"]
            else:
                text += ECG if part["type"] == "ecg" else IMAGE
        out.append({"role": message["role"], "content": text})
    return out


def _check_text(text: str, forbidden: Sequence[str]) -> None:
    for token in forbidden:
        if token in text:
            raise ModelError(f"the text holds {token!r}, a control token of this model; take it out")


def render(tokenizer: Any, messages: Sequence[dict[str, str]], generation_prompt: bool) -> str:
    """The text of a flat conversation by the tokenizer's template. Raises `ModelError` when there is none or it refuses the turns."""
    if not tokenizer.chat_template:
        raise ModelError(f"{tokenizer.name_or_path or 'the tokenizer'} has no chat template; set tokenizer.chat_template and save it")
    try:
        text: str = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=generation_prompt)
    except Exception as fault:
        if type(fault).__module__.startswith("jinja2"):
            raise ModelError(f"the chat template refuses this conversation: {fault}") from fault
        raise
    return text


def answer_spans(tokenizer: Any, messages: Sequence[dict[str, str]], text: str) -> list[tuple[int, int]]:
    """(start, end) in `text` of what the assistant says, its end token included.

    Raises `ModelError` when the template rewrites turns, so that the model would be trained on prompts it never sees.
    """
    spans = []
    for k, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        if k == 0:
            raise ModelError("the conversation begins with the assistant; let the user ask first")
        before = render(tokenizer, messages[:k], generation_prompt=True)
        said = message["content"].strip()
        at = text.find(said, len(before))
        if not text.startswith(before) or at < 0:
            raise ModelError(f"the chat template rewrites turn {k + 1}; labels need one that leaves turns as they are")
        end = at + len(said)
        mark = re.match(rf"\s*{re.escape(tokenizer.eos_token or '')}", text[end:])
        spans.append((len(before), end + (mark.end() if mark and tokenizer.eos_token else 0)))
    return spans


def tokenise(
    tokenizer: Any, text: str, spans: Sequence[tuple[int, int]], counts: dict[str, list[int]], placeholders: dict[str, int]
) -> Tokens:
    """Tokens of a rendered text.

    spans         from `answer_spans`
    counts        `ECG` and `IMAGE` -> features of each, in reading order
    placeholders  `ECG` and `IMAGE` -> id

    Raises `ModelError` when the text has another number of placeholders than there are ECGs or pictures, and when the labels do not
    read back as the assistant's words.
    """
    for mark, listed in counts.items():
        if text.count(mark) != len(listed):
            raise ModelError(f"the text has {text.count(mark)} {mark} for {len(listed)} given; each needs its own place")
    ids, labels, at = _beginning(tokenizer, text), [], 0
    labels = [IGNORED] * len(ids)
    left = {mark: iter(listed) for mark, listed in counts.items()}
    for piece in [*_MEDIA.finditer(text), None]:
        end = piece.start() if piece else len(text)
        said = _labelled(tokenizer, text[at:end], [(a - at, b - at) for a, b in spans])
        ids += said.ids
        labels += said.labels
        if piece:
            n = next(left[piece.group()])
            ids += [placeholders[piece.group()]] * n
            labels += [IGNORED] * n
            at = piece.end()
    _check_round_trip(tokenizer, labels, [text[a:b] for a, b in spans])
    return Tokens(ids, labels)


def _beginning(tokenizer: Any, text: str) -> list[int]:
    """The first token, where the tokenizer wants one and the template did not write it."""
    bos = tokenizer.bos_token_id
    return [bos] if bos is not None and tokenizer("")["input_ids"][:1] == [bos] and not text.startswith(tokenizer.bos_token) else []


def _labelled(tokenizer: Any, text: str, spans: Sequence[tuple[int, int]]) -> Tokens:
    """Tokens of a stretch of text; those that begin in a span are labelled."""
    if not text:
        return Tokens([], [])
    coded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids = list(coded["input_ids"])
    inside = [any(a <= begin < b and begin < end for a, b in spans) for begin, end in coded["offset_mapping"]]
    return Tokens(ids, [i if yes else IGNORED for i, yes in zip(ids, inside, strict=True)])


def _check_round_trip(tokenizer: Any, labels: Sequence[int], answers: Sequence[str]) -> None:
    """The labels must read back as the answers, blanks apart."""
    read = tokenizer.decode([i for i in labels if i != IGNORED], skip_special_tokens=False)
    if "".join(read.split()) != "".join("".join(answers).split()):
        raise ModelError(f"the labels read {read[:60]!r}, but the assistant says {''.join(answers)[:60]!r}; the tokenizer cannot spell it")
