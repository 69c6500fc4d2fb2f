"""Any OpenAI-compatible endpoint, by the client that data_gen uses: cache, ledger, ceiling, retries, egress guard."""

import base64
import hashlib
import io
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.load import picture_of, recording_of
from eval.models.config import Remote
from eval.models.model import Prompt
from eval.sample import Answer, Ecg, Picture
from gem.errors import GemError
from gem.llm.client import Client
from gem.llm.endpoint import Endpoint, check_egress
from gem.llm.journal import Cache, Journal, Prices
from gem.llm.message import Ask, CeilingReached, ModelDown


@dataclass(frozen=True)
class ShownAsk(Ask):
    """An Ask whose first user message also holds parts: pictures and files."""

    parts: tuple[Mapping[str, Any], ...] = ()

    def body(self) -> dict[str, Any]:
        whole = super().body()
        del whole["response_format"]
        first = next(message for message in whole["messages"] if message["role"] == "user")
        first["content"] = [*self.parts, {"type": "text", "text": first["content"]}] if self.parts else first["content"]
        return whole


class Remoted:
    """Several requests at once. Raises `ModelDown` after `give_up` requests in a row without an answer, `CeilingReached` at a ceiling."""

    def __init__(self, config: Remote) -> None:
        check_egress(config.url, config.data_class, config.hosts)
        self.name = config.model
        self.fingerprint: Any = config.model_dump(mode="json", include={"model", "send", "longest", "temperature"})
        self._config = config
        cache = Path(config.cache)
        prices = Prices(config.prices, config.ceiling_usd, config.ceiling_tokens)
        endpoint = Endpoint(config.url, config.key_env, config.timeout_s, config.tries)
        self._client = Client(endpoint, Cache(cache / "answers"), Journal(cache / "journal.jsonl", prices))
        self._silent, self._lock = 0, threading.Lock()

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        with ThreadPoolExecutor(self._config.threads) as pool:
            return list(pool.map(self._one, prompts))

    def _one(self, prompt: Prompt) -> Answer:
        try:
            reply = self._client.ask(self._asked(prompt))
        except CeilingReached:
            raise
        except ModelDown as fault:
            with self._lock:
                self._silent += 1
                if self._silent >= self._config.give_up:
                    raise
            return Answer(error=str(fault))
        except GemError as fault:
            return Answer(error=str(fault))
        with self._lock:
            self._silent = 0
        return Answer(text=reply.text)

    def _asked(self, prompt: Prompt) -> ShownAsk:
        messages: list[tuple[str, str]] = []
        for question, said in prompt.history:
            messages += [("user", question), ("assistant", said)]
        messages.append(("user", prompt.turn.question))
        send, sample = self._config.send, prompt.sample
        pictures = [_image_part(p) for p in sample.pictures or _drawn(sample.ecgs)] if send in ("picture", "both") else []
        files = [_file_part(ecg) for ecg in sample.ecgs] if send in ("file", "both") else []
        config = self._config
        return ShownAsk(config.model, tuple(messages), {}, config.temperature, config.longest, parts=(*pictures, *files))


def _drawn(ecgs: Sequence[Ecg]) -> list[Picture]:
    """Pages of what has no picture."""
    return [Picture(ecg=ecg) for ecg in ecgs]


def _image_part(picture: Picture) -> dict[str, Any]:
    stream = io.BytesIO()
    picture_of(picture).save(stream, "PNG")
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"}}


def _file_part(ecg: Ecg) -> dict[str, Any]:
    """The signal as CSV in uV: one column a lead, the first line says their names and the rate. The file's own name is not sent."""
    recording = recording_of(ecg)
    head = ",".join(recording.leads) + f",fs={recording.fs:g}Hz,unit=uV\n"
    rows = np.nan_to_num(1000 * recording.signal.T).round().astype(int)
    text = head + "\n".join(",".join(map(str, row)) for row in rows.tolist())
    name = hashlib.sha256(text.encode()).hexdigest()[:8]
    data = base64.b64encode(text.encode()).decode()
    return {"type": "file", "file": {"filename": f"ecg-{name}.csv", "file_data": f"data:text/csv;base64,{data}"}}
