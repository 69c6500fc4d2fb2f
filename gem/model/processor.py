"""Conversations with ECGs and pictures -> batches."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import BatchFeature, ProcessorMixin

from gem.ecg.recording import Recording
from gem.errors import ModelError
from gem.model.config import EcgConfig
from gem.model.ecg_input import EcgArray, prepare_ecg, stack_ecgs
from gem.model.image_input import ImageInput
from gem.model.tokens import ECG, IGNORED, IMAGE, Message, Tokens, answer_spans, flat, media_of, render, tokenise

_SQUARES = 4
"""Dimensions of a picture that was prepared before: [P, 3, S, S]."""


@dataclass(frozen=True)
class Row:
    """One conversation, prepared: ids and labels, its ECGs and pictures in reading order (or their states, where computed before)."""

    ids: list[int]
    labels: list[int]
    ecgs: list[EcgArray | Tensor]
    images: list[np.ndarray | Tensor]


class GemProcessor(ProcessorMixin):
    """Saved with the model: its tokenizer, how ECGs and pictures are read, and how long a row may be.

    ecg      fields of `EcgConfig`, or None: no ECGs
    picture  fields of `ImageInput`, or None: no pictures
    longest  tokens of the longest row
    told     what the model was trained to be told before the first question: "facts" (what was measured), "reading" (its own statements)
    placeholders  {"ecg": id, "image": id}, as in the model's configuration
    """

    def __init__(
        self,
        tokenizer: Any = None,
        ecg: dict[str, Any] | None = None,
        picture: dict[str, Any] | None = None,
        longest: int = 4096,
        placeholders: dict[str, int] | None = None,
        told: Sequence[str] = (),
        chat_template: str | None = None,
    ) -> None:
        super().__init__(tokenizer)
        tokenizer.chat_template = tokenizer.chat_template or chat_template
        tokenizer.padding_side = "left"
        self.chat_template = tokenizer.chat_template
        self.ecg, self.picture, self.longest, self.told = ecg, picture, longest, list(told)
        self.placeholders = placeholders or {"ecg": len(tokenizer), "image": len(tokenizer) + 1}

    @property
    def ecg_config(self) -> EcgConfig | None:
        return None if self.ecg is None else _ecg_config(json.dumps(self.ecg))

    @property
    def image_input(self) -> ImageInput | None:
        return None if self.picture is None else ImageInput.of(self.picture)

    def row(self, messages: Sequence[Message], generation_prompt: bool = False) -> Row:
        """Prepare one conversation.

        generation_prompt  it ends where the assistant is to speak

        Raises `ModelError` for an ECG or picture that does not fit, a control token in a text, and a row longer than `longest`.
        """
        given_ecgs, given_images = media_of(messages)
        spoken = flat(messages, [*self.tokenizer.all_special_tokens, ECG, IMAGE])
        text = render(self.tokenizer, spoken, generation_prompt)
        ecgs, images = [self._ecg(given) for given in given_ecgs], [self._image(given) for given in given_images]
        said = self._tokens(text, answer_spans(self.tokenizer, spoken, text), ecgs, images)
        return Row(said.ids, said.labels, ecgs, images)

    def rows(self, conversations: Sequence[Sequence[Message]]) -> tuple[list[Row], list[tuple[int, str]]]:
        """All rows that fit, and (index, reason) of those that do not: counted and refused, never cut."""
        kept, refused = [], []
        for k, messages in enumerate(conversations):
            try:
                kept.append(self.row(messages))
            except ModelError as fault:
                refused.append((k, str(fault)))
        return kept, refused

    def batch(self, rows: Sequence[Row], side: str = "left") -> BatchFeature:
        """Tensors of several rows, padded on one side: "left" to generate, "right" to train."""
        width = max(len(row.ids) for row in rows)
        pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else 0

        def padded(values: list[int], fill: int) -> list[int]:
            rest = [fill] * (width - len(values))
            return rest + values if side == "left" else values + rest

        out = {
            "input_ids": torch.tensor([padded(row.ids, pad) for row in rows]),
            "attention_mask": torch.tensor([padded([1] * len(row.ids), 0) for row in rows]),
        }
        if any(label != IGNORED for row in rows for label in row.labels):
            out["labels"] = torch.tensor([padded(row.labels, IGNORED) for row in rows])
        return BatchFeature(
            out | _ecg_tensors([e for row in rows for e in row.ecgs]) | _image_tensors([i for row in rows for i in row.images])
        )

    def __call__(
        self, text: str | Sequence[str], ecgs: Sequence[Recording] = (), images: Sequence[Any] = (), return_tensors: str = "pt", **_: Any
    ) -> BatchFeature:
        """A batch from texts that hold <|ecg|> and <|image|>; ECGs and pictures of all texts in reading order.

        Raises `ModelError` when a text and what is given do not count the same.
        """
        texts = [text] if isinstance(text, str) else list(text)
        ready_ecgs, ready_images = [self._ecg(given) for given in ecgs], [self._image(given) for given in images]
        rows, e, i = [], 0, 0
        for one in texts:
            mine, pictures = ready_ecgs[e : e + one.count(ECG)], ready_images[i : i + one.count(IMAGE)]
            e, i = e + one.count(ECG), i + one.count(IMAGE)
            said = self._tokens(one, [], mine, pictures)
            rows.append(Row(said.ids, said.labels, mine, pictures))
        if (e, i) != (len(ready_ecgs), len(ready_images)):
            raise ModelError(f"the texts have {e} {ECG} and {i} {IMAGE} for {len(ready_ecgs)} ECGs and {len(ready_images)} pictures")
        return self.batch(rows)

    def apply_chat_template(
        self, conversation: Sequence[Any], add_generation_prompt: bool = False, tokenize: bool = False, **_: Any
    ) -> str | list[str] | BatchFeature:
        """As in transformers: a conversation or several, as text or, with `tokenize`, as a batch."""
        many = not isinstance(conversation[0], dict)
        conversations = conversation if many else [conversation]
        if tokenize:
            return self.batch([self.row(messages, add_generation_prompt) for messages in conversations])
        forbidden = [*self.tokenizer.all_special_tokens, ECG, IMAGE]
        texts = [render(self.tokenizer, flat(messages, forbidden), add_generation_prompt) for messages in conversations]
        return texts if many else texts[0]

    def decode(self, ids: Any, **kwargs: Any) -> str:
        """Token ids as text, without control tokens unless asked for."""
        text: str = self.tokenizer.decode(ids, **({"skip_special_tokens": True} | kwargs))
        return text

    def _tokens(self, text: str, spans: Sequence[tuple[int, int]], ecgs: list[Any], images: list[Any]) -> Tokens:
        counts = {ECG: [_count(e) for e in ecgs], IMAGE: [_count(i) * (1 if torch.is_tensor(i) else self._per_square()) for i in images]}
        said = tokenise(self.tokenizer, text, spans, counts, {ECG: self.placeholders["ecg"], IMAGE: self.placeholders["image"]})
        if len(said.ids) > self.longest:
            raise ModelError(
                f"{len(said.ids)} tokens ({sum(counts[ECG])} of ECGs, {sum(counts[IMAGE])} of pictures), but this model takes "
                f"{self.longest}; give fewer turns, a shorter stretch or fewer pictures"
            )
        return said

    def _per_square(self) -> int:
        return 0 if self.image_input is None else self.image_input.tokens

    def _ecg(self, given: Any) -> EcgArray | Tensor:
        if torch.is_tensor(given) or isinstance(given, EcgArray):
            return given
        if self.ecg_config is None:
            raise ModelError("an ECG was given, but this model reads pictures only; draw it and give the picture")
        if not isinstance(given, Recording):
            raise ModelError(f"an ECG is given as a Recording (gem.read), not as {type(given).__name__}")
        return prepare_ecg(given, self.ecg_config)

    def _image(self, given: Any) -> np.ndarray | Tensor:
        if torch.is_tensor(given) or (isinstance(given, np.ndarray) and given.ndim == _SQUARES):
            return given
        if self.image_input is None:
            raise ModelError("a picture was given, but this model has no image encoder; give the signal instead")
        return self.image_input.squares(given)


@lru_cache(maxsize=8)
def _ecg_config(fields: str) -> EcgConfig:
    """Making one takes as long as the rest of a row."""
    return EcgConfig(**json.loads(fields))


def _count(given: EcgArray | np.ndarray | Tensor) -> int:
    """Features of an ECG or of states; squares of a picture."""
    return given.tokens if isinstance(given, EcgArray) else len(given)


def _ecg_tensors(ecgs: list[Any]) -> dict[str, Tensor]:
    if not ecgs:
        return {}
    if _are_states(ecgs):
        return {"ecg_states": torch.cat(ecgs)}
    values, mask = stack_ecgs(ecgs)
    return {"ecg_values": torch.from_numpy(values), "ecg_mask": torch.from_numpy(mask)}


def _image_tensors(images: list[Any]) -> dict[str, Tensor]:
    if not images:
        return {}
    if _are_states(images):
        return {"image_states": torch.cat(images)}
    return {"pixel_values": torch.from_numpy(np.concatenate(images))}


def _are_states(given: list[Any]) -> bool:
    """Whether all were computed before. Raises `ModelError` when only some were."""
    states = [torch.is_tensor(one) for one in given]
    if any(states) and not all(states):
        raise ModelError(f"{sum(states)} of {len(states)} in this batch are computed states, the others are not; give one kind a batch")
    return any(states)
