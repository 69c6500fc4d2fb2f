"""What is asked and what comes back, and what can go wrong."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gem.errors import GemError


class EgressRefused(GemError):
    """Credentialed or private data would go to a host that is not allow-listed."""

    code = "egress"


class CeilingReached(GemError):
    """The next request could pass the ceiling of tokens or cost."""

    code = "ceiling"


class ModelDown(GemError):
    """The endpoint does not answer, or not as it should, after every retry."""

    code = "model_down"


class Unanswered(GemError):
    """This one request has no usable answer: refused, cut off, or not of the form that was asked for.

    said  what the model wrote all the same, first to last, so that nobody has to ask again to see it
    """

    code = "unanswered"

    def __init__(self, message: str, said: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.said = said


@dataclass(frozen=True)
class Ask:
    """One request. `schema` is the JSON schema of the answer; the same Ask has the same `key` everywhere.

    seed  for servers that take one; another seed is another request
    """

    model: str
    messages: tuple[tuple[str, str], ...]
    schema: Mapping[str, Any]
    temperature: float = 0.0
    max_tokens: int = 1500
    seed: int | None = None

    @property
    def key(self) -> str:
        """Hash of everything that decides the answer."""
        return hashlib.sha256(json.dumps(self.body(), sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def body(self) -> dict[str, Any]:
        """The body of a chat completion."""
        seed = {} if self.seed is None else {"seed": self.seed}
        return seed | {
            "model": self.model,
            "messages": [{"role": role, "content": text} for role, text in self.messages],
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": dict(self.schema)}},
        }


@dataclass(frozen=True)
class Reply:
    """The text, who wrote it, and what it cost in tokens."""

    text: str
    model: str
    tokens_in: int
    tokens_out: int


class Backend(Protocol):
    """Something that answers. Raises `Unanswered` for one request, `ModelDown` when no request would fare better."""

    def send(self, ask: Ask) -> Reply: ...


def reply_of(answer: Any, model: str) -> Reply:
    """The reply in the JSON object of a chat completion. Raises `Unanswered`."""
    try:
        choice = answer["choices"][0]
        message, why = choice["message"], choice.get("finish_reason")
        text = message.get("content")
        usage = answer.get("usage") or {}
        tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as fault:
        raise Unanswered(f"{model}: the answer is no chat completion ({fault!r})") from fault
    if message.get("refusal") or why == "content_filter":
        raise Unanswered(f"{model}: refused ({message.get('refusal') or why})")
    if why == "length":
        raise Unanswered(f"{model}: the answer was cut off at max_tokens; raise it", (text,) if isinstance(text, str) else ())
    if not isinstance(text, str) or not text.strip():
        raise Unanswered(f"{model}: the answer is empty")
    return Reply(text, str(answer.get("model") or model), *tokens)
