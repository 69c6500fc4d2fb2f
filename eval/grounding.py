"""Every claim of a free text against the trace, with the one ruler (`gem.report.verify`), counted so that rates can be made."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from gem.knowledge.find import Findings
from gem.measure.measurement import Measurements
from gem.report.verify import CONTRADICTED, NOT_CHECKABLE, NOT_MEASURED, SUPPORTED, Verdict, verify

QUANTITIES = {
    "heart_rate": ("heart_rate",),
    "pr_interval": ("pr_interval",),
    "qrs_duration": ("qrs_lead_median", "qrs_duration"),
    "qt_interval": ("qt_interval",),
    "qtc": ("qtc_bazett", "qtc_fridericia", "qtc_framingham", "qtc_hodges"),
    "qrs_axis": ("qrs_axis",),
}
"""Numbers that a report is expected to give where they can be measured, and the measurements that count as each."""
KINDS = ("finding", "wave", "word", "value", "count")
_SHORT = {SUPPORTED: "supported", CONTRADICTED: "contradicted", NOT_MEASURED: "not_measured", NOT_CHECKABLE: "not_checkable"}
_SILENT = ("electrode_swap", "low_t", "lvh_voltage")
"""Findings that a good report may leave unsaid."""


@dataclass(frozen=True)
class Grounded:
    """Counts of one text, and its verdicts as JSON for a reader.

    claims, supported, contradicted, not_measured, not_checkable   of all claims
    facts, told                  findings present and quantities measured; those that a supported claim tells
    SUBJECT.supported, SUBJECT.contradicted   per quantity and kind of claim
    """

    counts: dict[str, int]
    verdicts: list[dict[str, Any]]


def grounded(text: str, measurements: Measurements, findings: Findings) -> Grounded:
    """Judge a text against one recording."""
    checked = verify(text, measurements, findings)
    counts: Counter[str] = Counter(dict.fromkeys(("claims", *_SHORT.values(), "facts", "told"), 0))
    for name in (*QUANTITIES, *KINDS):
        counts[f"{name}.supported"] = counts[f"{name}.contradicted"] = 0
    for verdict in checked.verdicts:
        counts["claims"] += 1
        counts[_SHORT[verdict.verdict]] += 1
        if verdict.verdict in (SUPPORTED, CONTRADICTED):
            counts[f"{verdict.claim.kind}.{verdict.verdict}"] += 1
            quantity = _quantity(verdict)
            if quantity is not None:
                counts[f"{quantity}.{verdict.verdict}"] += 1
    facts = _facts(measurements, findings)
    told = {fact for verdict in checked.verdicts if verdict.verdict == SUPPORTED for fact in _tells(verdict)}
    counts["facts"], counts["told"] = len(facts), len(facts & told)
    shown = [{"start": v.claim.start, "end": v.claim.end, "verdict": v.verdict, "why": v.why} for v in checked.verdicts]
    return Grounded(dict(counts), shown)


def _facts(m: Measurements, findings: Findings) -> set[str]:
    """What there is to tell of this recording."""
    there = {f"finding {f.id}" for f in findings.present if f.id not in _SILENT}
    return there | {name for name, measured in QUANTITIES.items() if any(m.get(one).value is not None for one in measured)}


def _tells(verdict: Verdict) -> set[str]:
    claim = verdict.claim
    if claim.kind == "finding" and not claim.negated:
        return {f"finding {key}" for key in claim.subject}
    if claim.kind == "wave" and not claim.negated:
        return {f"finding {key}" for key in claim.subject}
    quantity = _quantity(verdict)
    return {quantity} if quantity is not None else set()


def _quantity(verdict: Verdict) -> str | None:
    """The quantity a number is about."""
    if verdict.claim.kind != "value":
        return None
    said = {*verdict.claim.subject}
    return next((name for name, measured in QUANTITIES.items() if said & {name, *measured, "qrs_width"}), None)
