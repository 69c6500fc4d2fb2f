"""One writer of results: it appends, and takes off what a killed run left unfinished."""

from pathlib import Path

import pytest

from gem.errors import ConfigError
from gem.jsonl import appending, read_rows


def test_rows_are_appended_after_the_last_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with appending(path) as rows:
        rows.write({"a": "µV\n"})
    with path.open("ab") as stream:
        stream.write(b'{"b": 1')
    assert list(read_rows(path)) == [{"a": "µV\n"}]
    with appending(path) as rows:
        rows.write({"c": 2})
    assert list(read_rows(path)) == [{"a": "µV\n"}, {"c": 2}]
    assert path.read_bytes().count(b"\n") == 2


@pytest.mark.parametrize("line", ["not json", "[1]"])
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "rows.jsonl").write_text(f'{{"a": 1}}\n{line}\n')
    with pytest.raises(ConfigError, match="line 2 is not"):
        list(read_rows(tmp_path / "rows.jsonl"))


def test_numbers_that_are_none_are_not_written(tmp_path: Path) -> None:
    with appending(tmp_path / "rows.jsonl") as rows, pytest.raises(ValueError, match="JSON"):
        rows.write({"a": float("nan")})
    assert (tmp_path / "rows.jsonl").read_bytes() == b""


def test_a_place_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="choose another place"), appending(tmp_path / "no" / "rows.jsonl"):
        pass
