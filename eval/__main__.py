"""python -m eval CONFIG [key.sub=value ...] [--shard i/n]
python -m eval score RUN | table RUN ... | compare RUN RUN | page RUN | tasks
"""

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path

import yaml

from eval.config import Recipe
from eval.leak import leaked
from eval.log import Row, log_paths, rewrite, rows_of
from eval.models.model import Model
from eval.provenance import made_with
from eval.published import published
from eval.results import run_facts, summarise, tasks_of
from eval.run import alone, ask_all, listed, scored_or_why
from eval.sample import Sample, digest, file_digest
from eval.table import compare, comparison, table
from eval.task import Task, tasks
from gem.errors import ConfigError, GemError
from gem.files import data_folder, write_whole
from gem.llm.message import CeilingReached, ModelDown
from gem.runner import parse_part

WORDS = ("score", "table", "compare", "page", "tasks")


def main(argv: list[str]) -> int:
    """0 done, 2 something you can put right, 3 done but some samples failed."""
    try:
        if argv and argv[0] in WORDS:
            return _WORD[argv[0]](argv[1:])
        return _run(argv)
    except GemError as fault:
        sys.stderr.write(f"eval: {fault}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("eval: stopped; what was answered is kept, start again to go on\n")
        return 130


def _run(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", metavar="CONFIG", help="a recipe, e.g. configs/eval/rules.yaml")
    parser.add_argument("changes", nargs="*", metavar="key.sub=value", help="settings that override it")
    parser.add_argument(
        "--shard", metavar="i/n", help="this part of the samples only (Slurm array); ranks of accelerate are read from RANK"
    )
    args = parser.parse_args(argv)
    recipe = Recipe.load(args.config, args.changes)
    part = parse_part(args.shard or _rank())
    built, data, folder = recipe.built(), data_folder(), Path(recipe.output)
    found = {task.name: listed(task, data, recipe.limit) for task in built}
    asked = {name: samples for name, (samples, _) in found.items()}
    leak = leaked([s for samples in asked.values() for s in samples], recipe.leak.training) if recipe.leak.training else None
    model = recipe.model.build(recipe.batch_size)
    _begin(folder, recipe, model, built, asked, leak.to_json() if leak else None)
    gone = ""
    for task in built:
        try:
            ask_all(recipe, task, model, asked[task.name], folder, part)
        except (ModelDown, CeilingReached) as fault:
            gone = str(fault)
            break
    tallies = {name: {"expected": len(samples), "doubled_ids": doubled} for name, (samples, doubled) in found.items()}
    whole = summarise(folder, recipe.bootstrap_iters, recipe.seed, tallies)
    sys.stdout.write(table([folder]))
    return _ending(folder, whole, tallies, gone, leak.any if leak else False)


def _rank() -> str | None:
    """The part of this rank, where torchrun or accelerate started several."""
    rank, world = os.environ.get("RANK"), os.environ.get("WORLD_SIZE")
    return f"{rank}/{world}" if rank is not None and world not in (None, "1") else None


def _begin(
    folder: Path, recipe: Recipe, model: Model, built: list[Task], asked: dict[str, list[Sample]], leak: dict[str, object] | None
) -> None:
    """The run folder and its run.json. Raises `ConfigError` when it belongs to another run."""
    folder.mkdir(parents=True, exist_ok=True)
    there = folder / "run.json"
    data = {name: digest([sample.doc_hash for sample in samples]) for name, samples in asked.items()}
    index = {name: file_digest(data_folder() / name) for name in ("ptbxl/index.csv", "ludb/ludb.csv")}
    facts = {
        "schema": "gem.run/1",
        "config": recipe.model_dump(mode="json"),
        "settings": digest(recipe.settings()),
        "model": model.name,
        "fingerprint": digest(model.fingerprint),
        "tasks": {task.name: task.version for task in built},
        "data": {"samples": data, "index": index},
        "seed": recipe.seed,
        "leak": leak,
        "made_with": made_with(),
    }
    if there.exists():
        before = run_facts(folder)
        if before["settings"] != facts["settings"]:
            raise ConfigError(f"{folder}: holds a run of other settings (tasks, model, control or seed); choose another output")
        if before["fingerprint"] != facts["fingerprint"]:
            raise ConfigError(f"{folder}: holds answers of another model (its files or its decoding differ); choose another output")
    write_whole(folder / "config.yaml", yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True))
    write_whole(there, json.dumps(facts, ensure_ascii=False, indent=1) + "\n")


def _ending(folder: Path, whole: dict[str, object], tallies: dict[str, dict[str, int]], gone: str, leak: bool) -> int:
    """Say what went wrong; 3 where anything did."""
    problems, counts = whole["problems"], whole["n-samples"]
    failed = sum(one["failed"] for one in problems.values())  # type: ignore[attr-defined]
    doubled = sum(one["doubled_ids"] for one in tallies.values())
    short = {name: one["expected"] - one["rows"] for name, one in counts.items() if one["rows"] < one.get("expected", 0)}  # type: ignore[attr-defined]
    talk = sys.stderr.write
    if failed:
        talk(f"eval: {failed} samples failed; results.json says why, and they are asked again on the next start\n")
    if doubled:
        talk(f"eval: {doubled} ids were there twice; the same sample counts once, another of the same id is kept as id#2\n")
    if short:
        talk(f"eval: not answered yet: {', '.join(f'{n} of {name}' for name, n in short.items())} (other shards, or the model is gone)\n")
    if leak:
        talk("eval: LEAK: samples are of patients or records of the training set; run.json lists them\n")
    if gone:
        talk(f"eval: stopped: {gone}\n")
    talk(f"eval: {folder} holds the log, results.json; python -m eval page {folder} makes the report\n")
    return 3 if failed or doubled or leak or gone else 0


def _score(argv: list[str]) -> int:
    """Score what is logged anew, without asking anybody; the raw answers stay."""
    parser = argparse.ArgumentParser(prog="python -m eval score", description=_score.__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--iters", type=int, help="draws of the bootstrap (default: the run's)")
    args = parser.parse_args(argv)
    facts = run_facts(args.run)
    failed = 0
    for task in tasks_of(args.run):
        with contextlib.ExitStack() as held:
            for path in log_paths(args.run, task.name):
                held.enter_context(alone(path))
            rows = {row.key: _rescored(task, row) for row in _with_samples(task, rows_of(args.run, task.name))}
            rewrite(args.run, task.name, rows)
        failed += sum(row.error is not None for row in rows.values())
    config = facts["config"]
    summarise(args.run, config["bootstrap_iters"] if args.iters is None else args.iters, config["seed"])
    sys.stdout.write(table([args.run]))
    return 3 if failed else 0


def _with_samples(task: Task, rows: list[Row]) -> list[Row]:
    """Rows with their samples: from the log, or, where that has none, from the task by hash."""
    if all(row.doc is not None for row in rows):
        return rows
    there = {sample.doc_hash: sample for sample in task.samples(data_folder())}
    lost = [row.id for row in rows if row.doc is None and row.doc_hash not in there]
    if lost:
        raise ConfigError(f"{task.name}: {len(lost)} samples ({lost[0]}, ...) are neither in the log nor in the data as it is now")
    return [Row(**(vars(row) | {"doc": row.doc or there[row.doc_hash].model_dump(mode="json")})) for row in rows]


def _rescored(task: Task, row: Row) -> Row:
    sample = row.sample
    if sample is None:
        raise ConfigError(f"{row.id}: no sample in the log")
    error, scores = scored_or_why(task, sample, row.answers)
    return Row(**(vars(row) | {"error": error, "scores": scores, "version": task.version}))


def _table(argv: list[str]) -> int:
    """Runs side by side, and what was published for the same metric of the same task, each with its source."""
    parser = argparse.ArgumentParser(prog="python -m eval table", description=_table.__doc__)
    parser.add_argument("runs", type=Path, nargs="+")
    args = parser.parse_args(argv)
    sys.stdout.write(table(args.runs, published()))
    return 0


def _compare(argv: list[str]) -> int:
    """The second run less the first, paired by sample and patient."""
    parser = argparse.ArgumentParser(prog="python -m eval compare", description=_compare.__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--iters", type=int, default=10_000)
    args = parser.parse_args(argv)
    rows = compare(args.first, args.second, args.iters)
    sys.stdout.write(comparison(rows, (args.first.name, args.second.name)))
    return 0


def _page(argv: list[str]) -> int:
    """One self-contained HTML report of a run."""
    parser = argparse.ArgumentParser(prog="python -m eval page", description=_page.__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--samples", type=int, default=20, help="samples of each task that get a page of their own (default: 20)")
    args = parser.parse_args(argv)
    from eval.page import page

    target = page(args.run, args.samples)
    sys.stdout.write(f"{target}\n")
    return 0


def _tasks(argv: list[str]) -> int:
    """Every task, its version and what it is."""
    for name, task in sorted(tasks().items()):
        sys.stdout.write(f"{name:<28}{task.version:<5}{task.about}\n")
    return 0


_WORD = {"score": _score, "table": _table, "compare": _compare, "page": _page, "tasks": _tasks}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
