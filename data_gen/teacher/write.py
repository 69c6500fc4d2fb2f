"""The teacher writer: facts -> drafts by a language model, several requests at once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from data_gen.facts import Facts
from data_gen.instruct.accept import Rejected
from data_gen.instruct.config import Endpoint
from data_gen.instruct.draft import Draft
from data_gen.teacher.prompt import FORMS, ask_of, draft_of
from data_gen.teacher.stand_in import Replay, StandIn
from gem.llm.client import Client
from gem.llm.endpoint import Endpoint as Http
from gem.llm.endpoint import check_egress
from gem.llm.journal import Cache, Journal, Prices
from gem.llm.message import Backend, Unanswered

JOURNAL = "teacher.jsonl"
ADVERSARY_FAULTS = 0.4
"""Share of its sentences that the adversary alters."""
Taught = tuple[list[Draft], list[Rejected]]


class Teacher:
    """Asks every prompt of the recipe about every record. The journal is FOLDER/teacher.jsonl, the cache where the recipe says."""

    def __init__(self, recipe: Endpoint, folder: Path) -> None:
        self._recipe = recipe
        prices = Prices(recipe.usd_per_mtok, recipe.ceiling_usd, recipe.ceiling_tokens)
        self._client = Client(backend_of(recipe), Cache(Path(recipe.cache)), Journal(folder / JOURNAL, prices))

    def drafts(self, known: Sequence[Facts]) -> list[Taught]:
        """For each record its drafts, and what could not be had, with the reason.

        Raises `EgressRefused` before anything is sent where a row may not leave; `CeilingReached` or `ModelDown` when the run
        cannot go on: what was answered until then is cached.
        """
        for facts in known if self._recipe.backend == "http" else ():
            check_egress(self._recipe.url, facts.record.data_class, self._recipe.hosts)
        tasks = [(facts, name) for facts in known for name in self._recipe.prompts]
        pool = ThreadPoolExecutor(self._recipe.concurrency)
        try:
            done = list(pool.map(self._one, tasks))
        finally:
            pool.shutdown(cancel_futures=True)
        out: list[Taught] = []
        for k in range(len(known)):
            mine = done[k * len(self._recipe.prompts) : (k + 1) * len(self._recipe.prompts)]
            out.append(([d for d in mine if isinstance(d, Draft)], [d for d in mine if isinstance(d, Rejected)]))
        return out

    def _one(self, task: tuple[Facts, str]) -> Draft | Rejected:
        facts, name = task
        try:
            answer, reply = self._client.ask_as(ask_of(facts, name, self._recipe), FORMS[name])
        except Unanswered as fault:
            return Rejected(name, "sample", "teacher", "", str(fault))
        return draft_of(answer, reply, name)


def backend_of(recipe: Endpoint) -> Backend:
    """What the recipe's `backend` names. Raises `ConfigError`."""
    if recipe.backend == "http":
        return Http(recipe.url, recipe.key_env, recipe.timeout_s, recipe.tries)
    return Replay() if recipe.backend == "replay" else StandIn(ADVERSARY_FAULTS if recipe.backend == "adversary" else 0.0)
