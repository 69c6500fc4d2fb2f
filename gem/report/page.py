"""One self-contained HTML page: the ECG on paper, the report with its verdicts, the measurements.

No script or style comes from elsewhere; every text from a file is escaped. Choosing a sentence shows the
leads and waves that it rests on.
"""

import json
import re
from html import escape
from importlib.resources import files

from gem.ecg.recording import Recording
from gem.knowledge.criterion import Evidence
from gem.measure.measurement import Measurement, Measurements
from gem.report.device import device_html
from gem.report.paper import ecg_svg
from gem.report.report import LEFT_OUT, NOTICE, Sentence, VerifiedReport

_WAVES = {
    "p_": "p", "pr_": "p qrs", "q_": "qrs", "r_": "qrs", "s_": "qrs", "qrs": "qrs", "delta": "qrs", "st_": "st", "t_": "t",
    "qt": "qrs st t", "sokolow": "qrs", "cornell": "qrs", "rvh": "qrs", "limb": "qrs", "chest": "qrs",
}  # fmt: skip
_SUMS = {"sokolow_lyon": ("V1", "V5", "V6"), "cornell": ("aVL", "V3"), "rvh_voltage": ("V1", "V5")}
_MARK = {"supported": "✓", "contradicted": "✗", "not measured": "?", "not checkable": "–"}
_PER_LEAD = (
    "p_amplitude",
    "q_amplitude",
    "r_amplitude",
    "s_amplitude",
    "r_prime_amplitude",
    "qrs_duration",
    "st_j",
    "st_j60",
    "t_amplitude",
)


def page(report: VerifiedReport, recording: Recording) -> str:
    """The whole page as one string of HTML.

    report     from the pipeline
    recording  what it was written from: drawn as it was read, nothing filtered
    """
    m = report.measurements
    template = (files("gem.report") / "page.html").read_text(encoding="utf-8")
    parts = {
        "title": escape(_name(report.source)),
        "facts": escape(_facts(recording)),
        "notice": escape(NOTICE),
        "ecg": ecg_svg(recording, m.delineation, m.kinds),
        "report": _report(report),
        "summary": escape(report.summary),
        "intervals": _intervals(m),
        "leads": _leads(m),
        "quality": _quality(m),
        "verdicts": _verdicts(report),
        "writer": escape(report.report.writer),
        "device": device_html(recording.device_said, m),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def _name(source: str) -> str:
    return source.replace("\\", "/").rsplit("/", 1)[-1]


def _facts(recording: Recording) -> str:
    who = [f"{recording.age:g} years" if recording.age is not None else "", recording.sex or ""]
    span = f"{recording.duration_s:.4g} s at {recording.fs:g} Hz, {len(recording.leads)} leads"
    return ", ".join(text for text in (*who, span) if text)


def _waves_of(name: str) -> str:
    return next((waves for start, waves in _WAVES.items() if name.startswith(start)), "")


def _focus(evidence: tuple[Evidence, ...]) -> str:
    """What a sentence shows when chosen, as JSON: lead -> waves ("*" for all leads)."""
    shown: dict[str, set[str]] = {}
    for item in evidence:
        for lead in (item.lead,) if item.lead else _SUMS.get(item.name, ("*",)):
            shown.setdefault(lead, set()).update(_waves_of(item.name).split())
    return escape(json.dumps({lead: sorted(waves) for lead, waves in shown.items() if waves}))


def _report(report: VerifiedReport) -> str:
    out = []
    for section in report.report.sections:
        said = [s for s in report.report.sentences if s.section == section]
        if said:
            out.append(f"<h3>{escape(section)}</h3><p>{' '.join(_sentence(report, s) for s in said)}</p>")
    if report.left_out:
        found = " ".join(_span(s, "", s.source, "") for s in report.left_out)
        out.append(f"<h3>{escape(LEFT_OUT.rstrip(':'))}</h3><p>{found}</p>")
    if report.statements:
        out.append(f"<h3>Statements</h3><p>{'<br>'.join(escape(line) for line in report.statements.splitlines())}</p>")
    return "\n".join(out)


def _sentence(report: VerifiedReport, sentence: Sentence) -> str:
    verdict = report.verdict_of(sentence)
    title = "; ".join(text for text in (verdict, sentence.source) if text)
    return _span(sentence, verdict.replace(" ", "-"), title, f"<sup>{_MARK[verdict]}</sup>")


def _span(sentence: Sentence, kind: str, title: str, mark: str) -> str:
    """A sentence that shows, when chosen, what it rests on."""
    return (
        f'<span class="s {kind}" tabindex="0" data-focus="{_focus(sentence.evidence)}" title="{escape(title)}">'
        f"{escape(sentence.text)}{mark}</span>"
    )


def _shown(m: Measurement) -> str:
    if m.value is None:
        return f'<span class="absent" title="{escape(m.absent or "")}">{escape(m.word or "–")}</span>'
    digits = 2 if m.unit == "mV" else 1 if m.unit in ("mV ms",) else 0
    return f"{m.value:.{digits}f} {escape(m.unit)}"


def _intervals(m: Measurements) -> str:
    rows = [
        f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{_shown(value)}</td><td>{escape(value.absent or value.method or '')}</td></tr>"
        for name, value in m.of_all.items()
    ]
    return "\n".join(rows)


def _leads(m: Measurements) -> str:
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in ("QRS", *_PER_LEAD))
    rows = []
    for lead, named in m.per_lead.items():
        cells = "".join(f"<td>{_shown(m.get(name, lead))}</td>" for name in ("qrs_pattern", *_PER_LEAD))
        rows.append(f'<tr data-lead="{escape(lead)}"><th>{escape(lead)}</th>{cells}</tr>' if named else "")
    return f"<tr><th>lead</th>{head}</tr>{''.join(rows)}"


def _quality(m: Measurements) -> str:
    rows = [f"<li>{escape(reason)}</li>" for reason in m.quality.reasons]
    rows += [f"<li>{escape(lead)}: {escape('; '.join(q.reasons))}</li>" for lead, q in m.quality.per_lead.items() if q.reasons]
    return f"<p>{escape(m.quality.overall)}</p><ul>{''.join(rows)}</ul>"


def _verdicts(report: VerifiedReport) -> str:
    return "".join(
        f'<tr class="{v.verdict.replace(" ", "-")}"><td>{_MARK[v.verdict]} {escape(v.verdict)}</td>'
        f"<td>{escape(v.claim.text)}</td><td>{escape(v.why)}</td></tr>"
        for v in report.checked.verdicts
    )
