"""One self-contained HTML report of a run: figures with intervals, plots, strata, and a page for some samples of every task."""

import base64
import io
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from eval.load import picture_of
from eval.log import Row, rows_of
from eval.results import results_of, run_facts, tasks_of
from eval.sample import Picture, Sample
from eval.table import cell
from eval.task import Task
from gem.errors import GemError
from gem.files import write_whole

_WIDTH, _ROW, _LABEL, _RIGHT = 860, 22, 250, 150
_PICTURE_PX = 1000
_PAGE = Path(__file__).with_name("page.html")


def page(folder: Path, samples: int = 20) -> Path:
    """Make RUN/report.html from its log and results.json; returns its path. `samples`: pages a task. Raises `ConfigError`."""
    results, facts, tasks = results_of(folder), run_facts(folder), tasks_of(folder)
    title = f"{results['name']}: {results['model']}" + ("" if results["control"] == "none" else f", {results['control']}")
    parts = [f"<h1>{escape(title)}</h1>", _facts(facts), _links(tasks)]
    parts += [_task(folder, task, results, samples) for task in tasks]
    target = folder / "report.html"
    whole = Template(_PAGE.read_text(encoding="utf-8")).substitute(title=escape(title), body="\n".join(parts))
    write_whole(target, whole)
    return target


def _facts(facts: dict[str, Any]) -> str:
    made = facts["made_with"]
    dirty = " with uncommitted changes" if made["dirty"] else ""
    leak = facts.get("leak")
    said = "not looked for" if leak is None else f"{len(leak['leaked_patients'])} of {leak['samples']} samples are of trained patients"
    text = f"Commit {str(made['commit'])[:10]}{dirty}; gem-ecg {made['gem-ecg']}; seed {facts['seed']}; settings {facts['settings']}"
    text += f"; leak: {said}."
    return f'<p class="soft">{escape(text)} Intervals: 95 %, bootstrap over patients. Research use only: not a medical device.</p>'


def _links(tasks: Sequence[Task]) -> str:
    return "<nav>" + "".join(f'<a href="#{task.name}">{task.name}</a>' for task in tasks) + "</nav>"


def _task(folder: Path, task: Task, results: dict[str, Any], samples: int) -> str:
    figures, counts = results["results"][task.name], results["n-samples"][task.name]
    problems = results["problems"][task.name]
    rows = rows_of(folder, task.name)
    head = f"{counts['rows']} samples, {problems['failed']} failed, {counts['seconds_per_sample']} s a sample"
    parts = [
        f'<h2 id="{task.name}">{task.name} <span class="soft">version {task.version}</span></h2>',
        f"<p>{escape(task.about)}. {head}.</p>",
    ]
    parts += [_forest([(name, one) for name, one in figures.items() if one["percent"]]), _numbers(figures)]
    if problems["reasons"]:
        lines = "".join(f"<tr><td class=n>{n}</td><td>{escape(why)}</td></tr>" for why, n in problems["reasons"].items())
        parts.append(f"<h3>Failed</h3><table>{lines}</table>")
    for key, levels in results["strata"].get(task.name, {}).items():
        parts.append(_stratum(key, levels, figures))
    parts.append("<h3>Samples</h3>")
    parts += [_sample(row) for row in _chosen(task, rows, samples)]
    return "\n".join(parts)


def _numbers(figures: dict[str, Any]) -> str:
    head = "<tr><th>metric<th>value (95 %)<th>samples<th>patients<th>unparsed<th>unscored<th></tr>"
    lines = "".join(
        f"<tr><td>{escape(name)}<td class=n>{cell(one)}<td class=n>{one['n']}<td class=n>{one['patients']}"
        f"<td class=n>{one['unparsed']}<td class=n>{one['unscored']}<td class=soft>{escape(one['why'][:90])}</tr>"
        for name, one in figures.items()
    )
    return f"<table>{head}{lines}</table>"


