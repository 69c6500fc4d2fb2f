"""A training row: turns about one or more ECGs, who wrote it, and what may be done with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from gem.config import Config
from gem.errors import ConfigError
from gem.jsonl import read_rows

SCHEMA = "gem.conversation/1"
DataClass = Literal["open", "credentialed", "private"]
Split = Literal["train", "valid", "test", "held out"]


class Origin(Config):
    """Who wrote a text: a clinician, a device, a language model (its name and version), or a template (likewise)."""

    kind: Literal["clinician", "machine", "llm", "template"]
    name: str
    version: str = ""


class Turn(Config):
    """What one side says; texts hold no placeholder for a picture or signal, an exporter puts it there."""

    role: Literal["user", "assistant"]
    text: str = Field(min_length=1)


class Ecg(Config):
    """The recording that a conversation is about.

    record   id in records.jsonl ("ptbxl/00001_hr")
    path     of the file, below the data folder
    row      which recording of a file that holds many (HDF5), else None
    picture  of the page, below the folder of the set, or None
    """

    record: str
    path: str
    row: int | None = None
    picture: str | None = None


class Conversation(Config):
    """One row of conversations.jsonl.

    id          unique; the same from every run of the same recipe
    task        what is trained ("measure", "mcq", ...)
    ecgs        one recording, or several in the order in which the text counts them
    turns       user and assistant by turns, an assistant last
    origin      who wrote the answers
    meta        facts about the row (findings, leads, conflicts between report and trace)
    """

    id: str
    task: str
    ecgs: tuple[Ecg, ...] = Field(min_length=1)
    turns: tuple[Turn, ...] = Field(min_length=2)
    origin: Origin
    patient: str
    split: Split
    licence: str
    data_class: DataClass
    meta: Mapping[str, Any] = {}

    @model_validator(mode="after")
    def _alternates(self) -> "Conversation":
        expected = ("user", "assistant") * (len(self.turns) // 2)
        if tuple(turn.role for turn in self.turns) != expected:
            raise ValueError("turns must be user, assistant by turns, an assistant last")
        return self

    @property
    def answers(self) -> tuple[str, ...]:
        return tuple(turn.text for turn in self.turns if turn.role == "assistant")

    def to_row(self) -> dict[str, Any]:
        """The row of conversations.jsonl."""
        return {"schema": SCHEMA} | self.model_dump(mode="json")

    @classmethod
    def from_row(cls, row: Mapping[str, Any], where: str = "a row") -> "Conversation":
        """The conversation of a row. Raises `ConfigError` that names every wrong key."""
        if row.get("schema") != SCHEMA:
            raise ConfigError(f"{where}: schema {SCHEMA} is needed, but it says {row.get('schema')!r}")
        try:
            return cls.model_validate({key: value for key, value in row.items() if key != "schema"})
        except ValidationError as fault:
            lines = [f"  {'.'.join(map(str, e['loc'])) or 'turns'}: {e['msg']}" for e in fault.errors()]
            raise ConfigError(f"{where} is no conversation:\n" + "\n".join(lines)) from fault


def read_conversations(path: Path) -> list[Conversation]:
    """All conversations of a file. Raises `ConfigError`."""
    return [Conversation.from_row(row, f"{path}: line {number}") for number, row in enumerate(read_rows(path), start=1)]
