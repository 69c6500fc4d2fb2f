"""Which model is tested, as a recipe says it: `model: {kind: gem, folder: ...}`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from eval.models.model import Model
from gem.config import Config
from gem.conversation import DataClass


class Gem(Config):
    """One of our checkpoints.

    folder   of the model, or "nano": the one that ships
    facts    true: it is told what was measured; false: nothing stands before the question; null: what it was trained to be told
    reader   questions after coded labels are answered by its reader of statements, not by its LLM
    adapter  a folder of LoRA adapters
    longest  tokens of an answer at most (max_gen_toks)
    """

    kind: Literal["gem"]
    folder: str
    adapter: str | None = None
    device: str | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    bits: Literal[8, 4] | None = None
    facts: bool | None = None
    reader: bool = False
    longest: int = Field(256, ge=1)
    temperature: float = Field(0.0, ge=0)
    seed: int = 0

    def build(self, batch_size: int) -> Model:
        from eval.models.checkpoint import Checkpoint

        return Checkpoint(self, batch_size)


class Transformers(Config):
    """Any image-text model of transformers: a folder, or a name on the hub where downloads are allowed. It is shown pictures."""

    kind: Literal["transformers"]
    folder: str
    device: str | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    longest: int = Field(256, ge=1)

    def build(self, batch_size: int) -> Model:
        from eval.models.image_text import ImageText

        return ImageText(self)


class Remote(Config):
    """Any OpenAI-compatible endpoint.

    send        picture: a data URL of a PNG; file: a file part with the signal as CSV; both; none: the question alone
    data_class  of what is sent: anything but open goes to `hosts` only
    prices      USD of a million tokens, in and out; `ceiling_usd` and `ceiling_tokens` are of all runs with this cache
    give_up     so many requests in a row without an answer end the run
    """

    kind: Literal["endpoint"]
    url: str
    model: str
    key_env: str | None = None
    send: Literal["picture", "file", "both", "none"] = "picture"
    data_class: DataClass = "open"
    hosts: tuple[str, ...] = ()
    longest: int = Field(512, ge=1)
    temperature: float = Field(0.0, ge=0)
    threads: int = Field(4, ge=1, le=64)
    tries: int = Field(6, ge=1)
    timeout_s: float = Field(120.0, gt=0)
    cache: str = "runs/eval/cache"
    prices: tuple[float, float] = (0.0, 0.0)
    ceiling_usd: float = 10.0
    ceiling_tokens: int = 100_000_000
    give_up: int = Field(20, ge=1)

    def build(self, batch_size: int) -> Model:
        from eval.models.endpoint import Remoted

        return Remoted(self)


class Command(Config):
    """A program that reads one JSON object a line (id, turn, question, options, history, ecgs, pictures) and writes one answer a line
    ({"text": ..., "likelihoods": [...]}, or {"error": ...}), in order. Files are paths; pages that are to be drawn are drawn for it.
    """

    kind: Literal["command"]
    argv: tuple[str, ...] = Field(min_length=1)
    timeout_s: float = Field(120.0, gt=0)

    def build(self, batch_size: int) -> Model:
        from eval.models.command import Commanded

        return Commanded(self)


class Answers(Config):
    """Answers that are in a file already: JSON lines, or a JSON list, of the published forms ({question_id or id, text or response});
    an answer to a later turn has `turn`, or the texts are a list.
    """

    kind: Literal["answers"]
    path: str

    def build(self, batch_size: int) -> Model:
        from eval.models.answers import Answered

        return Answered(self)


class Baseline(Config):
    """What needs no model: random choice, the most common answer, or our rule engine (measurements, criteria, template).

    Rules answer questions that `Turn.meta["asks"]` states in a form they know, and judge the options of others as claims.
    """

    kind: Literal["random", "majority", "rules"]
    seed: int = 0

    def build(self, batch_size: int) -> Model:
        from eval.models.baseline import Majority, Random
        from eval.models.rules import Rules

        if self.kind == "rules":
            return Rules(self)
        return Random(self) if self.kind == "random" else Majority(self)


AnyModel = Annotated[Gem | Transformers | Remote | Command | Answers | Baseline, Field(discriminator="kind")]


class Leak(Config):
    """A training set to compare with: its records.jsonl, conversations.jsonl or split.json; a folder is searched for them."""

    training: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"training": [value]} if isinstance(value, str) else {"training": value} if isinstance(value, list) else value
