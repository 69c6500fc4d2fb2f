"""The client: cache first, then the ledger, then the endpoint; answers checked against a class, repaired once."""

import json
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from gem.llm.journal import Cache, Journal
from gem.llm.message import Ask, Backend, ModelDown, Reply, Unanswered

T = TypeVar("T", bound=BaseModel)


class Client:
    """Asks `backend`, remembers in `cache`, books in `journal`. Safe to call from several threads."""

    def __init__(self, backend: Backend, cache: Cache, journal: Journal) -> None:
        self._backend, self._cache, self._journal = backend, cache, journal

    def ask(self, ask: Ask) -> Reply:
        """The answer, from the cache where it is there. Raises `CeilingReached`, `ModelDown`, `Unanswered`."""
        held = self._cache.get(ask.key)
        if held is not None:
            return held
        self._journal.book(ask)
        try:
            reply = self._backend.send(ask)
        except (ModelDown, Unanswered) as fault:
            self._journal.settle(ask, None, str(fault))
            raise
        self._journal.settle(ask, reply)
        self._cache.put(ask, reply)
        return reply

    def ask_as(self, ask: Ask, form: type[T]) -> tuple[T, Reply]:
        """The answer as a `form`; one that is not gets one chance of repair. Raises `Unanswered` after that."""
        reply = self.ask(ask)
        try:
            return form.model_validate_json(_bare(reply.text)), reply
        except ValidationError as fault:
            told = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the answer'}: {e['msg']}" for e in fault.errors()[:5])
        more = (("assistant", reply.text), ("user", f"That is not the JSON that was asked for ({told}). Answer with that JSON only."))
        first, reply = reply, self.ask(replace(ask, messages=(*ask.messages, *more)))
        try:
            return form.model_validate_json(_bare(reply.text)), reply
        except ValidationError as fault:
            why = f"{ask.model}: twice no JSON of the form that was asked for ({json.dumps(reply.text[:80])})"
            raise Unanswered(why, (first.text, reply.text)) from fault


def _bare(text: str) -> str:
    """JSON without the fence that many models put around it."""
    text = text.strip()
    return text.removeprefix("```json").removeprefix("```").removesuffix("```").strip() if text.startswith("```") else text
