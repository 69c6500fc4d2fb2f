"""Results, one JSON object a line: one writer, which only appends and goes on where a run that was killed stopped."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gem.errors import ConfigError


class Appender:
    """Writes rows, each on the disk before the next is begun."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, row: dict[str, Any]) -> None:
        self._stream.write(json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The whole rows of a file; a last line that a killed run left unfinished is left out. Raises `ConfigError` for any other fault."""
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            row = json.loads(line)
        except ValueError as fault:
            raise ConfigError(f"{path}: line {number} is not JSON; name another file, or take that line out") from fault
        if not isinstance(row, dict):
            raise ConfigError(f"{path}: line {number} is not a JSON object; name another file")
        yield row


@contextmanager
def appending(path: Path) -> Iterator[Appender]:
    """Open for appending; an unfinished last line is taken off first. Raises `ConfigError` when it cannot be written."""
    try:
        if path.exists():
            whole = path.read_bytes().rfind(b"\n") + 1
            os.truncate(path, whole)
        stream = path.open("ab")
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be written ({fault.strerror}); choose another place with -o") from fault
    with stream:
        yield Appender(stream)
