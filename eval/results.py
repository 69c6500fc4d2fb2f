"""Rows of a run -> figures with intervals, strata, and what went wrong: RUN/results.json, made anew from the log at any time."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.bootstrap import Figure, figure
from eval.log import Row, logged_tasks, rows_of
from eval.sample import Score, unscored
from eval.task import Task, task_of
from gem.errors import ConfigError
from gem.files import write_whole

SCHEMA = "gem.results/1"
_STRATUM_ITERS = 1000
_FEWEST = 10
"""Samples of a stratum below which there is no line for it."""
_AGES = (18, 40, 60, 75)


def figures(task: Task, rows: Sequence[Row], iters: int, seed: int) -> dict[str, Figure]:
    """Every metric of a task over its rows; a row without the score is unscored."""
    patients = [row.patient for row in rows]
    return {name: figure([_score(row, m.of) for row in rows], patients, m, iters, seed) for name, m in task.metrics().items()}


def _score(row: Row, key: str) -> Score:
    return row.scores.get(key) or unscored(row.error or "not scored yet (predict_only)")


def strata(task: Task, rows: Sequence[Row], seed: int) -> dict[str, dict[str, dict[str, Figure]]]:
    """key of meta -> value -> metric -> figure, of values with at least `_FEWEST` samples; a sample with several statements is in each."""
    out: dict[str, dict[str, dict[str, Figure]]] = {}
    for key in task.strata():
        groups: dict[str, list[Row]] = {}
        for row in rows:
            for level in _levels(key, row.meta.get(key)):
                groups.setdefault(level, []).append(row)
        kept = {level: some for level, some in groups.items() if len(some) >= _FEWEST}
        if len(groups) > 1 and kept:
            out[key] = {level: figures(task, kept[level], _STRATUM_ITERS, seed) for level in sorted(kept)}
    return out


def _levels(key: str, value: Any) -> list[str]:
    if value is None or value == "" or value == []:
        return []
    if key == "age" and isinstance(value, int | float):
        low = max((age for age in _AGES if age <= value), default=0)
        high = next((age for age in _AGES if age > value), None)
        return [f"{low:02d}-{high - 1}" if high else f"{low}+"]
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def run_facts(folder: Path) -> dict[str, Any]:
    """RUN/run.json. Raises `ConfigError` when the folder is no run."""
    try:
        facts: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return facts
    except (OSError, ValueError) as fault:
        raise ConfigError(f"{folder}: not a run of python -m eval (run.json)") from fault


def tasks_of(folder: Path) -> list[Task]:
    """The tasks of a run that have a log, with their options."""
    asked = run_facts(folder)["config"]["tasks"]
    logged = set(logged_tasks(folder))
    return [task_of(name, options) for name, options in asked.items() if name in logged]


def summarise(folder: Path, iters: int, seed: int, tallies: Mapping[str, Mapping[str, int]] | None = None) -> dict[str, Any]:
    """Make RUN/results.json from the log; returns it.

    tallies  task -> counts of the run that just ended (expected samples, doubled ids)
    """
    results: dict[str, Any] = {}
    by_stratum: dict[str, Any] = {}
    problems: dict[str, Any] = {}
    counts: dict[str, Any] = {}
    for task in tasks_of(folder):
        rows = rows_of(folder, task.name)
        percent = {name: metric.percent for name, metric in task.metrics().items()}
        made = figures(task, rows, iters, seed)
        results[task.name] = {name: one.to_json() | {"percent": percent[name]} for name, one in made.items()}
        by_stratum[task.name] = {
            key: {level: {name: one.to_json() for name, one in named.items()} for level, named in levels.items()}
            for key, levels in strata(task, rows, seed).items()
        }
        why = Counter(_short(row.error) for row in rows if row.error)
        problems[task.name] = {"failed": sum(why.values()), "reasons": dict(why.most_common(20))}
        counts[task.name] = {"rows": len(rows), "seconds_per_sample": _mean([row.seconds for row in rows])} | dict(
            (tallies or {}).get(task.name, {})
        )
    facts = run_facts(folder)
    whole = {
        "schema": SCHEMA,
        "name": facts["config"]["name"],
        "model": facts["model"],
        "control": facts["config"]["control"],
        "results": results,
        "versions": {task.name: task.version for task in tasks_of(folder)},
        "n-samples": counts,
        "strata": by_stratum,
        "problems": problems,
    }
    write_whole(folder / "results.json", json.dumps(whole, ensure_ascii=False, indent=1) + "\n")
    return whole


def results_of(folder: Path) -> dict[str, Any]:
    """RUN/results.json. Raises `ConfigError` where it is not there yet."""
    try:
        whole: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        return whole
    except (OSError, ValueError) as fault:
        raise ConfigError(f"{folder}: no results.json; python -m eval score {folder} makes it") from fault


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _short(why: str) -> str:
    """A reason without what differs from file to file, to count by."""
    head, _, tail = why.partition(": ")
    return tail if tail and ("/" in head or "\\" in head) else why
