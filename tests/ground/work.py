"""Work for the runner's tests, importable by the processes it starts."""

import json
import os
import time
from pathlib import Path

from gem.files import write_whole
from gem.runner import Shard


def copy(shard: Shard) -> None:
    """Write the items of the shard; note who did it when."""
    with (shard.path.parent / "_journal").open("a", encoding="utf-8") as journal:
        journal.write(f"{shard.index} {os.getpid()}\n")
    write_whole(shard.path, json.dumps(list(shard.items)))


def slow_copy(shard: Shard) -> None:
    time.sleep(0.15)
    copy(shard)


def faulty(shard: Shard) -> None:
    if shard.index == 3:
        raise OSError(28, "no space left on device")
    copy(shard)


def all_items(folder: Path) -> list[str]:
    """The items of all shards in order."""
    return [item for path in sorted(folder.glob("part-*")) for item in json.loads(path.read_text(encoding="utf-8"))]


def journal(folder: Path) -> list[int]:
    """Which shards were worked on, in order of time."""
    return [int(line.split()[0]) for line in (folder / "_journal").read_text(encoding="utf-8").splitlines()]
