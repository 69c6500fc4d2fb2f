"""The datasheet of a set: what came out, counted, with rejections, splits, licences and plots; Markdown and HTML from one count."""

import html
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_gen.instruct.config import Instructions
from data_gen.instruct.export import rows_of
from gem.ecg.lead import STANDARD
from gem.files import write_whole
from gem.knowledge.statement import statements

_BAR_PX = 320


@dataclass
class Count:
    """Everything the datasheet says, from one pass over the shards; its size does not grow with the set."""

    records: Counter[str] = field(default_factory=Counter)
    samples: Counter[tuple[str, str]] = field(default_factory=Counter)
    origins: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    rejected: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    leads: Counter[str] = field(default_factory=Counter)
    words: Counter[int] = field(default_factory=Counter)
    conflicts: Counter[str] = field(default_factory=Counter)
    conflicted: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    claims: int = 0
    numeric: int = 0
    why: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        getattr(self, f"_{row['row']}")(row)

    def _conversation(self, row: Mapping[str, Any]) -> None:
        self.samples[row["task"], row["split"]] += 1
        self.origins[f"{row['origin']['kind']}: {row['origin']['name']} {row['origin']['version']}".strip()] += 1
        self.licences[row["licence"]] += 1
        self.classes[row["data_class"]] += 1
        self.asked.update(key for key in row["meta"].get("findings", []) if key in statements())
        self.leads.update(row["meta"].get("leads", []))
        said = " ".join(turn["text"] for turn in row["turns"] if turn["role"] == "assistant")
        self.words[min(300, 25 * (len(said.split()) // 25))] += 1

    def _record(self, row: Mapping[str, Any]) -> None:
        self.records[row["split"]] += 1
        if "unreadable" in row:
            self.failed["not readable (a refusal was written)"] += 1
            return
        self.findings.update(row["present"])
        self.conflicts.update(conflict["kind"] for conflict in row["conflicts"])
        self.conflicted.update(f"{c['kind']}: {c['about']}" for c in row["conflicts"] if c["kind"] != "sentence")
        self.claims, self.numeric = self.claims + row["claims"], self.numeric + row["numeric"]

    def _rejected(self, row: Mapping[str, Any]) -> None:
        self.rejected[row["scope"], row["kind"], row["task"]] += 1
        self.why.setdefault((row["kind"], row["task"]), f"{row['text'][:160]} ({row['why'][:160]})")

    def _failed(self, row: Mapping[str, Any]) -> None:
        self.failed[row["error"]["code"]] += 1


def write_datasheet(shards: Sequence[Path], folder: Path, recipe: Instructions, split: Mapping[str, Mapping[str, int]]) -> Count:
    """DATASHEET.md and datasheet.html in the folder of the set; returns what was counted."""
    count = Count()
    for row in rows_of(shards):
        count.add(row)
    tables = _tables(count, recipe, split)
    write_whole(folder / "DATASHEET.md", _markdown(recipe, tables))
    write_whole(folder / "datasheet.html", _html(recipe, tables))
    return count


Table = tuple[str, str, list[tuple[str, ...]], bool]
"""Title, a line of text, rows (the first is the heading), and whether the last column is drawn as bars."""


def _tables(count: Count, recipe: Instructions, split: Mapping[str, Mapping[str, int]]) -> list[Table]:
    total = sum(count.samples.values())
    lost = sum(n for (scope, _, _), n in count.rejected.items() if scope == "sample")
    tasks = sorted({task for task, _ in count.samples})
    rows = {task: [count.samples[task, split] for split in recipe.splits] for task in tasks}
    by_task = [(task, *map(str, numbers), str(sum(numbers))) for task, numbers in rows.items()]
    why = [(scope, kind, task, count.why[kind, task], str(n)) for (scope, kind, task), n in count.rejected.most_common()]
    columns = list(next(iter(split.values())))
    said = f"{total} samples from {sum(count.records.values())} records; {lost} samples and {_cut(count)} single sentences were rejected."
    checked = (
        f"{count.claims} claims of single recordings were read in them, {count.numeric} with a number; each is supported by its trace."
    )
    return [
        ("Samples", f"{said} {checked}", [("task", *recipe.splits, "all"), *by_task], True),
        ("Split", "Patients stand in one split only; checked before the first sample was made.",
         [("split", *columns), *[(name, *(str(row[c]) for c in columns)) for name, row in split.items()]], False),
        ("Authors of the answers", "", _counted("author", count.origins), True),
        ("Licences", "Each row carries its own.", _counted("licence", count.licences), True),
        ("Data classes", "Only open rows may leave the machines that the recipe allows.", _counted("class", count.classes), True),
        ("Rejected", "A sentence is cut out of a long answer; a sample is dropped whole.",
         [("what", "why", "task", "an example", "n"), *why], True),
        ("Findings of the records", "Undisputed: the trace shows them and labels and report do not say otherwise.",
         _counted("finding", Counter({statements()[k].text: n for k, n in count.findings.items()})), True),
        ("Findings asked about", "Closed questions, chains and places, present and absent.",
         _counted("finding", Counter({statements()[k].text: n for k, n in count.asked.items()})), True),
        ("Leads asked about", "", [("lead", "n"), *[(lead, str(count.leads[lead])) for lead in STANDARD]], True),
        ("Words of the answers", "", [("from", "n"), *[(str(k), str(count.words[k])) for k in sorted(count.words)]], True),
        ("Report against trace", "Listed, not resolved: a disputed finding is neither asserted nor denied.",
         _counted("conflict", count.conflicts), True),
        ("Most disputed", "", [*_counted("label or finding", count.conflicted)[:16]], True),
        ("Records without samples", "", _counted("why", count.failed), True),
    ]  # fmt: skip


def _cut(count: Count) -> int:
    return sum(n for (scope, _, _), n in count.rejected.items() if scope == "sentence")


def _counted(name: str, counter: Counter[str]) -> list[tuple[str, ...]]:
    return [(name, "n"), *[(key, str(n)) for key, n in counter.most_common()]]


def _markdown(recipe: Instructions, tables: Sequence[Table]) -> str:
    lines = [f"# Datasheet: {recipe.name}", "", f"Seed {recipe.seed}; corpora {', '.join(at.corpus for at in recipe.corpora)}.", ""]
    for title, text, rows, _ in tables:
        lines += [f"## {title}", "", *([text, ""] if text else [])]
        if len(rows) > 1:
            body = ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
            lines += [body[0], "|" + "---|" * len(rows[0]), *body[1:], ""]
        else:
            lines += ["none", ""]
    lines += ["## Recipe", "", "```json", json.dumps(recipe.decides(), indent=1), "```"]
    return "\n".join(lines) + "\n"


def _html(recipe: Instructions, tables: Sequence[Table]) -> str:
    parts = [f"<h1>{html.escape(recipe.name)}</h1>"]
    for title, text, rows, bars in tables:
        most = max([float(row[-1]) for row in rows[1:]] or [1.0]) if bars else 1.0
        parts.append(f"<h2>{html.escape(title)}</h2><p>{html.escape(text)}</p><table>")
        for k, row in enumerate(rows):
            tag = "th" if k == 0 else "td"
            cells = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
            if bars and k:
                width = round(_BAR_PX * float(row[-1]) / max(most, 1))
                cells += f'<td><svg width="{_BAR_PX}" height="12"><rect height="12" width="{width}"/></svg></td>'
            parts.append(f"<tr>{cells}</tr>")
        parts.append("</table>")
    style = "body{font:14px sans-serif;max-width:75rem;margin:2rem auto}td,th{padding:2px 8px;text-align:left;vertical-align:top}"
    head = f'<!doctype html><meta charset="utf-8"><title>{html.escape(recipe.name)}</title><style>{style}rect{{fill:#357}}</style>'
    decided = html.escape(json.dumps(recipe.decides(), indent=1))
    return f"{head}{''.join(parts)}<h2>Recipe</h2><pre>{decided}</pre>\n"
