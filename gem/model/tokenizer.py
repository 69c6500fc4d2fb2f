"""A small byte-level tokenizer, trained on the words of our own criteria, or on a corpus: for small models of our own."""

from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from gem.ecg.lead import STANDARD
from gem.knowledge.statement import statements
from gem.model.tokens import PLAIN_TEMPLATE

_CONTROL = ["<|pad|>", "<|end|>"]
_WORDS = (
    "The heart rate is 70 bpm. PR interval 160 ms, QRS duration 90 ms, QT 400 ms, QTc 420 ms, axis 40 degrees.",
    "What is the rhythm of this ECG? Interpret it, lead by lead, and give a diagnosis with its evidence.",
    f"Normal sinus rhythm in leads {', '.join(STANDARD)}. ST elevation of 0.2 mV. T wave inversion. system user assistant",
)


def train_tokenizer(vocabulary: int, corpus: Iterable[str] | None = None) -> Any:
    """A tokenizer of at most `vocabulary` tokens that spells any text; the same every time.

    corpus  texts to train on; digits are then tokens of their own, so that a number is spelled the same wherever it stands
    """
    texts = [*_WORDS, *(statement.text for statement in statements().values())] if corpus is None else corpus
    tokenizer = Tokenizer(models.BPE())
    bytewise = pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), bytewise])
    tokenizer.pre_tokenizer = bytewise if corpus is None else digits
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=_CONTROL, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    pad, end = _CONTROL
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=PLAIN_TEMPLATE, **{"pad_token": pad, "eos_token": end})
