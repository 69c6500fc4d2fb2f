"""The text side of the stage: open_clip's text transformer and losses (CLIP, or CoCa where captions are learned too)."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from gem.errors import ConfigError
from gem.model.reader import pooled
from gem.model.tokenizer import train_tokenizer
from train.align.config import Text
from train.settings import World

_FIRST_SCALE = 1 / 0.07
"""Of CLIP's logits, before it is learned (Radford et al. 2021)."""


def open_clip() -> Any:
    """The package. Raises `ConfigError` when it is not installed."""
    if find_spec("open_clip") is None or find_spec("torchvision") is None:
        raise ConfigError("a recipe with `text` needs open_clip; install the extra: pip install -c constraints.txt 'gem-ecg[align]'")
    import open_clip as package

    return package


class Words:
    """Texts -> [E, longest + 1] ids: padding 0, then an end token; the last column is for the class token of CoCa."""

    def __init__(self, tokenizer: Any, longest: int) -> None:
        self.tokenizer, self.longest = tokenizer, longest

    def __call__(self, texts: Sequence[str]) -> Tensor:
        pad, end = self.tokenizer.pad_token_id, self.tokenizer.eos_token_id
        rows = [[*self.tokenizer(text)["input_ids"][: self.longest - 1], end] if text else [] for text in texts]
        return torch.tensor([row + [pad] * (self.longest - len(row)) for row in rows])


def tokenizer_of(texts: Sequence[str], how: Text) -> Words:
    """A tokenizer trained on the reports. Raises `ConfigError` when there are none."""
    found = [text for text in texts if text]
    if not found:
        raise ConfigError("a recipe with `text` needs reports, but no training record has one")
    return Words(train_tokenizer(how.vocabulary, found), how.longest)


class TextSide(nn.Module):
    """A text tower, what joins it to the ECG encoder, and their losses."""

    def __init__(self, how: Text, words: Words, ecg_width: int) -> None:
        super().__init__()
        package = open_clip()
        world = World.here()
        pad, vocabulary, captions = words.tokenizer.pad_token_id, len(words.tokenizer), how.caption > 0
        self.how, self.pad = how, pad
        self.tower = package.transformer.TextTransformer(
            context_length=how.longest, vocab_size=vocabulary, width=how.width, heads=how.heads, layers=how.layers, output_dim=how.embed,
            embed_cls=captions, pad_id=pad, eos_id=words.tokenizer.eos_token_id, pool_type="eos", output_tokens=True,
        )  # fmt: skip
        self.ecg = nn.Linear(2 * ecg_width, how.embed)
        self.scale = nn.Parameter(torch.tensor(_FIRST_SCALE).log())
        ranks = {"rank": world.rank, "world_size": world.size}
        if captions:
            self.bridge = nn.Linear(ecg_width, how.width)
            self.decoder = package.transformer.MultimodalTransformer(how.width, how.layers, how.heads, how.longest, output_dim=vocabulary)
            nn.init.normal_(self.decoder.text_projection, std=how.width**-0.5)  # open_clip leaves it as it lies in memory
            self.loss = package.loss.CoCaLoss(how.caption, how.contrast, pad_id=pad, **ranks)
        else:
            self.loss = package.loss.ClipLoss(**ranks)

    def forward(self, states: Tensor, keep: Tensor, ids: Tensor) -> dict[str, Tensor]:
        """Losses by name of the rows that have a text; states [E, N, H] and keep [E, N] of the ECG encoder, ids [E, T]."""
        there = (ids != self.pad).any(1)
        if int(there.sum()) < 2:
            return {"text": 0.0 * (self.scale + sum(p.sum() for p in self.parameters()))}
        states, keep, ids = states[there], keep[there], ids[there]
        ecg = functional.normalize(self.ecg(pooled(states, keep)), dim=-1)
        captions = self.how.caption > 0
        text, tokens = self.tower(ids[:, :-1] if captions else ids)
        text = functional.normalize(text, dim=-1)
        scale = self.scale.exp().clamp(max=100)
        if not captions:
            return {"contrast": self.how.contrast * self.loss(ecg, text, scale)}
        logits = self.decoder(self.bridge(states), tokens)
        contrast, caption = self.loss(ecg, text, logits, ids[:, 1:][:, : logits.shape[1]], scale)
        return {"contrast": contrast, "caption": caption}
