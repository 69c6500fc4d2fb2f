"""Recording -> fact sheet: what was measured and found, what could not be, what was said of it, and where the two disagree.

A conflict between report and trace is listed and never resolved: a disputed finding is neither asserted nor denied in what
is written from the sheet.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from data_gen.corpora import COVERS
from data_gen.corpora.german import heard_of
from data_gen.corpora.record import Record
from gem.ecg.lead import GROUPS
from gem.ecg.quality import inspect
from gem.ecg.recording import Recording
from gem.knowledge.find import ABSENT, NOT_ASSESSABLE, Finding, Findings, find
from gem.knowledge.statement import statements
from gem.measure.measure import measure_recording
from gem.measure.measurement import Measurements
from gem.report.verify import CONTRADICTED, Verdict, verify

SCHEMA = "gem.facts/1"
_Q = ("q_inferior", "q_anteroseptal", "q_anterior", "q_lateral")
_MEANT = {
    "q": _Q, "q_pathological": _Q, "t_low": ("low_t",), "t": ("t_inversion", "low_t"), "st_change": ("st_elevation", "st_depression"),
    "st_elevation": ("st_elevation", "stemi_inferior", "stemi_anterior", "stemi_lateral"),
    "st_depression": ("st_depression", "stemi_posterior"),
}  # fmt: skip
"""Waves of a report -> findings that rest on them."""
_NAMES_OF_RHYTHM = frozenset(
    {
        "sinus_rhythm", "sinus_bradycardia", "sinus_tachycardia", "sinus_arrhythmia", "atrial_fibrillation", "atrial_flutter",
        "ectopic_atrial_rhythm", "supraventricular_tachycardia", "wide_complex_tachycardia", "junctional_rhythm", "ventricular_escape",
        "paced_ventricular", "paced_atrial",
    }
)  # fmt: skip
_OF_BEATS = (_NAMES_OF_RHYTHM - {"sinus_bradycardia", "sinus_tachycardia"}) | {
    "premature_ventricular", "premature_atrial", "bigeminy", "trigeminy", "pause", "av_block_2_mobitz_1", "av_block_2_mobitz_2",
    "av_block_2_to_1", "av_block_3",
}  # fmt: skip


@dataclass(frozen=True)
class Conflict:
    """kind: "said only" (a code that no finding bears out), "found only" (a finding that the labels deny), or "sentence"."""

    kind: str
    about: str
    why: str

    def to_json(self) -> dict[str, str]:
        return {"kind": self.kind, "about": self.about, "why": self.why}


@dataclass(frozen=True, eq=False)
class Facts:
    """One recording, known as far as it can be."""

    record: Record
    measured: Measurements
    findings: Findings

    @cached_property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Where labels or report and trace disagree."""
        by_id, covers = self.findings.by_id, COVERS[self.record.corpus]
        if not self.record.said & _NAMES_OF_RHYTHM:
            covers -= _NAMES_OF_RHYTHM  # a record whose labels name no rhythm at all does not deny the one that is found
        out = []
        for code, keys in self.record.codes.items():
            states = [by_id[key].status for key in keys if key in by_id]
            if states and all(state == ABSENT for state in states):
                out.append(Conflict("said only", code, f"no criterion for {' or '.join(statements()[key].text for key in keys)} is met"))
        out += [
            Conflict("found only", f.id, f"{f.text} is found; the labels of {self.record.corpus} do not name it")
            for f in self.findings.present
            if self.record.codes and f.id in covers and f.id not in self.record.said
        ]
        return (*out, *(Conflict("sentence", v.claim.text, v.why) for v in self._contradicted))

    @cached_property
    def _contradicted(self) -> tuple[Verdict, ...]:
        """Claims of the report that the trace contradicts; of a report without a translation, of the phrases that are understood."""
        checked = verify(self.record.english or heard_of(self.record.report), self.measured, self.findings)
        return tuple(v for v in checked.verdicts if v.verdict == CONTRADICTED)

    @cached_property
    def disputed(self) -> frozenset[str]:
        """Findings on which labels or report and trace disagree."""
        keys = {conflict.about for conflict in self.conflicts if conflict.kind == "found only"}
        for conflict in self.conflicts:
            keys |= set(self.record.codes.get(conflict.about, ())) if conflict.kind == "said only" else set()
        for verdict in self._contradicted:
            keys |= {key for subject in verdict.claim.subject for key in _MEANT.get(subject, (subject,)) if key in statements()}
        if self.record.normal:
            keys |= {f.id for f in self.findings.present if f.id not in ("sinus_rhythm", "sinus_arrhythmia", "sinus_bradycardia")}
        return frozenset(keys)

    @cached_property
    def present(self) -> tuple[Finding, ...]:
        """Findings of the trace that nobody disputes."""
        return tuple(f for f in self.findings.present if f.id not in self.disputed)

    @cached_property
    def absent(self) -> tuple[Finding, ...]:
        """Findings that the trace denies and nobody asserts."""
        return tuple(
            f for f in self.findings.by_id.values() if f.status == ABSENT and f.id not in self.disputed and f.id not in self.record.said
        )

    @property
    def complete(self) -> bool:
        """Whether what is undisputed is all that labels and report assert: only then may it be called a conclusion."""
        there = {f.id for f in self.present}
        borne_out = all(there & set(keys) for keys in self.record.codes.values() if keys)
        return borne_out and not any(conflict.kind == "sentence" for conflict in self.conflicts)

    @property
    def beats_agreed(self) -> bool:
        """Whether nobody disputes what the beats do: only then may they be called regular, or each led by a P wave."""
        return not self.disputed & _OF_BEATS

    def has(self, key: str) -> bool:
        return any(f.id == key for f in self.present)

    def denies(self, *keys: str) -> bool:
        """Whether every one of these is absent, and nobody asserts it."""
        gone = {f.id for f in self.absent}
        return all(key in gone for key in keys)

    def sheet(self) -> dict[str, Any]:
        """The fact sheet as JSON: what a teacher is given."""
        full = self.measured.to_json(beats=True)
        quality: Any = full["quality"]
        return {
            "schema": SCHEMA,
            "age": self.measured.age,
            "sex": self.measured.sex,
            "quality": {"overall": quality["overall"], "reasons": quality["reasons"]},
            "global": {k: v for k, v in full["global"].items() if "value" in v and "absent" not in v},  # type: ignore[attr-defined]
            "not_measured": {k: v["absent"] for k, v in full["global"].items() if "absent" in v},  # type: ignore[attr-defined]
            "rhythm": full["rhythm"],
            "beat_kinds": full["beat_kinds"],
            "per_lead": {
                lead: {name: m["value"] for name, m in named.items() if "absent" not in m}
                for lead, named in full["per_lead"].items()  # type: ignore[attr-defined]
            },
            "findings": [
                {
                    "text": f.text,
                    "leads": list(f.leads),
                    "territory": territories(f),
                    "evidence": [{"name": e.name, "lead": e.lead, "value": e.value, "unit": e.unit, "limit": e.limit} for e in f.evidence],
                }
                for f in self.present
            ],
            "absent": [f.text for f in self.absent],
            "not_assessable": {f.text: f.why for f in self.findings.by_id.values() if f.status == NOT_ASSESSABLE},
            "disputed": sorted(statements()[key].text for key in self.disputed),
        }


def territories(finding: Finding) -> list[str]:
    """Groups of leads that hold two or more of the finding's leads."""
    return [name for name, leads in GROUPS.items() if len(set(leads) & set(finding.leads)) >= 2]


def facts_of(record: Record, recording: Recording) -> Facts:
    """Judge, measure, find. Raises `NotReadable`, with the reasons, where the quality forbids it."""
    measured = measure_recording(recording, inspect(recording))
    return Facts(record, measured, find(measured))
