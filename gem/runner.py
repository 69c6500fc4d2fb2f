"""Work in shards: one file a shard, written whole, so that a run that was killed goes on where it stopped.

A shard is a fixed slice of the list of items; its file is there or it is not. Nothing is lost or doubled: what was
written is skipped, what was not is done again. One machine uses a pool of processes, several a Ray cluster, a Slurm
array one part of the shards each (`part`). The manifest keeps a run from going on with another list.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from gem.errors import ConfigError
from gem.files import write_whole

MANIFEST = "_manifest.json"
"""Readers of Parquet folders leave out names that begin with an underscore."""


@dataclass(frozen=True)
class Shard:
    """index: its place; items: what it holds; path: the file that is there when it is done."""

    index: int
    items: tuple[str, ...]
    path: Path


def plan(items: Sequence[str], folder: Path, size: int, suffix: str, settings: dict[str, Any]) -> list[Shard]:
    """All shards of a list, in order, the folder made and its manifest written or checked.

    size      items per shard
    suffix    of the shard files, with the dot
    settings  what else decides the result; a run with other settings may not go on here

    Raises `ConfigError` when the folder belongs to another list or other settings, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file, but a folder for the shards is needed; choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256("\n".join(items).encode()).hexdigest()
    facts = {"items": len(items), "sha256": digest, "per_shard": size, "settings": settings}
    manifest = folder / MANIFEST
    if manifest.exists():
        before = json.loads(manifest.read_text(encoding="utf-8"))
        changed = [key for key, value in facts.items() if before.get(key) != json.loads(json.dumps(value))]
        if changed:
            raise ConfigError(
                f"{folder}: holds another run ({', '.join(changed)} differ); choose another folder, or the list it was begun with"
            )
    else:
        write_whole(manifest, json.dumps(facts, indent=1) + "\n")
    digits = max(5, len(str(len(items) // size)))
    return [
        Shard(k, tuple(items[at : at + size]), folder / f"part-{k:0{digits}d}{suffix}") for k, at in enumerate(range(0, len(items), size))
    ]


def parse_part(text: str | None) -> tuple[int, int]:
    """ "2/8" as (2, 8): the third eighth of the shards, counted from 0. None is (0, 1). Raises `ConfigError`."""
    if text is None:
        return 0, 1
    try:
        k, n = (int(number) for number in text.split("/"))
    except ValueError as fault:
        raise ConfigError(f"--shard {text}: written i/n, for instance 0/8") from fault
    if not 0 <= k < n:
        raise ConfigError(f"--shard {text}: i runs from 0 to n - 1")
    return k, n


def run(
    work: Callable[[Shard], Any],
    shards: Sequence[Shard],
    jobs: int = 1,
    ray_address: str | None = None,
    part: tuple[int, int] = (0, 1),
) -> int:
    """Do every shard of this part whose file is not there; returns how many were done.

    work         writes the shard's file, whole or not at all; must be importable by name
    jobs         processes on this machine
    ray_address  a Ray cluster ("auto", "ray://host:port") instead; a worker that dies has its shard done again

    A fault in `work` stops the run after the shards in hand; what is written stays.
    """
    mine = [shard for shard in shards if shard.index % part[1] == part[0]]
    todo = [shard for shard in mine if not shard.path.exists()]
    bar = _Bar(len(mine), len(mine) - len(todo))
    if ray_address:
        finished = _over_ray(work, todo, ray_address)
    elif jobs <= 1:
        finished = (work(shard) for shard in todo)
    else:
        finished = _over_processes(work, todo, jobs)
    for _ in finished:
        bar.step()
    bar.close()
    return len(todo)


def _over_processes(work: Callable[[Shard], Any], todo: list[Shard], jobs: int) -> Iterator[Any]:
    """A pool of spawned processes, at most two shards waiting for each, so that memory stays flat."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        waiting = set()
        for shard in todo:
            waiting.add(pool.submit(work, shard))
            if len(waiting) >= 2 * jobs:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)


def _one_thread() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"


def _over_ray(work: Callable[[Shard], Any], todo: list[Shard], address: str) -> Iterator[Any]:
    """A Ray cluster; a task whose worker or node dies is done again elsewhere."""
    try:
        import ray
    except ImportError as fault:
        raise ConfigError("--ray needs the extra [ray]: pip install -c constraints.txt 'gem-ecg[ray]'") from fault
    ray.init(address=address, log_to_driver=False, ignore_reinit_error=True)
    remote = ray.remote(max_retries=5)(work)
    cores = int(ray.cluster_resources().get("CPU", 1))  # type: ignore[no-untyped-call]
    waiting: list[Any] = []
    for shard in todo:
        waiting.append(remote.remote(shard))
        if len(waiting) >= 2 * cores:
            done, waiting = ray.wait(waiting, num_returns=1)
            yield from ray.get(done)
    while waiting:
        done, waiting = ray.wait(waiting, num_returns=1)
        yield from ray.get(done)


class _Bar:
    """Progress on stderr: shards done, and the time that is left; one line every ten seconds where it is no terminal."""

    def __init__(self, total: int, done: int) -> None:
        self.total, self.done, self.begun, self.start, self.shown = total, done, done, time.monotonic(), 0.0

    def step(self) -> None:
        self.done += 1
        now = time.monotonic()
        if sys.stderr.isatty() or now - self.shown > 10:
            self.shown = now
            left = (now - self.start) / (self.done - self.begun) * (self.total - self.done)
            end = "" if sys.stderr.isatty() else "\n"
            sys.stderr.write(f"\r{self.done}/{self.total} shards, {left:.0f} s left {end}")

    def close(self) -> None:
        sys.stderr.write(f"\r{self.done}/{self.total} shards done in {time.monotonic() - self.start:.0f} s        \n")
