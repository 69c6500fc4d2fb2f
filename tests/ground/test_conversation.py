"""Conversations and the append-only file that carries them."""

import json
from pathlib import Path

import pytest

from gem.conversation import Conversation, Ecg, Origin, Turn, read_conversations
from gem.errors import ConfigError
from gem.jsonl import appending, read_rows


def one(**changes: object) -> Conversation:
    facts: dict[str, object] = {
        "id": "a/measure-1",
        "task": "measure",
        "ecgs": (Ecg(record="a", path="a.hea"),),
        "turns": (Turn(role="user", text="PR?"), Turn(role="assistant", text="160 ms")),
        "origin": Origin(kind="template", name="t", version="1"),
        "patient": "p",
        "split": "train",
        "licence": "CC0",
        "data_class": "open",
    }
    return Conversation.model_validate(facts | changes)


def test_a_conversation_comes_back_from_its_row(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with appending(path) as rows:
        rows.write(one(meta={"leads": ["V1"]}).to_row())
    assert read_conversations(path) == [one(meta={"leads": ["V1"]})]


@pytest.mark.parametrize("roles", [("assistant", "user"), ("user",), ("user", "user"), ("user", "assistant", "user")])
def test_turns_alternate_and_end_with_the_assistant(roles: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="turns"):
        one(turns=tuple({"role": role, "text": "x"} for role in roles))


def test_a_row_of_another_form_says_line_and_keys(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(json.dumps(one().to_row() | {"split": "tests", "more": 1}) + "\n")
    with pytest.raises(ConfigError, match=r"line 1 is no conversation:\n  split.*\n  more"):
        read_conversations(path)
    path.write_text('{"schema": "other/1"}\n')
    with pytest.raises(ConfigError, match="schema gem"):
        read_conversations(path)


def test_an_unfinished_last_line_is_left_out_and_taken_off_before_the_next_row(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": 2')
    assert [row["a"] for row in read_rows(path)] == [1]
    with appending(path) as rows:
        rows.write({"a": 3})
    assert path.read_bytes() == b'{"a": 1}\n{"a": 3}\n'
