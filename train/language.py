"""Stage `language`: a small decoder from scratch on the words of the conversations, with a tokenizer of its own where none is given.

Numbers and findings are given to it in the prompt where `data.show.facts` is on; it sees no recording. What it makes is named as `llm` of a
model recipe, and instruct goes on from there.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, TrainingArguments

from gem.errors import ModelError
from gem.infer.quote import NAMES
from gem.model.processor import GemProcessor
from gem.model.quiet import quiet
from gem.model.tokenizer import train_tokenizer
from gem.model.tokens import PLAIN_TEMPLATE
from train.config import LanguageRecipe
from train.data.examples import facts_of
from train.data.index import Rows
from train.data.signals import key_of
from train.sources import conversation_of, prepared
from train.tuning import Learner, tune


def run(recipe: LanguageRecipe) -> int:
    """Train; the run folder then holds `model/`, a causal LLM with its tokenizer. Returns how many rows could not be used."""
    quiet()
    return tune(recipe, lambda rows, how: _learner(recipe, rows, how))


def _learner(recipe: LanguageRecipe, rows: list[Rows], how: TrainingArguments) -> Learner:
    tokenizer = _tokenizer(recipe, rows)
    fields = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    fields |= {"bos_token_id": None, "tie_word_embeddings": True, "max_position_embeddings": recipe.longest}
    asked = dict(recipe.llm)
    try:
        config = AutoConfig.for_model(asked.pop("model_type", "qwen3"), **(fields | asked))
        model = AutoModelForCausalLM.from_config(config)
    except (ValueError, TypeError, KeyError) as fault:
        raise ModelError(f"llm: no causal LLM can be made of these fields ({str(fault).splitlines()[0]})") from fault
    count = sum(parameter.numel() for parameter in model.parameters())
    return Learner(
        model, GemProcessor(tokenizer, longest=recipe.longest), f"language: {count:,} weights", "model", everything=not recipe.answers
    )


def _tokenizer(recipe: LanguageRecipe, rows: list[Rows]) -> Any:
    """The one that is given, or one trained on a sample of the texts; kept in the run folder, so that a run that goes on has the same."""
    kept = recipe.output / "tokenizer"
    named = recipe.tokenizer or (kept if (kept / "tokenizer.json").is_file() else None)
    if named is None:
        tokenizer = train_tokenizer(recipe.vocabulary, _texts(recipe, rows))
        if recipe.quotes:
            tokenizer.add_tokens(list(NAMES))
        tokenizer.save_pretrained(kept)
        return tokenizer
    try:
        tokenizer = AutoTokenizer.from_pretrained(named)
    except (OSError, ValueError) as fault:
        raise ModelError(f"{named}: no tokenizer can be loaded ({str(fault).splitlines()[0]})") from fault
    tokenizer.chat_template = tokenizer.chat_template or PLAIN_TEMPLATE
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _texts(recipe: LanguageRecipe, rows: list[Rows]) -> Iterator[str]:
    """Turns of evenly spread rows, and the facts that stand before them."""
    signals = prepared(recipe.data, rows, 500.0) if recipe.data.show.facts else None
    yield "system user assistant"
    for one in rows:
        for k in np.unique(np.linspace(0, len(one) - 1, min(len(one), recipe.tokenizer_rows)).astype(int)).tolist():
            row = conversation_of(one, k)
            yield from (turn.text for turn in row.turns)
            if signals is not None:
                known = [key_of(ecg) for ecg in row.ecgs]
                yield facts_of([signals.get(key) for key in known if signals.has(key)])
