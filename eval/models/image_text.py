"""Any image-text model of transformers: it is shown the sample's pictures, and a page drawn of each ECG that has none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from eval.load import picture_of
from eval.models.config import Transformers
from eval.models.model import Prompt
from eval.sample import Answer, Picture
from gem.errors import GemError, ModelError


class ImageText:
    """A model and its processor, one prompt at a time."""

    def __init__(self, config: Transformers) -> None:
        where = config.device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self.model = AutoModelForImageTextToText.from_pretrained(
                config.folder, dtype=config.dtype, device_map=where, use_safetensors=True
            )
            self.processor = AutoProcessor.from_pretrained(config.folder)
        except (OSError, ValueError, ImportError, KeyError) as fault:
            raise ModelError(f"{config.folder}: cannot be loaded as an image-text model ({str(fault).splitlines()[0]})") from fault
        self.model.eval()
        self.name = Path(config.folder).name
        self.fingerprint: Any = config.model_dump(mode="json", exclude={"device"})
        self._longest = config.longest

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        return [self._one(prompt) for prompt in prompts]

    def _one(self, prompt: Prompt) -> Answer:
        try:
            images = [picture_of(picture) for picture in prompt.sample.pictures or [Picture(ecg=ecg) for ecg in prompt.sample.ecgs]]
        except GemError as fault:
            return Answer(error=str(fault))
        inputs, ends = self._inputs(prompt, images, None)
        text, likely = None, None
        if prompt.turn.ask in ("text", "both"):
            with torch.no_grad():
                out = self.model.generate(**inputs, max_new_tokens=self._longest, do_sample=False)
            text = self.processor.batch_decode(out[:, ends:], skip_special_tokens=True)[0].strip()
        if prompt.turn.ask in ("likelihood", "both") and prompt.turn.options:
            likely = tuple(self._likelihood(prompt, images, option) for option in prompt.turn.options)
        return Answer(text=text, likelihoods=likely)

    def _likelihood(self, prompt: Prompt, images: list[Any], option: str) -> float:
        """Sum of the log-probabilities of what the option adds to the prompt."""
        _, begins = self._inputs(prompt, images, None)
        inputs, ends = self._inputs(prompt, images, option)
        with torch.no_grad():
            logits = self.model(**inputs).logits[0, :-1].float()
        wanted = inputs["input_ids"][0, 1:]
        said = torch.log_softmax(logits, dim=-1).gather(-1, wanted[:, None])[:, 0]
        return float(said[begins - 1 : ends - 1].sum())

    def _inputs(self, prompt: Prompt, images: list[Any], option: str | None) -> tuple[Any, int]:
        """Tensors, and how many tokens they are."""
        questions = [*(question for question, _ in prompt.history), prompt.turn.question]
        messages: list[dict[str, Any]] = []
        for k, question in enumerate(questions):
            shown = [{"type": "image"} for _ in images] if k == 0 else []
            messages.append({"role": "user", "content": [*shown, {"type": "text", "text": question}]})
            if k < len(prompt.history):
                messages.append({"role": "assistant", "content": [{"type": "text", "text": prompt.history[k][1]}]})
        text = self.processor.apply_chat_template(messages, add_generation_prompt=True) + (option or "")
        inputs = self.processor(text=text, images=images or None, return_tensors="pt").to(self.model.device)
        return inputs, int(inputs["input_ids"].shape[1])
