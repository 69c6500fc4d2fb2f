"""Batch files in OpenAI's form: requests written for a batch service, its answers read into the cache for `backend: replay`."""

import json
from collections.abc import Iterable
from pathlib import Path

from data_gen.facts import Facts
from data_gen.instruct.config import Endpoint
from data_gen.teacher.prompt import ask_of
from gem.errors import ConfigError
from gem.jsonl import read_rows
from gem.llm.endpoint import check_egress
from gem.llm.journal import Cache
from gem.llm.message import Ask, Unanswered, reply_of


def requests(known: Iterable[Facts], teacher: Endpoint) -> Iterable[str]:
    """One line a request that is not cached yet; custom_id is the hash of the request. Raises `EgressRefused`."""
    cache = Cache(Path(teacher.cache))
    for facts in known:
        check_egress(teacher.url, facts.record.data_class, teacher.hosts)
        for name in teacher.prompts:
            ask = ask_of(facts, name, teacher)
            if cache.get(ask.key) is None:
                row = {"custom_id": ask.key, "method": "POST", "url": "/v1/chat/completions", "body": ask.body()}
                yield json.dumps(row, ensure_ascii=False) + "\n"


def take_answers(answers: Path, asked: Path, teacher: Endpoint) -> tuple[int, int]:
    """Answers of a batch into the cache: (taken, without a usable answer).

    answers  the service's output file
    asked    the file of requests it was made from

    Raises `ConfigError` when an answer belongs to none of the requests.
    """
    asks = {row["custom_id"]: _ask(row["body"]) for row in read_rows(asked)}
    cache, taken, lost = Cache(Path(teacher.cache)), 0, 0
    for row in read_rows(answers):
        ask = asks.get(str(row.get("custom_id")))
        if ask is None:
            raise ConfigError(f"{answers}: an answer to {row.get('custom_id')}, which is not among the requests of {asked}")
        try:
            cache.put(ask, reply_of((row.get("response") or {}).get("body"), ask.model))
            taken += 1
        except Unanswered:
            lost += 1
    return taken, lost


def _ask(body: dict[str, object]) -> Ask:
    messages: list[dict[str, str]] = body["messages"]  # type: ignore[assignment]
    form: dict[str, dict[str, dict[str, object]]] = body["response_format"]  # type: ignore[assignment]
    return Ask(
        str(body["model"]),
        tuple((m["role"], m["content"]) for m in messages),
        form["json_schema"]["schema"],
        float(body["temperature"]),  # type: ignore[arg-type]
        int(body["max_tokens"]),  # type: ignore[call-overload]
    )
