"""Texts x rubrics x judges -> RUN/verdicts.jsonl, appended as they come; what is there is not asked again."""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import Any

from eval.judge.ask import SCHEMA, Job, Judge, guard
from eval.judge.config import Judging
from eval.judge.figures import agreement, bias, figures
from eval.judge.item import Item, items_of
from eval.judge.rubric import Variant
from eval.judge.rubrics import rubric_of
from eval.provenance import made_with
from eval.results import SCHEMA as RESULTS
from gem.errors import ConfigError
from gem.files import write_whole
from gem.jsonl import appending, read_rows
from gem.llm.message import CeilingReached, ModelDown

VERDICTS = "verdicts.jsonl"
LOST = ("unscored", "failed")
"""Outcomes without a number: a verdict that cannot be read stays so, a request that failed is made again on the next start."""


def jobs_of(recipe: Judging, items: Sequence[Item]) -> list[Job]:
    """Every verdict that is wanted; the probes are chosen by the hash of a text's id, so a resumed run takes the same."""
    out = []
    for item in items:
        probed = _share(f"{recipe.seed}|{item.task}|{item.id}") < recipe.probe and item.error is None and bool(item.answer.strip())
        variants: tuple[Variant, ...] = ("plain", "swapped", "padded") if probed else ("plain",)
        out += [Job(item, rubric_of(name), judge, variant) for name in item.rubrics for judge in recipe.judges for variant in variants]
    return out


def _share(text: str) -> float:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def judge_all(recipe: Judging) -> int:
    """0 done, 3 where a verdict is missing or could not be read. Raises `GemError` for what you can put right."""
    items = items_of(recipe)
    jobs = jobs_of(recipe, items)
    for job in jobs:
        guard(job)
    folder = Path(recipe.output)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / VERDICTS
    there = {row["key"] for row in _last(path) if row["outcome"] != "failed"}
    todo = [job for job in jobs if job.key not in there]
    judges = {one.name: Judge(one) for one in recipe.judges}
    sys.stderr.write(f"judge: {len(jobs)} verdicts, {len(jobs) - len(todo)} are there\n")
    gone = ""
    with appending(path) as log:
        for one in recipe.judges:
            mine = [job for job in todo if job.judge.name == one.name]
            try:
                _ask(judges[one.name], mine, one.threads, recipe.give_up, log)
            except (ModelDown, CeilingReached) as fault:
                gone = f"{one.name}: {fault}"
    return _summarise(recipe, jobs, judges, gone)


def _ask(judge: Judge, jobs: Sequence[Job], threads: int, give_up: int, log: Any) -> None:
    """Ask several at once, write each verdict when it is there. Raises `ModelDown` after `give_up` failures in a row, `CeilingReached`."""
    silent = 0
    waiting = iter(jobs)
    with ThreadPoolExecutor(threads) as pool:
        under_way: dict[Future[dict[str, Any]], Job] = {pool.submit(judge.verdict, job): job for job in islice(waiting, threads)}
        while under_way:
            for one in wait(under_way, return_when=FIRST_COMPLETED).done:
                job = under_way.pop(one)
                try:
                    log.write(one.result())
                    silent = 0
                except ModelDown as fault:
                    log.write(job.row("failed", why=str(fault)))
                    silent += 1
                    if silent >= give_up:
                        _drain(under_way, log)
                        raise
                except CeilingReached:
                    _drain(under_way, log)
                    raise
                following = next(waiting, None)
                if following is not None:
                    under_way[pool.submit(judge.verdict, following)] = following


def _drain(under_way: Iterable[Future[dict[str, Any]]], log: Any) -> None:
    """What is answered all the same is kept."""
    for one in under_way:
        try:
            log.write(one.result())
        except (ModelDown, CeilingReached):
            continue


def _last(path: Path) -> list[dict[str, Any]]:
    """The last row of every verdict: one that failed was asked again. Raises `ConfigError` for a file of another kind."""
    rows = list(read_rows(path)) if path.exists() else []
    if any(row.get("schema") != SCHEMA for row in rows):
        raise ConfigError(f"{path}: not a log of verdicts ({SCHEMA}); choose another output")
    return list({row["key"]: row for row in rows}.values())


def _summarise(recipe: Judging, jobs: Sequence[Job], judges: dict[str, Judge], gone: str) -> int:
    """results.json in the form that `python -m eval table` reads, and judge.json with agreement, bias, and what went wrong."""
    folder = Path(recipe.output)
    found = {row["key"]: row for row in _last(folder / VERDICTS)}
    rows = [found[job.key] for job in jobs if job.key in found]
    names = [one.name for one in recipe.judges]
    results: dict[str, Any] = {}
    about: dict[str, Any] = {"judges": {}, "agreement": {}, "bias": {}, "made_with": made_with(), "gone": gone}
    for name in names:
        mine: dict[str, Any] = {}
        plain = [row for row in rows if row["judge"] == name and row["variant"] == "plain"]
        for task, rubric in dict.fromkeys((row["task"], row["rubric"]) for row in plain):
            some = [row for row in plain if (row["task"], row["rubric"]) == (task, rubric)]
            made = figures(some, recipe.bootstrap_iters, recipe.seed)
            mine.setdefault(task, {}).update({key: one.to_json() | {"percent": False} for key, one in made.items()})
        tokens, usd = judges[name].spent()
        why = Counter(str(row["why"])[:120] for row in rows if row["judge"] == name and row["outcome"] in LOST)
        models = sorted({str(row["model"]) for row in rows if row["judge"] == name and "model" in row})
        about["judges"][name] = {"figures": mine, "models": models, "tokens": tokens, "usd": usd, "unscored": dict(why.most_common(20))}
        about["bias"][name] = bias(rows, name)
        results = results or mine
    for k, first in enumerate(names):
        about["agreement"] |= {f"{first} and {second}": agreement(rows, first, second) for second in names[k + 1 :]}
    lost = sum(row["outcome"] == "unscored" for row in rows)
    failed = sum(row["outcome"] == "failed" for row in rows)
    tasks = list(dict.fromkeys(job.item.task for job in jobs))
    shown = [row for row in rows if row["variant"] == "plain" and row["judge"] == names[0]]
    counts = {task: sum(row["task"] == task for row in shown) for task in tasks}
    problems = {task: {"failed": sum(r["task"] == task and r["outcome"] in LOST for r in shown), "reasons": {}} for task in tasks}
    whole = {
        "schema": RESULTS,
        "name": recipe.name,
        "model": f"judged by {', '.join(names)}",
        "control": "none",
        "results": results,
        "versions": {task: "/".join(sorted({job.rubric.version for job in jobs if job.item.task == task})) for task in tasks},
        "n-samples": {task: {"rows": count} for task, count in counts.items()},
        "strata": {},
        "problems": problems,
    }
    write_whole(folder / "results.json", json.dumps(whole, ensure_ascii=False, indent=1) + "\n")
    write_whole(folder / "judge.json", json.dumps(about, ensure_ascii=False, indent=1) + "\n")
    missing = len(jobs) - len(rows) + failed
    if lost:
        sys.stderr.write(f"judge: {lost} verdicts are unscored; {VERDICTS} keeps what was said\n")
    if missing:
        sys.stderr.write(f"judge: {missing} verdicts are missing; start again to go on ({gone or 'requests that failed'})\n")
    return 3 if lost or missing else 0
