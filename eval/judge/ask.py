"""One text to one judge: a verdict that can be read, or the reason why there is none with everything that was said."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.judge.config import JudgeModel
from eval.judge.item import Item, shown
from eval.judge.rubric import Rubric, Variant
from eval.sample import digest
from gem.errors import ConfigError
from gem.llm.client import Client
from gem.llm.endpoint import Endpoint, check_egress
from gem.llm.journal import Cache, Journal, Prices
from gem.llm.message import Ask, Backend, Unanswered

SCHEMA = "gem.verdict/1"


@dataclass(frozen=True)
class JudgeAsk(Ask):
    """An Ask that may leave the schema to the prompt, for servers that refuse it."""

    schema_sent: bool = True

    def body(self) -> dict[str, Any]:
        whole = super().body()
        if not self.schema_sent:
            del whole["response_format"]
        return whole


@dataclass(frozen=True)
class Job:
    """A text, a rubric, a judge and a variant: one row of verdicts.jsonl."""

    item: Item
    rubric: Rubric
    judge: JudgeModel
    variant: Variant = "plain"

    @property
    def key(self) -> str:
        """Of everything that decides the verdict."""
        fixed = {"model", "temperature", "seed", "max_tokens", "attempts"}
        judged = self.judge.model_dump(mode="json", include=fixed)
        item = (self.item.task, self.item.id, self.item.question, self.item.reference, self.item.answer)
        return digest([item, self.rubric.name, self.rubric.version, judged, self.judge.name, self.variant])

    def row(self, outcome: str, **more: Any) -> dict[str, Any]:
        about = {"rubric": f"{self.rubric.name}/{self.rubric.version}", "judge": self.judge.name, "variant": self.variant}
        return {"schema": SCHEMA, "key": self.key, **shown(self.item), **about, "outcome": outcome, **more}


class Judge:
    """A client of one judge. Safe to use from several threads."""

    def __init__(self, config: JudgeModel) -> None:
        prices = Prices(config.usd_per_mtok, config.ceiling_usd, config.ceiling_tokens)
        folder = Path(config.cache)
        self._config = config
        self._client = Client(_backend(config), Cache(folder / "answers"), Journal(folder / "journal.jsonl", prices))

    def verdict(self, job: Job) -> dict[str, Any]:
        """The row of a job. Raises `ModelDown` or `CeilingReached`: then nothing is known and it is to be asked again.

        A text without a word is not sent: it is worth 0 on every criterion. A verdict that cannot be read, after a repair and another
        seed, is "unscored", never a number, and its row keeps the whole exchange.
        """
        if job.item.error is not None:
            return job.row("unscored", why=f"no answer: {job.item.error}")
        if not job.item.answer.strip():
            return job.row("empty", why="an empty answer")
        messages = job.rubric.messages(job.item.question, job.item.reference, job.item.answer, job.variant)
        schema = job.rubric.form.model_json_schema()
        config = self._config
        ask = JudgeAsk(config.model, messages, schema, config.temperature, config.max_tokens, config.seed, config.schema_sent)
        exchange: list[list[str]] = [list(one) for one in messages]
        why = ""
        for attempt in range(config.attempts):
            try:
                verdict, reply = self._client.ask_as(replace(ask, seed=config.seed + attempt), job.rubric.form)
            except Unanswered as fault:
                why = str(fault)
                exchange += [["assistant", text] for text in fault.said] or [["error", why]]
                continue
            return job.row("scored", verdict=verdict.model_dump(mode="json"), model=reply.model, attempts=attempt + 1)
        return job.row("unscored", why=why, exchange=exchange, attempts=config.attempts)

    def spent(self) -> tuple[int, float]:
        """Tokens and USD of all runs that share the cache."""
        return Journal(Path(self._config.cache) / "journal.jsonl", Prices()).totals()


def guard(job: Job) -> None:
    """Raises `EgressRefused` where a text may not be sent to its judge."""
    if job.judge.backend == "http":
        check_egress(job.judge.url, job.item.data_class, job.judge.hosts)


def _backend(config: JudgeModel) -> Backend:
    """Raises `ConfigError`."""
    if config.backend == "http":
        return Endpoint(config.url, config.key_env, config.timeout_s, config.tries)
    if not Path(config.model).is_dir():
        raise ConfigError(f"{config.model}: a local judge is a folder with a transformers language model")
    from eval.judge.local import Local

    return Local(Path(config.model))


def scores_of(rubric: Rubric, row: Mapping[str, Any]) -> dict[str, list[float]]:
    """Criterion -> scores of a row that is scored; an empty answer has one 0 for each."""
    if row["outcome"] == "empty":
        return {one.name: [0.0] for one in rubric.criteria}
    return rubric.scores(row["verdict"])
