"""A model, loaded once, that answers: in batches of like length, streaming, or many questions on one ECG."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, TextStreamer

import gem.model  # registers the classes
from gem.ecg.recording import Recording
from gem.errors import ModelError
from gem.infer.quote import open_token, quotes, quoting, spelled, told_in
from gem.measure.measurement import Measurements
from gem.model.ecg_input import prepare_ecg, stack_ecgs
from gem.model.measured import measured_values
from gem.model.processor import Row
from gem.model.quiet import quiet
from gem.model.tokens import Message
from gem.report.reading import Reading

DTYPES = ("auto", "float32", "bfloat16", "float16")
_KEPT_WHOLE = ("language_model.lm_head", "ecg_encoder", "image_encoder", "ecg_projector", "image_projector")
"""Parts that 8 and 4 bits leave alone."""
_UNSPOKEN = {code: None for code in range(32) if chr(code) not in "\n\t"} | {127: None}
"""Control characters, which could drive a terminal."""


@dataclass(frozen=True)
class Decoding:
    """How an answer is made.

    longest      tokens at most
    temperature  0 is greedy: the same answer every time
    top_p        of sampling
    seed         of sampling; the same seed and batch give the same answers
    """

    longest: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def arguments(self) -> dict[str, Any]:
        """As `generate` takes them."""
        if self.temperature <= 0:
            return {"max_new_tokens": self.longest, "do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        sampling = {"temperature": self.temperature, "top_p": self.top_p, "top_k": 0}
        return {"max_new_tokens": self.longest, "do_sample": True, **sampling}


GREEDY = Decoding()
SHIPPED = Path(gem.model.__file__).parent / "nano"
"""The model that comes with the package (its README.md is the model card)."""


class Engine:
    """A model with its processor; `name` says which, in reports."""

    def __init__(self, model: Any, processor: Any, name: str) -> None:
        self.model, self.processor, self.name = model.eval(), processor, name

    @classmethod
    def load(
        cls, folder: str | Path, adapter: str | Path | None = None, device: str | None = None, dtype: str = "auto", bits: int | None = None
    ) -> "Engine":
        """Load a checkpoint folder (safetensors only).

        adapter  a folder of LoRA adapters on it
        device   "cpu", "cuda", ...; by default a GPU where there is one; "auto" spreads a large model over what there is
        dtype    one of `DTYPES`; "auto" is that of the checkpoint
        bits     8 or 4: the LLM quantised by bitsandbytes

        Raises `ModelError` when it cannot be loaded.
        """
        quiet()
        where = device or ("cuda" if torch.cuda.is_available() else "cpu")
        if dtype == "auto" and where == "cpu" and Path(folder) == SHIPPED:
            dtype = "float32"  # small; on CPUs without bfloat16 units it is twice as fast as the bfloat16 that it is kept in
        how: dict[str, Any] = {"dtype": dtype, "device_map": where, "use_safetensors": True}
        if bits is not None:
            how["quantization_config"] = quantised(bits)
        _check(Path(folder))
        with _memory("load the model with --dtype bfloat16, or on another --device"):
            model, processor = _loaded(Path(folder), how)
        if adapter is not None:
            from gem.model.lora import load_adapter

            model = load_adapter(model, adapter)
        return cls(model, processor, "/".join(Path(part).name for part in (folder, adapter) if part is not None))

    def answer(self, conversations: Sequence[Sequence[Message]], decoding: Decoding = GREEDY, batch: int = 8) -> list[str]:
        """One answer a conversation, in order; rows of like length share a batch, so that little is padding.

        Raises `ModelError` for a conversation that does not fit, and when memory does not suffice for the batch.
        """
        told = [self.told(messages) for messages in conversations]
        rows = [self._row(messages, known) for messages, known in zip(conversations, told, strict=True)]
        order = sorted(range(len(rows)), key=lambda k: len(rows[k].ids))
        answers = [""] * len(rows)
        for at in range(0, len(order), batch):
            mine = order[at : at + batch]
            for k, text in zip(mine, self.generate(self.processor.batch([rows[k] for k in mine]), decoding), strict=True):
                answers[k] = spelled(text, told[k])
        return answers

    def told(self, messages: Sequence[Message]) -> dict[str, str]:
        """Numbers that the model may quote from a conversation; none where its tokenizer has no tokens for them."""
        return told_in(messages) if quotes(self.processor.tokenizer) else {}

    def _row(self, messages: Sequence[Message], told: Mapping[str, str]) -> Row:
        row: Row = self.processor.row(quoting(messages, told) if told else messages, generation_prompt=True)
        return row

    def reading(self, recording: Recording, measurements: Measurements) -> Reading | None:
        """The statements that the model reads off a recording, or None where it has no reader.

        Raises `ModelError` when the recording does not fit the ECG encoder.
        """
        config = self.model.config.reader_config
        if config is None:
            return None
        ecg = prepare_ecg(recording, self.processor.ecg_config)
        values, mask = (torch.from_numpy(array).to(self.model.device) for array in stack_ecgs([ecg]))
        measured = torch.from_numpy(measured_values(measurements))[None].to(self.model.device)
        found = self.model.read_statements(values, mask, measured)[0].tolist()
        named = dict(zip(config.statements, found, strict=True))
        return Reading(named, dict(zip(config.statements, config.thresholds, strict=True)), self.name)

    def stream(self, messages: Sequence[Message], said: Callable[[str], None], decoding: Decoding = GREEDY) -> str:
        """One answer, handed to `said` piece by piece as it is made; the pieces together are what is returned."""
        told = self.told(messages)
        batch = self.processor.batch([self._row(messages, told)])
        return spelled(self.generate(batch, decoding, streamer=_Streamer(self.processor.tokenizer, said, told))[0], told)

    def generate(self, batch: Any, decoding: Decoding, **how: Any) -> list[str]:
        """Answers to a batch; `how` goes to `generate`."""
        torch.manual_seed(decoding.seed)
        inputs = {name: tensor.to(self.model.device) for name, tensor in batch.items() if name != "labels"}
        width = inputs["input_ids"].shape[1]
        with _memory(f"use a smaller batch (this one has {len(inputs['input_ids'])} rows of {width} tokens) or shorter answers"):
            out = self.model.generate(**inputs, **decoding.arguments(), **how)
        return [plain(self.processor.decode(row)) for row in out[:, width:]]


class _Streamer(TextStreamer):
    """Text to a function, instead of to the screen; quoted numbers are spelled once their token is whole."""

    def __init__(self, tokenizer: Any, said: Callable[[str], None], told: Mapping[str, str]) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self._said, self._told, self._text, self._shown = said, told, "", 0

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        self._text += plain(text)
        whole = spelled(self._text if stream_end else self._text[: open_token(self._text)], self._told)
        self._said(whole[self._shown :])
        self._shown = len(whole)


def plain(text: str) -> str:
    """The text without control characters, line breaks and tabs apart."""
    return text.translate(_UNSPOKEN)


def _check(folder: Path) -> None:
    """Raises `ModelError` when the folder holds no model of ours."""
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: no model in it (config.json); name a folder that gem convert or training made")
    try:
        config = AutoConfig.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as fault:
        raise ModelError(f"{folder}: a model of another make; bring it over with gem convert {folder} DEST") from fault
    if config.model_type != gem.model.GemConfig.model_type:
        raise ModelError(f"{folder}: a {config.model_type} model; bring it over with gem convert {folder} DEST, or name it in a recipe")
    if not any(folder.glob("*.safetensors")):
        raise ModelError(f"{folder}: no .safetensors in it; weights in other forms are not opened")


def _loaded(folder: Path, how: dict[str, Any]) -> tuple[Any, Any]:
    """Model and processor. Raises `ModelError` when weights are missing, broken or of another shape: none are made up."""
    try:
        model, found = AutoModelForImageTextToText.from_pretrained(folder, output_loading_info=True, **how)
        processor = AutoProcessor.from_pretrained(folder)
    except (OSError, ValueError, ImportError, SafetensorError, RuntimeError) as fault:
        if _is_memory(fault):
            raise
        raise ModelError(f"{folder}: cannot be loaded ({str(fault).splitlines()[0]}); convert, download or train it again") from fault
    missing = sorted(found["missing_keys"])
    if missing:
        raise ModelError(f"{folder}: {len(missing)} weights are missing ({', '.join(missing[:3])} ...); convert or download it again")
    return model, processor


def quantised(bits: int) -> Any:
    """How bitsandbytes holds the LLM in 8 or 4 bits. Raises `ModelError` when it is not installed."""
    from transformers import BitsAndBytesConfig

    if bits not in (4, 8):
        raise ModelError(f"{bits} bits: 8 or 4 are possible")
    if find_spec("bitsandbytes") is None:
        raise ModelError(f"{bits} bits need the extra [quant]: pip install -c constraints.txt 'gem-ecg[quant]'")
    skip = list(_KEPT_WHOLE)
    if bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=skip)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", llm_int8_skip_modules=skip)


@contextmanager
def _memory(advice: str) -> Iterator[None]:
    """Raises `ModelError` with the advice where memory does not suffice."""
    try:
        yield
    except (MemoryError, RuntimeError) as fault:
        if not _is_memory(fault):
            raise
        raise ModelError(f"out of memory; {advice}") from fault


def _is_memory(fault: BaseException) -> bool:
    """The CPU's allocator of torch says it in words only."""
    return isinstance(fault, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(fault)
