"""The recipe of judging: which answers, by which rubrics, which judges, and what may be spent."""

from typing import Literal

from pydantic import Field, model_validator

from gem.config import Config
from gem.conversation import DataClass


class JudgeModel(Config):
    """One judge.

    name         in tables
    backend      http: an OpenAI-compatible endpoint; local: a folder of a transformers language model (`model` is its path)
    schema_sent  send the JSON schema as response_format; false for servers that refuse it (the form is in the prompt in any case)
    attempts     requests with other seeds after a verdict that cannot be read, each with one repair
    usd_per_mtok input, output: price of a million tokens; the ceilings are of all runs that share `cache`
    """

    name: str
    backend: Literal["http", "local"] = "http"
    model: str
    url: str = "http://127.0.0.1:8000/v1"
    key_env: str | None = None
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "::1")
    schema_sent: bool = True
    temperature: float = Field(default=0.0, ge=0, le=2)
    seed: int = 0
    max_tokens: int = Field(default=3000, gt=0)
    timeout_s: float = Field(default=120.0, gt=0)
    tries: int = Field(default=6, gt=0)
    attempts: int = Field(default=2, ge=1, le=5)
    threads: int = Field(default=4, ge=1, le=64)
    usd_per_mtok: tuple[float, float] = (0.0, 0.0)
    ceiling_usd: float = Field(default=10.0, ge=0)
    ceiling_tokens: int = Field(default=100_000_000, ge=0)
    cache: str = "runs/eval/judge-cache"


class Judging(Config):
    """One run of one judge or several over the same texts.

    name        of the run, in tables
    run         a run folder of `python -m eval` (its log keeps questions and references)
    answers     instead of a run: JSON lines of {id, question, reference, answer}, or a published file of answers with those keys
    task        of `answers`: under which task its figures stand in tables
    tasks       of a run: which; () for every task that has a rubric
    rubrics     instead of the task's own
    judges      the first is the one that tables show; with more, how far they agree
    data_class  of what is sent: anything but open goes to a judge's `hosts` only; None: what the tasks say
    probe       share of texts that are also judged with reference and answer exchanged, and with sentences added that say nothing
    give_up     so many requests in a row without an answer end the run
    """

    name: str
    run: str | None = None
    answers: str | None = None
    task: str = "answers"
    tasks: tuple[str, ...] = ()
    rubrics: tuple[str, ...] = ()
    judges: tuple[JudgeModel, ...] = Field(min_length=1)
    data_class: DataClass | None = None
    probe: float = Field(default=0.1, ge=0, le=1)
    limit: int | None = Field(default=None, ge=1)
    output: str
    seed: int = 0
    bootstrap_iters: int = Field(default=10_000, ge=0)
    give_up: int = Field(default=3, ge=1)

    @model_validator(mode="after")
    def _one_source(self) -> "Judging":
        if (self.run is None) == (self.answers is None):
            raise ValueError("answers come from a run or from a file (answers), one of the two")
        if self.answers is not None and not (self.rubrics and self.data_class):
            raise ValueError("a file of answers needs rubrics, and data_class (open, credentialed or private)")
        if len({one.name for one in self.judges}) < len(self.judges):
            raise ValueError("two judges have the same name")
        return self
