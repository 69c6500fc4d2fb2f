"""What an instruction set is."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from data_gen.corpora import READERS
from data_gen.instruct.write import TASKS, TWO
from gem.config import Config
from gem.conversation import DataClass, Split
from gem.image.scene import Variety

EXPORTS = ("parquet", "llava", "sharegpt", "aligned")


class CorpusAt(Config):
    """A corpus and its folder below $GEM_DATA.

    data_class  open, credentialed or private, where it is stricter or laxer than the corpus's own
    limit       records, spread evenly; None for all
    """

    corpus: str
    folder: str
    data_class: DataClass | None = None
    limit: int | None = Field(default=None, gt=0)

    @field_validator("corpus")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in READERS:
            raise ValueError(f"no corpus of that name; choose {', '.join(READERS)}")
        return name


class Endpoint(Config):
    """A teacher: any OpenAI-compatible endpoint, or a stand-in.

    backend      http; replay (cached answers only); fake (an honest stand-in); adversary (a stand-in that alters numbers, leads, diagnoses)
    url          "http://127.0.0.1:8000/v1"; credentialed and private rows go only to `hosts`, which are loopback by default
    key_env      name of the environment variable that holds the key, never the key
    prompts      names of files in data_gen/prompts, each asked once a record
    usd_per_mtok input, output: price of a million tokens
    ceiling_usd, ceiling_tokens   the run stops before it passes either
    cache        folder of answers, shared between runs
    """

    backend: Literal["http", "replay", "fake", "adversary"] = "http"
    model: str
    url: str = "http://127.0.0.1:8000/v1"
    key_env: str | None = None
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "::1")
    prompts: tuple[Literal["grounded", "protocol", "dialogue"], ...] = ("grounded",)
    temperature: float = Field(default=0.7, ge=0, le=2)
    max_tokens: int = Field(default=1500, gt=0)
    timeout_s: float = Field(default=120.0, gt=0)
    tries: int = Field(default=6, gt=0)
    concurrency: int = Field(default=8, gt=0)
    usd_per_mtok: tuple[float, float] = (0.0, 0.0)
    ceiling_usd: float = Field(default=10.0, ge=0)
    ceiling_tokens: int = Field(default=100_000_000, ge=0)
    cache: str


class Instructions(Config):
    """One instruction set.

    corpora   where the records come from
    ecgqa     folder with ECG-QA's lists, whose valid and test patients are held out; null only where no PTB-XL is read
    splits    which splits to write; training reads train only
    mix       task -> samples a record (0.5: every second record)
    teacher   a language model that writes beside the templates, or null
    pictures  what pages are drawn from, or null for none
    told      answers quote only numbers that `gem.infer.facts.fact_block` gives: for a model that is told them before the first question
    turns     questions on one recording are joined to conversations of up to so many
    exports   beside conversations/SPLIT.jsonl: parquet, llava, sharegpt, aligned (signal, page, beat features and text by one id)
    """

    name: str
    output: str
    corpora: tuple[CorpusAt, ...] = Field(min_length=1)
    ecgqa: str | None = None
    splits: tuple[Split, ...] = ("train", "valid")
    mix: Mapping[str, float]
    teacher: Endpoint | None = None
    pictures: Variety | None = None
    quality: int = Field(default=90, ge=30, le=100)
    told: bool = False
    turns: int = Field(default=1, gt=0)
    exports: tuple[Literal["parquet", "llava", "sharegpt", "aligned"], ...] = ("parquet", "llava", "sharegpt")
    per_shard: int = Field(default=64, gt=0)
    seed: int = Field(default=0, ge=0)

    @field_validator("mix")
    @classmethod
    def _tasks(cls, mix: Mapping[str, float]) -> Mapping[str, float]:
        unknown = sorted(set(mix) - {*TASKS, TWO})
        if unknown:
            raise ValueError(f"no task {', '.join(unknown)}; choose {', '.join((*TASKS, TWO))}")
        if any(not 0 <= number <= 1000 for number in mix.values()):
            raise ValueError("a number of samples a record from 0 to 1000 is needed")
        return mix

    @model_validator(mode="after")
    def _joint_split(self) -> "Instructions":
        if self.ecgqa is None and any(at.corpus == "ptbxl" for at in self.corpora):
            raise ValueError("ecgqa: PTB-XL is split together with ECG-QA; name the folder of its *_ecgs.tsv")
        return self

    def decides(self) -> dict[str, Any]:
        """What decides the result: all but where it is written."""
        return self.model_dump(mode="json", exclude={"output"})
