"""Prompts with their versions, the form of their answers, and how answers become drafts."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict, Field

from data_gen.facts import Facts
from data_gen.instruct.config import Endpoint
from data_gen.instruct.draft import Answer, Draft
from gem.conversation import Origin
from gem.errors import ConfigError
from gem.llm.message import Ask, Reply


class Text(BaseModel):
    """The answer to grounded.md and protocol.md."""

    model_config = ConfigDict(extra="forbid")
    answer: str = Field(min_length=1)


class Exchange(BaseModel):
    model_config = ConfigDict(extra="forbid")
    question: str = Field(min_length=1)
    answer: str = Field(min_length=1)


class Talk(BaseModel):
    """The answer to dialogue.md."""

    model_config = ConfigDict(extra="forbid")
    turns: list[Exchange] = Field(min_length=2, max_length=8)


FORMS: dict[str, type[BaseModel]] = {"grounded": Text, "protocol": Text, "dialogue": Talk}


@dataclass(frozen=True)
class Prompt:
    """name, version, the question that the learner sees, and the text before the facts."""

    name: str
    version: str
    asks: str
    text: str


@cache
def prompt(name: str) -> Prompt:
    """data_gen/prompts/NAME.md: a head of YAML (version, asks), then the prompt. Raises `ConfigError`."""
    raw = (files("data_gen") / "prompts" / f"{name}.md").read_text(encoding="utf-8")
    try:
        _, head, text = raw.split("---\n", 2)
        facts = yaml.safe_load(head)
        return Prompt(name, str(facts["version"]), str(facts["asks"]), text.strip())
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as fault:
        raise ConfigError(f"prompts/{name}.md: a head between --- lines with version and asks is needed") from fault


def ask_of(facts: Facts, name: str, teacher: Endpoint) -> Ask:
    """The request about one record; the fact sheet is all that leaves the house, no name, number or date of a patient."""
    sheet = json.dumps(facts.sheet(), ensure_ascii=False, sort_keys=True)
    message = f"{prompt(name).text}\n{sheet}"
    return Ask(teacher.model, (("user", message),), FORMS[name].model_json_schema(), teacher.temperature, teacher.max_tokens)


def draft_of(answer: BaseModel, reply: Reply, name: str) -> Draft:
    """The answer as a draft; who wrote it and by which prompt stands in its origin."""
    origin = Origin(kind="llm", name=reply.model, version=f"prompt {name} {prompt(name).version}")
    if isinstance(answer, Talk):
        pairs = tuple((turn.question, Answer(turn.answer)) for turn in answer.turns)
    else:
        pairs = ((prompt(name).asks, Answer(answer.answer)),) if isinstance(answer, Text) else ()
    return Draft(name, pairs, free=True, origin=origin)
