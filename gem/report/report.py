"""What a report is: sentences in sections, each with what backs it, and later its verdicts."""

from dataclasses import dataclass

from gem.knowledge.criterion import Evidence
from gem.knowledge.find import Findings
from gem.measure.measurement import Measurements
from gem.report.claim import sentences
from gem.report.reading import Reading, reading_text
from gem.report.verify import CONTRADICTED, NOT_CHECKABLE, SUPPORTED, Checked

SECTIONS = (
    "Technical quality",
    "Rate and rhythm",
    "Intervals and axis",
    "Conduction",
    "Chambers",
    "Ischaemia and repolarisation",
    "Conclusion",
)
"""A clinician's order of reading."""

WHOLE = "Interpretation"
"""The one section of a text that somebody else wrote."""

LEFT_OUT = "Found by criteria, not named in the text:"
NOTICE = "Research use only: not a medical device. A clinician must over-read this report."


@dataclass(frozen=True)
class Sentence:
    """One sentence and what it rests on.

    section   one of `SECTIONS`, or `WHOLE`
    evidence  measurements it was written from
    finding   id of the finding it states, or ""
    source    citation of that finding's criterion, or ""
    """

    section: str
    text: str
    evidence: tuple[Evidence, ...] = ()
    finding: str = ""
    source: str = ""


@dataclass(frozen=True)
class Report:
    """Sentences in order; `writer` says who wrote them ("template 1").

    whole    a text that came as one, kept to the letter; "" where the sentences are the text
    reading  statements that the writer read off the signal, or None
    """

    sentences: tuple[Sentence, ...]
    writer: str
    whole: str = ""
    reading: Reading | None = None

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections it may have, in order."""
        return (WHOLE,) if self.whole else SECTIONS

    @property
    def text(self) -> str:
        """Plain text, one paragraph a section, ending with `NOTICE`."""
        if self.whole:
            return f"{self.whole}\n{NOTICE}"
        lines = []
        for section in SECTIONS:
            said = [sentence.text for sentence in self.sentences if sentence.section == section]
            if said:
                lines.append(f"{section}: {' '.join(said)}")
        return "\n".join([*lines, NOTICE])


def told(text: str, writer: str, reading: Reading | None = None) -> Report:
    """The report that a model or a person wrote: the text to the letter, and its sentences."""
    said = text.strip()
    return Report(tuple(Sentence(WHOLE, said[a:b]) for a, b in sentences(said)), writer, said, reading)


@dataclass(frozen=True)
class VerifiedReport:
    """A report with the verdict on every claim in it, and what the verdicts were made from.

    left_out  findings that the text does not name, as the template words them
    """

    source: str
    report: Report
    checked: Checked
    measurements: Measurements
    findings: Findings
    left_out: tuple[Sentence, ...] = ()

    @property
    def text(self) -> str:
        return self.report.text

    @property
    def marked(self) -> str:
        """The text, with a mark and the reason at every sentence that the trace contradicts."""
        if not self.report.whole:
            return self.text
        out = []
        for k, (a, b) in enumerate(self.checked.sentences):
            why = [v.why for v in self.checked.verdicts if v.claim.sentence == k and v.verdict == CONTRADICTED]
            out.append(f"[contradicted: {'; '.join(why)}] {self.text[a:b]}" if why else self.text[a:b])
        return "\n".join(out)

    @property
    def statements(self) -> str:
        """What the writer read off the signal, with probabilities, and where the criteria see it otherwise; "" where it read nothing."""
        return reading_text(self.report.reading, self.findings)

    @property
    def shown(self) -> str:
        """All that a reader must see who sees text alone: the marked text, what it leaves out, what was read."""
        found = [LEFT_OUT, *(f"- {sentence.text}" for sentence in self.left_out)] if self.left_out else []
        return "\n".join([self.marked, *found, *([self.statements] if self.statements else [])])

    @property
    def summary(self) -> str:
        """One line: how many claims, and how they fared."""
        n = len(self.checked.verdicts)
        bad = self.checked.count(CONTRADICTED)
        good = self.checked.count(SUPPORTED)
        return f"{n} claims: {good} supported, {bad} contradicted, {n - good - bad} not measured or not checkable"

    def verdict_of(self, sentence: Sentence) -> str:
        """The verdict on one sentence of the report."""
        at = self.text.find(sentence.text)
        spans = [k for k, (a, b) in enumerate(self.checked.sentences) if a < at + len(sentence.text) and b > at]
        said = [self.checked.of_sentence(k) for k in spans]
        return next((v for v in (CONTRADICTED, SUPPORTED) if v in said), NOT_CHECKABLE)

    def to_json(self) -> dict[str, object]:
        """The object of `gem report --json` (schema gem.report/1)."""
        return {
            "schema": "gem.report/1",
            "source": self.source,
            "writer": self.report.writer,
            "notice": NOTICE,
            "text": self.text,
            "sentences": [
                {
                    "section": s.section,
                    "text": s.text,
                    "finding": s.finding or None,
                    "source": s.source or None,
                    "verdict": self.verdict_of(s),
                }
                for s in self.report.sentences
            ],
            "statements": [one.to_json() for one in self.report.reading.stated(self.findings)] if self.report.reading else None,
            "left_out": [{"finding": s.finding, "text": s.text, "source": s.source or None} for s in self.left_out],
            "disagreements": self.report.reading.disagreements(self.findings) if self.report.reading else [],
            "findings": [f.to_json() for f in self.findings.by_id.values() if f.status != "absent"],
            "verification": self.checked.to_json(),
            "measurements": self.measurements.to_json(),
        }
