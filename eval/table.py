"""Runs side by side, with what was published: every figure with its interval, its n and its scoring."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.bootstrap import difference
from eval.log import rows_of
from eval.results import results_of, run_facts, tasks_of
from gem.errors import ConfigError

_GAP = "  "


def cell(one: dict[str, Any] | None) -> str:
    """ "81.2 (78.0-84.1)", or why there is none."""
    if one is None:
        return "."
    if one["value"] is None:
        return "unscored" if one["unscored"] and not one["n"] else "not defined"
    scale, digits = (100, 1) if one["percent"] else (1, 3)
    text = f"{scale * one['value']:.{digits}f}"
    return text if one["low"] is None else f"{text} ({scale * one['low']:.{digits}f}-{scale * one['high']:.{digits}f})"


def table(folders: Sequence[Path], published: Sequence[dict[str, Any]] = ()) -> str:
    """Metrics as rows, runs as columns.

    published  {"task", "metric", "model", "value", "scoring", "source"} in the table's own scale, each a line below its metric
    """
    runs = [results_of(folder) for folder in folders]
    titles = [f"{run['name']}" for run in runs]
    lines: list[list[str]] = []
    for task in dict.fromkeys(name for run in runs for name in run["results"]):
        lines.append([f"{task} (version {', '.join(sorted({run['versions'][task] for run in runs if task in run['versions']}))})"])
        lines.append(["  samples; failed; unparsed", *[_counts(run, task) for run in runs]])
        for metric in dict.fromkeys(name for run in runs for name in run["results"].get(task, {})):
            lines.append([f"  {metric}", *[cell(run["results"].get(task, {}).get(metric)) for run in runs]])
            same = [row for row in published if (row["task"], row["metric"]) == (task, metric)]
            lines += [[f"    {row['model']}: {row['value']} [{row['scoring']}; {row['source']}]"] for row in same]
    return _aligned([["", *titles], ["  model", *[_model(run) for run in runs]], *lines])


def _model(run: dict[str, Any]) -> str:
    return str(run["model"]) + ("" if run["control"] == "none" else f", {run['control']}")


def _counts(run: dict[str, Any], task: str) -> str:
    if task not in run["results"]:
        return "."
    unread = max((one["unparsed"] for one in run["results"][task].values()), default=0)
    return f"{run['n-samples'][task]['rows']}; {run['problems'][task]['failed']}; {unread}"


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    columns = max(len(line) for line in lines)
    wide = [max((len(line[k]) for line in lines if k < len(line) and len(line) > 1), default=0) for k in range(columns)]
    return (
        "\n".join(_GAP.join(text.ljust(wide[k] if len(line) > 1 else 0) for k, text in enumerate(line)).rstrip() for line in lines) + "\n"
    )


def compare(first: Path, second: Path, iters: int) -> list[dict[str, Any]]:
    """The second run less the first on samples that both answered, by question (doc_hash), under the same draws of patients."""
    tasks = {task.name: task for task in tasks_of(first)}
    common = [tasks[task.name] for task in tasks_of(second) if task.name in tasks]
    if not common:
        raise ConfigError(f"{first} and {second} have no task in common")
    seed = int(run_facts(first)["config"]["seed"])
    out: list[dict[str, Any]] = []
    for task in common:
        one, two = ({row.doc_hash: row for row in rows_of(folder, task.name)} for folder in (first, second))
        patients = {key: row.patient for key, row in one.items()}
        for name, metric in task.metrics().items():
            scores = [{key: row.scores[metric.of] for key, row in rows.items() if metric.of in row.scores} for rows in (one, two)]
            found = difference(scores[0], scores[1], patients, metric, iters, seed)
            out.append({"task": task.name, "metric": name, "percent": metric.percent, "found": found})
    return out


def comparison(rows: Sequence[dict[str, Any]], names: tuple[str, str]) -> str:
    """The table of `compare`."""
    lines = [["task, metric", names[0], names[1], "difference (95 %)", "p", "samples"]]
    for row in rows:
        found, (scale, digits) = row["found"], (100, 1) if row["percent"] else (1, 3)
        label = f"{row['task']} {row['metric']}"
        if found is None:
            lines.append([label, ".", ".", "not defined on what both scored", "", ""])
            continue
        moved = f"{scale * found.difference:+.{digits}f} ({scale * found.low:+.{digits}f} to {scale * found.high:+.{digits}f})"
        figures = [f"{scale * value:.{digits}f}" for value in (found.first, found.second)]
        lines.append([label, *figures, moved, f"{found.p:.4f}", str(found.n)])
    return _aligned(lines)
