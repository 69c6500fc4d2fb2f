"""What was asked, answered and spent: a cache by content, an append-only journal, and a ceiling that several processes share."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gem.errors import ConfigError
from gem.files import write_whole
from gem.llm.message import Ask, CeilingReached, Reply


class Cache:
    """Answers by the hash of what was asked: FOLDER/ab/abcd....json."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"

    def get(self, key: str) -> Reply | None:
        try:
            held = json.loads(self.path(key).read_text(encoding="utf-8"))
            return Reply(**held["reply"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as fault:
            raise ConfigError(f"{self.path(key)}: no cached answer; delete that file") from fault

    def put(self, ask: Ask, reply: Reply) -> None:
        path = self.path(ask.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({"ask": ask.body(), "reply": asdict(reply)}, ensure_ascii=False, indent=1) + "\n")


@dataclass(frozen=True)
class Prices:
    """usd_per_mtok: (input, output) of a million tokens; ceilings of the whole run."""

    usd_per_mtok: tuple[float, float] = (0.0, 0.0)
    ceiling_usd: float = 10.0
    ceiling_tokens: int = 100_000_000

    def usd(self, tokens_in: int, tokens_out: int) -> float:
        return (tokens_in * self.usd_per_mtok[0] + tokens_out * self.usd_per_mtok[1]) / 1e6


class Journal:
    """One line an event, appended under a lock; the sums of all processes stand in it.

    A request is booked at its most before it is sent and settled when it is answered: one that was under way when the run
    was killed stays booked, because it may have been billed.
    """

    def __init__(self, path: Path, prices: Prices) -> None:
        self._path, self._prices = path, prices
        path.parent.mkdir(parents=True, exist_ok=True)

    def book(self, ask: Ask) -> None:
        """Book a request. Raises `CeilingReached` when its most would pass a ceiling."""
        most_in = sum(len(text.encode()) for _, text in ask.messages) // 2 + 1000  # never fewer than two bytes a token, and the schema
        with self._locked() as stream:
            tokens, usd = self._spent(stream)
            new, cost = most_in + ask.max_tokens, self._prices.usd(most_in, ask.max_tokens)
            if tokens + new > self._prices.ceiling_tokens or usd + cost > self._prices.ceiling_usd:
                raise CeilingReached(
                    f"{self._path}: {tokens} tokens and {usd:.4f} USD are spent or booked; the next request could pass the ceiling of"
                    f" {self._prices.ceiling_tokens} tokens or {self._prices.ceiling_usd:g} USD. Raise it to go on; what was done is kept"
                )
            self._add(stream, {"event": "booked", "key": ask.key, "tokens": new, "usd": cost})

    def settle(self, ask: Ask, reply: Reply | None, why: str = "") -> None:
        """Replace what was booked by what was used; nothing where the endpoint never answered."""
        used = (reply.tokens_in, reply.tokens_out) if reply else (0, 0)
        row = {"event": "answered" if reply else "failed", "key": ask.key, "tokens": sum(used), "usd": self._prices.usd(*used)}
        with self._locked() as stream:
            self._add(stream, row | {"at": round(time.time(), 3)} | ({"why": why} if why else {}))

    def totals(self) -> tuple[int, float]:
        """Tokens and USD, spent or booked."""
        with self._locked() as stream:
            return self._spent(stream)

    @contextmanager
    def _locked(self) -> Iterator[Any]:
        try:
            with self._path.open("a+b") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                yield stream
        except OSError as fault:
            raise ConfigError(f"{self._path}: cannot be written ({fault.strerror})") from fault

    @staticmethod
    def _add(stream: Any, row: dict[str, Any]) -> None:
        stream.write(json.dumps(row).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())

    @staticmethod
    def _spent(stream: Any) -> tuple[int, float]:
        """Sums over the journal; an unfinished last line counts as nothing and is taken off."""
        stream.seek(0)
        data = stream.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            stream.truncate(whole)
        booked: dict[str, list[tuple[int, float]]] = {}
        tokens, usd = 0, 0.0
        for line in data[:whole].splitlines():
            row = json.loads(line)
            if row["event"] == "booked":
                booked.setdefault(row["key"], []).append((row["tokens"], row["usd"]))
                continue
            if booked.get(row["key"]):
                booked[row["key"]].pop()
            tokens, usd = tokens + row["tokens"], usd + row["usd"]
        still = [one for ones in booked.values() for one in ones]
        return tokens + sum(one[0] for one in still), usd + sum(one[1] for one in still)
