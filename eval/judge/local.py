"""A judge without a network: a transformers language model in a folder, decoded greedily."""

import threading
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from gem.errors import ModelError
from gem.llm.message import Ask, Reply, Unanswered


class Local:
    """One request at a time. Raises `ModelError` for a folder that holds no language model with a chat template."""

    def __init__(self, folder: Path) -> None:
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as fault:
            raise ModelError(f"{folder}: no language model that transformers can load ({str(fault).splitlines()[0]})") from fault
        if not self._tokenizer.chat_template:
            raise ModelError(f"{folder}: its tokenizer has no chat template; a judge is an instructed model")
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model.to(self._device).eval()
        self._name, self._lock = folder.name, threading.Lock()

    def send(self, ask: Ask) -> Reply:
        """The reply. Raises `Unanswered` when the prompt does not fit, or the answer was cut off."""
        messages = [{"role": role, "content": text} for role, text in ask.messages]
        rendered = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt")
        ids = {key: value.to(self._device) for key, value in rendered.items()}
        length = ids["input_ids"].shape[1]
        most = getattr(self._model.config, "max_position_embeddings", None)
        if most is not None and length >= most:
            raise Unanswered(f"{self._name}: a prompt of {length} tokens does not fit into {most}")
        longest = ask.max_tokens if most is None else min(ask.max_tokens, most - length)
        with self._lock, torch.inference_mode():
            torch.manual_seed(ask.seed or 0)
            warm: dict[str, Any] = {"do_sample": True, "temperature": ask.temperature} if ask.temperature > 0 else {"do_sample": False}
            out = self._model.generate(**ids, max_new_tokens=longest, **warm)[0, length:]
        text = self._tokenizer.decode(out, skip_special_tokens=True)
        if len(out) == longest:
            raise Unanswered(f"{self._name}: the answer was cut off at max_tokens; raise it", (text,))
        if not text.strip():
            raise Unanswered(f"{self._name}: the answer is empty")
        return Reply(text, self._name, length, len(out))
