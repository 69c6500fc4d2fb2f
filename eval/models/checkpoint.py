"""One of our checkpoints: it writes by `gem.infer`, and tells how likely it finds each option."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from eval.load import measured, picture_of, recording_of
from eval.models.config import Gem
from eval.models.model import Prompt, refused
from eval.sample import Answer, Ecg, digest, file_digest
from gem.errors import ConfigError, GemError, NotReadable
from gem.infer.engine import SHIPPED, Decoding, Engine
from gem.infer.facts import fact_block
from gem.model.tokens import IGNORED, Message, user


class Checkpoint:
    """A checkpoint folder behind `Model`."""

    def __init__(self, config: Gem, batch_size: int) -> None:
        folder = SHIPPED if config.folder == "nano" else Path(config.folder)
        self.engine = Engine.load(folder, config.adapter, config.device, config.dtype, config.bits)
        self.name = f"{self.engine.name}{' + facts' if config.facts else ''}{' reader' if config.reader else ''}"
        if config.reader and self.engine.model.config.reader_config is None:
            raise ConfigError(f"{config.folder}: has no reader of statements; leave model.reader out")
        self._config, self._batch = config, batch_size
        weights = sorted(folder.glob("*.safetensors")) + sorted(folder.glob("*.json"))
        weights += sorted(Path(config.adapter).glob("*.safetensors")) if config.adapter else []
        asked = config.model_dump(mode="json", exclude={"folder", "adapter", "device"})
        self.fingerprint: Any = digest([asked, [file_digest(path) for path in weights]])

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        """Texts in batches, likelihoods in batches; a prompt whose ECG cannot be read has an error of its own."""
        asked: list[list[Message] | Answer] = [self._messages(prompt) for prompt in prompts]
        asked = [self._read(prompt) or one for prompt, one in zip(prompts, asked, strict=True)]
        fine = [k for k, one in enumerate(asked) if not isinstance(one, Answer)]
        write = [k for k in fine if prompts[k].turn.ask in ("text", "both")]
        weigh = [k for k in fine if prompts[k].turn.ask in ("likelihood", "both") and prompts[k].turn.options]
        decoding = Decoding(self._config.longest, self._config.temperature, seed=self._config.seed)
        rows = [one for k in write if not isinstance(one := asked[k], Answer)]
        texts = dict(zip(write, self.engine.answer(rows, decoding, self._batch) if rows else [], strict=True))
        likely = {k: self._likelihoods(asked[k], prompts[k].turn.options) for k in weigh}
        return [one if isinstance(one, Answer) else Answer(text=texts.get(k), likelihoods=likely.get(k)) for k, one in enumerate(asked)]

    def _read(self, prompt: Prompt) -> Answer | None:
        """The reader's answer to a question after labels of its statements; None where the LLM is to answer."""
        label = prompt.turn.meta.get("label")
        if not self._config.reader or label is None or not prompt.sample.ecgs:
            return None
        try:
            recording = recording_of(prompt.sample.ecgs[0])
            reading = self.engine.reading(recording, measured(prompt.sample.ecgs[0])[0])
        except NotReadable:
            return refused(prompt)
        except GemError as fault:
            return Answer(error=str(fault))
        if reading is None or label not in (*reading.probabilities, "all"):
            return None
        if label == "all":
            of = prompt.turn.meta["asks"]["of"]
            return Answer(
                text="; ".join(code for code in (*of, prompt.turn.meta["asks"]["else"]) if code in reading.said) or "none of these"
            )
        p = min(max(reading.probabilities[label], 1e-6), 1 - 1e-6)
        return Answer(text="Yes" if label in reading.said else "No", likelihoods=(math.log(p), math.log(1 - p)))

    def _messages(self, prompt: Prompt) -> list[Message] | Answer:
        """The conversation: ECGs and pictures with the first question, what was measured on the first ECG before it."""
        processor, sample = self.engine.processor, prompt.sample
        try:
            ecgs = [recording_of(ecg) for ecg in sample.ecgs] if processor.ecg is not None else []
            pictures = [picture_of(picture) for picture in sample.pictures] if processor.image_input is not None else []
            before = self._before(prompt, ecgs)
        except NotReadable:
            return refused(prompt)  # what `gem report` does with such a recording
        except GemError as fault:
            return Answer(error=str(fault))
        if (sample.ecgs or sample.pictures) and not ecgs and not pictures:
            return Answer(error=f"{self.name} reads neither of what this sample shows; choose another task or model")
        questions = [*(question for question, _ in prompt.history), prompt.turn.question]
        messages = [user(f"{before}{questions[0]}", ecgs, pictures)]
        for (_, said), question in zip(prompt.history, questions[1:], strict=True):
            messages += [{"role": "assistant", "content": said}, user(question)]
        return messages

    def _before(self, prompt: Prompt, ecgs: Sequence[Any]) -> str:
        """What stands before the first question. Raises `GemError` when the recording cannot be measured."""
        known, facts = self._known(prompt), self._config.facts
        told = () if facts is False else self.engine.processor.told
        if known is None or not (facts or told):
            return ""
        measurements = measured(known)[0]
        reading = self.engine.reading(ecgs[0], measurements) if "reading" in told and ecgs else None
        lines = (fact_block(measurements) if facts or "facts" in told else "", reading.text if reading else "")
        return "".join(f"{line}\n" for line in lines if line)

    @staticmethod
    def _known(prompt: Prompt) -> Ecg | None:
        """The recording that is measured for the facts: what the model is shown, never what it is not."""
        shown = [*prompt.sample.ecgs, *(p.ecg for p in prompt.sample.pictures if p.ecg is not None)]
        return shown[0] if shown else None

    def _likelihoods(self, messages: Any, options: Sequence[str]) -> tuple[float, ...]:
        """Sum of the log-probabilities of each option's tokens and the end of the turn, as the answer to `messages`."""
        processor = self.engine.processor
        rows = [processor.row([*messages, {"role": "assistant", "content": option}]) for option in options]
        out: list[float] = []
        for at in range(0, len(rows), self._batch):
            some = rows[at : at + self._batch]
            batch = processor.batch(some, side="right")
            labels = batch["labels"].to(self.engine.model.device)
            inputs = {name: tensor.to(self.engine.model.device) for name, tensor in batch.items() if name != "labels"}
            with torch.no_grad():
                logits = self.engine.model(**inputs).logits[:, :-1].float()
            wanted = labels[:, 1:]
            said = torch.log_softmax(logits, dim=-1).gather(-1, wanted.clamp(min=0)[..., None])[..., 0]
            out += torch.where(wanted == IGNORED, 0.0, said).sum(dim=1).tolist()
        return tuple(out)
