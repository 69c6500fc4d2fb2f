"""Seconds and memory of instruction sets: each stage of the whole chain, samples a second a core, and peak memory of joining a set.

    python -m data_gen.bench [--n 1000] [--rows 1000,100000] [--json]

Stages on n records of PTB-XL (or simulated ones without the shared data), one process, one core: read, measure (with quality), facts
(findings and conflicts), write (all tasks of the recipe instruct_ptbxl), accept (verify and style), page (one picture a record).
Memory: a process that exports and counts so many rows, beside one that holds none.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from data_gen.corpora.record import Record
from data_gen.facts import Facts
from data_gen.instruct.accept import accept
from data_gen.instruct.config import Instructions
from data_gen.instruct.datasheet import write_datasheet
from data_gen.instruct.export import export
from data_gen.instruct.write import drafts
from gem.conversation import Conversation, Ecg, Origin, Turn
from gem.ecg.io import read
from gem.ecg.quality import inspect
from gem.errors import ConfigError, GemError
from gem.files import data_folder
from gem.image.scene import Variety
from gem.knowledge.find import find
from gem.measure.measure import measure_recording
from gem.simulate import random_spec, simulate_recording, write_simulated

RECIPE = Path(__file__).parents[1] / "configs" / "data" / "instruct_ptbxl.yaml"
STAGES = ("read", "measure", "facts", "write", "accept", "page")
COUNTS = {"train": {"records": 0}}


def records(n: int, folder: Path) -> tuple[list[Record], Path]:
    """n records of PTB-XL, else simulated ones in `folder`, and what their paths are below."""
    from data_gen.corpora import ptbxl

    try:
        base = data_folder()
        found = [record for record in ptbxl.records(base / "ptbxl", base) if "records500" in record.path]
        return found[:: max(1, len(found) // n)][:n], base
    except ConfigError:
        rng = np.random.default_rng(1)
        for k in range(n):
            write_simulated(simulate_recording(random_spec(rng)), folder / f"{k:05d}")
        author = Origin(kind="machine", name="simulator")
        named = {"corpus": "ptb", "patient": "x", "author": author, "licence": "made", "data_class": "open", "split": "train"}
        return [Record.model_validate(named | {"id": f"ptb/{k:05d}", "path": f"{k:05d}"}) for k in range(n)], folder


def chain(n: int) -> dict[str, float]:
    """Mean seconds a record of each stage, and samples a record."""
    recipe, spent, samples, done = Instructions.load(RECIPE), dict.fromkeys(STAGES, 0.0), 0, 0
    with TemporaryDirectory() as folder:
        found, base = records(n, Path(folder))
        for record in found:
            at = [time.perf_counter()]
            try:
                recording = read(base / record.path, age=record.age, sex=record.sex)
                at.append(time.perf_counter())
                measured = measure_recording(recording, inspect(recording))
            except GemError:
                continue
            at.append(time.perf_counter())
            facts = Facts(record, measured, find(measured))
            _ = facts.conflicts, facts.present, facts.absent
            at.append(time.perf_counter())
            made = drafts(facts, recipe.mix, 0)
            at.append(time.perf_counter())
            samples += sum(accept(draft, [facts]).draft is not None for draft in made)
            at.append(time.perf_counter())
            _ = Variety().scene(np.random.default_rng(done)).picture(recording).image
            at.append(time.perf_counter())
            for name, start, end in zip(STAGES, at, at[1:], strict=False):
                spent[name] += end - start
            done += 1
    return {name: seconds / done for name, seconds in spent.items()} | {"samples": samples / done, "records": done}


def join(rows: int) -> None:
    """Make a set of so many rows in one shard, export it, count it: what a process of the memory figures does."""
    recipe = Instructions.model_validate(
        {"name": "x", "output": "x", "corpora": [{"corpus": "ludb", "folder": "x"}], "mix": {}, "splits": ["train"]}
    )
    turns = tuple(Turn(role=role, text="word " * 40) for role in ("user", "assistant"))
    with TemporaryDirectory() as name:
        folder = Path(name)
        shard = folder / "part.jsonl"
        with shard.open("w", encoding="utf-8") as stream:
            for k in range(rows):
                one = Conversation(
                    id=f"{k}", task="measure", ecgs=(Ecg(record=f"{k}", path=f"{k}"),), turns=turns, patient=f"{k}", split="train",
                    origin=Origin(kind="template", name="t"), licence="x", data_class="open",
                )  # fmt: skip
                stream.write(json.dumps({"row": "conversation"} | one.to_row()) + "\n")
        export([shard], folder, recipe)
        write_datasheet([shard], folder, recipe, COUNTS)
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}\n")


def memory(rows: int) -> int:
    """Peak MiB of a process that joins so many rows."""
    command = [sys.executable, "-c", f"from data_gen.bench import join; join({rows})"]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--rows", default="1000,100000")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    timed = chain(args.n)
    peaks = {rows: memory(rows) for rows in (0, *(int(text) for text in args.rows.split(",")))}
    result: dict[str, Any] = {"chain": timed, "peak_mib": peaks}
    if args.json:
        sys.stdout.write(json.dumps(result) + "\n")
        return 0
    total = sum(timed[name] for name in STAGES[:-1])
    sys.stdout.write(f"instruction data, {timed['records']:.0f} records, {timed['samples']:.1f} samples each, one core\n")
    for name in STAGES:
        share = f"{timed[name] / total:>7.1%}" if name != "page" else "       (only with pictures)"
        sys.stdout.write(f"  {name:<10}{1e3 * timed[name]:>9.2f} ms {share}\n")
    write, accepted = timed["samples"] / timed["write"], timed["samples"] / (timed["write"] + timed["accept"])
    sys.stdout.write(f"  written {write:.0f} samples/s, written and accepted {accepted:.0f}; whole chain {timed['samples'] / total:.0f},")
    sys.stdout.write(f" with a page a record {timed['samples'] / (total + timed['page']):.0f}\n")
    sys.stdout.write("".join(f"  joining {rows} rows: {mib} MiB at most\n" for rows, mib in peaks.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