def _forest(figures: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """Points with whiskers on a scale from 0 to 100 %."""
    shown = [(name, one) for name, one in figures if one["value"] is not None]
    if not shown:
        return ""
    span, high = _WIDTH - _LABEL - _RIGHT, _ROW * len(shown) + 26
    out = [f'<svg viewBox="0 0 {_WIDTH} {high}" width="100%" role="img" aria-label="figures with intervals">']
    for share in (0, 25, 50, 75, 100):
        x = _LABEL + span * share / 100
        out.append(f'<line x1="{x:.1f}" y1="4" x2="{x:.1f}" y2="{high - 20}" stroke="#dfe5ea"/>')
        out.append(f'<text x="{x:.1f}" y="{high - 6}" text-anchor="middle" fill="#5d6b7a">{share}</text>')
    for k, (name, one) in enumerate(shown):
        y, x = 14 + _ROW * k, _LABEL + span * min(1.0, max(0.0, one["value"]))
        out.append(f'<text x="{_LABEL - 10}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
        if one["low"] is not None:
            a, b = (_LABEL + span * min(1.0, max(0.0, one[end])) for end in ("low", "high"))
            out.append(f'<line x1="{a:.1f}" y1="{y}" x2="{b:.1f}" y2="{y}" stroke="#1d5fa8" stroke-width="2"/>')
        colour = "#8a6d00" if name.startswith("compat") else "#1d5fa8"
        out.append(
            f'<circle cx="{x:.1f}" cy="{y}" r="4.5" fill="{colour}"/><text x="{_WIDTH - _RIGHT + 12}" y="{y + 4}">{cell(one)}</text>'
        )
    return "".join([*out, "</svg>"])


def _stratum(key: str, levels: dict[str, Any], figures: dict[str, Any]) -> str:
    """One line a level: the first three metrics that are defined."""
    names = [name for name, one in figures.items() if one["value"] is not None][:3]
    head = f"<tr><th>{escape(key)}<th>samples" + "".join(f"<th>{escape(name)}" for name in names) + "</tr>"
    lines = ""
    for level, named in levels.items():
        cells = "".join(f"<td class=n>{cell(named[name] | {'percent': figures[name]['percent']})}" for name in names)
        lines += f"<tr><td>{escape(level)}<td class=n>{max(one['n'] + one['unscored'] for one in named.values())}{cells}</tr>"
    return f"<details><summary>By {escape(key)} ({len(levels)} groups)</summary><div><table>{head}{lines}</table></div></details>"


def _chosen(task: Task, rows: Sequence[Row], many: int) -> list[Row]:
    """Failed ones first (a few), then evenly from the worst to the best by the task's first key."""
    failed = [row for row in rows if row.error][: min(3, many)]
    fine = sorted((row for row in rows if not row.error), key=lambda row: _value(row, task.keys[0]))
    rest = min(many - len(failed), len(fine))
    return [*failed, *(fine[k * len(fine) // rest] for k in range(rest))] if rest else failed


def _value(row: Row, key: str) -> float:
    score = row.scores.get(key)
    return -1.0 if score is None or score.value is None else score.value


def _sample(row: Row) -> str:
    """A sample's own page: picture, every turn with its answer and verdicts, reference, scores."""
    sample = row.sample
    said = "; ".join(f"{key} {'unscored' if one.value is None else f'{one.value:.2f}'}" for key, one in list(row.scores.items())[:3])
    mark = "bad" if row.error or any((one.value or 0) < 0.5 for one in row.scores.values() if one.value is not None) else "good"
    head = f'<summary><b>{escape(row.id)}</b> <span class="{mark}">{escape(row.error or said)}</span></summary>'
    if sample is None:
        return f"<details>{head}<div>The log keeps no samples (log_samples: false).</div></details>"
    body = [_picture(sample), *(_turn(sample, number, row) for number in range(len(sample.turns)))]
    if sample.reference not in (None, ""):
        by = f" ({escape(sample.author)})" if sample.author else ""
        body.append(f"<h3>Reference{by}</h3><pre>{escape(_plain(sample.reference))}</pre>")
    scores = {key: _bare(one.model_dump(exclude_defaults=True)) for key, one in row.scores.items()}
    listed = escape(json.dumps(scores, ensure_ascii=False, indent=1))
    body.append(f"<details><summary>Scores, as read</summary><div><pre>{listed}</pre></div></details>")
    return f"<details>{head}<div>{''.join(body)}</div></details>"


def _bare(score: dict[str, Any]) -> dict[str, Any]:
    """Without the verdicts, which stand in the text."""
    parsed = score.get("parsed")
    return score | {"parsed": {k: v for k, v in parsed.items() if k != "verdicts"}} if isinstance(parsed, dict) else score


def _plain(reference: Any) -> str:
    return reference if isinstance(reference, str) else json.dumps(reference, ensure_ascii=False)


def _turn(sample: Sample, number: int, row: Row) -> str:
    turn = sample.turns[number]
    answer = row.answers[number] if number < len(row.answers) else None
    reference = turn.reference if isinstance(turn.reference, str) else "; ".join(turn.reference)
    verdicts = [v for score in row.scores.values() if isinstance(score.parsed, dict) for v in score.parsed.get("verdicts", ())]
    text = "(nothing)" if answer is None else answer.error or answer.text or ""
    shown = _marked(text, verdicts) if verdicts else escape(text)
    likely = ""
    if answer is not None and answer.likelihoods:
        pairs = zip(turn.options, answer.likelihoods, strict=True)
        likely = '<p class="soft">' + escape("; ".join(f"{option} {value:.2f}" for option, value in pairs)) + "</p>"
    expected = f'<p class="soft">Reference: {escape(reference)}</p>' if reference else ""
    return f"<h3>{escape(turn.question[:600])}</h3><pre>{shown}</pre>{likely}{expected}"


def _marked(text: str, verdicts: Sequence[dict[str, Any]]) -> str:
    """The answer with every claim coloured by its verdict; the reason stands in the tooltip."""
    out, at = [], 0
    for one in sorted(verdicts, key=lambda v: v["start"]):
        if one["start"] < at:
            continue
        kind = one["verdict"] if one["verdict"] in ("supported", "contradicted") else "not"
        out.append(escape(text[at : one["start"]]))
        tip = escape(f"{one['verdict']}: {one['why']}", quote=True)
        out.append(f'<span class="{kind}" title="{tip}">{escape(text[one["start"] : one["end"]])}</span>')
        at = one["end"]
    return "".join([*out, escape(text[at:])])


def _picture(sample: Sample) -> str:
    """What was shown, or the record it is about, as a JPEG inside the page."""
    ecg = sample.record or next(iter(sample.ecgs), None)
    shown = sample.pictures[0] if sample.pictures else Picture(ecg=ecg) if ecg is not None else None
    if shown is None:
        return ""
    try:
        image = picture_of(shown)
    except GemError as fault:
        return f'<p class="bad">{escape(str(fault))}</p>'
    image.thumbnail((_PICTURE_PX, _PICTURE_PX))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    return f'<img alt="the ECG" src="data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}">'
