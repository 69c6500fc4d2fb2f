"""What a model reads off the signal: coded statements with calibrated probabilities, beside what the criteria find."""

from collections.abc import Mapping
from dataclasses import dataclass

from gem.knowledge.find import ABSENT, PRESENT, Findings
from gem.knowledge.statement import findings_of_scp, scp_texts, statements

_TOLD, _WORTH_TELLING = 8, 0.15
"""Statements that a prompt names at most, and from which probability."""
_UNLIKELY = 0.5
"""A finding is called unlikely by the model below this share of the threshold from which the model would say it."""


@dataclass(frozen=True)
class Stated:
    """One statement: SCP code or superclass, its text, its probability, whether it is said, and how the criteria see it.

    rules  "found", "not found", "not assessable" or "" where no criterion bears it out
    """

    code: str
    text: str
    probability: float
    said: bool
    rules: str

    def to_json(self) -> dict[str, object]:
        return {"code": self.code, "text": self.text, "probability": self.probability, "said": self.said, "rules": self.rules or None}


@dataclass(frozen=True)
class Reading:
    """Probabilities by code, and the probability from which each is said; `reader` names the model."""

    probabilities: Mapping[str, float]
    thresholds: Mapping[str, float]
    reader: str

    @property
    def said(self) -> tuple[str, ...]:
        """Codes at or above their threshold, likeliest first."""
        return tuple(code for code in self.by_probability if self.probabilities[code] >= self.thresholds[code])

    @property
    def by_probability(self) -> tuple[str, ...]:
        return tuple(sorted(self.probabilities, key=lambda code: (-self.probabilities[code], code)))

    @property
    def text(self) -> str:
        """One line for a prompt."""
        texts = scp_texts()
        told = [code for code in self.by_probability if self.probabilities[code] >= _WORTH_TELLING][:_TOLD]
        return f"Read: {'; '.join(f'{texts.get(code, code)} {self.probabilities[code]:.2f}' for code in told) or 'nothing likely'}."

    def stated(self, findings: Findings) -> list[Stated]:
        """All statements, likeliest first."""
        texts = scp_texts()
        return [
            Stated(code, texts.get(code, code), round(self.probabilities[code], 3), code in self.said, _rules(code, findings))
            for code in self.by_probability
        ]

    def disagreements(self, findings: Findings) -> list[str]:
        """One sentence for each statement that the model says against the criteria, and for each finding that it all but rules out."""
        said = [one for one in self.stated(findings) if one.said and one.rules == "not found"]
        out = [f"The model reads {one.text} ({100 * one.probability:.0f} %), but its criteria are not met." for one in said]
        for finding in findings.present:
            codes = [code for code in statements()[finding.id].scp if code in self.probabilities] if finding.id in statements() else []
            if codes and all(self.probabilities[code] < _UNLIKELY * self.thresholds[code] for code in codes):
                chance = max(self.probabilities[code] for code in codes)
                out.append(f"Criteria of {finding.text} are met, but the model gives it {100 * chance:.0f} %.")
        return out


def _rules(code: str, findings: Findings) -> str:
    """How the criteria see a code: found when any finding that bears it out is present, not found when all were looked for in vain."""
    seen = [findings.by_id[key].status for key in findings_of_scp().get(code, ()) if key in findings.by_id]
    if not seen:
        return ""
    if PRESENT in seen:
        return "found"
    return "not found" if all(status == ABSENT for status in seen) else "not assessable"


def reading_text(reading: Reading | None, findings: Findings) -> str:
    """Lines for a plain-text report; "" where no model read it."""
    if reading is None:
        return ""
    said = [one for one in reading.stated(findings) if one.said]
    listed = "; ".join(f"{one.text} ({one.code}) {100 * one.probability:.0f} %" for one in said) or "none reaches its threshold"
    return "\n".join([f"Statements ({reading.reader}): {listed}.", *reading.disagreements(findings)])
