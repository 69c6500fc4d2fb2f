"""A verified report as Markdown: the text with a mark at each sentence, and the table of intervals."""

from gem.report.report import LEFT_OUT, NOTICE, VerifiedReport

_MARK = {"supported": "✓", "contradicted": "✗ **contradicted**", "not measured": "(not measured)", "not checkable": ""}
_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_[]#|"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})


def markdown(report: VerifiedReport) -> str:
    """The report as one Markdown document; texts from the file are escaped."""
    lines = [f"# {report.source.rsplit('/', 1)[-1].translate(_SPECIAL)}", "", f"> {NOTICE}", ""]
    for section in report.report.sections:
        said = [s for s in report.report.sentences if s.section == section]
        if said:
            marked = [f"{s.text.translate(_SPECIAL)} {_MARK[report.verdict_of(s)]}".strip() for s in said]
            lines += [f"## {section}", "", " ".join(marked), ""]
    if report.left_out:
        lines += [f"## {LEFT_OUT.rstrip(':')}", "", *(f"- {s.text.translate(_SPECIAL)}" for s in report.left_out), ""]
    if report.statements:
        lines += ["## Statements", "", *(f"- {line.translate(_SPECIAL)}" for line in report.statements.splitlines()), ""]
    lines += ["## Measurements", "", "| quantity | value | method |", "|---|---|---|"]
    for name, m in report.measurements.of_all.items():
        value = f"{m.value:.4g} {m.unit}" if m.value is not None else f"absent: {m.absent}"
        lines.append(f"| {name.replace('_', ' ')} | {value.translate(_SPECIAL)} | {m.method or ''} |")
    return "\n".join([*lines, "", f"Verified: {report.summary}. Written by {report.report.writer}.", ""])
