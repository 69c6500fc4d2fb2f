"""File -> verified report, on one screen."""

from pathlib import Path
from typing import Protocol

from gem.ecg.io import read
from gem.ecg.quality import inspect
from gem.ecg.recording import Recording
from gem.knowledge.find import Findings, find
from gem.measure.measure import measure_recording
from gem.measure.measurement import Measurements
from gem.report.report import Report, VerifiedReport
from gem.report.verify import verify
from gem.report.write import left_out, write


class Writes(Protocol):
    """A writer other than the template: a model (`gem.infer.writer.Writer`), or anything that writes a Report."""

    def write(self, recording: Recording, measurements: Measurements) -> Report: ...


def interpret(recording: Recording | str | Path, writer: Writes | None = None) -> VerifiedReport:
    """Read, judge, measure, find, write, verify.

    recording  a `Recording`, or a file that `gem.read` knows
    writer     who writes; the template where None

    Raises `ECGReadError` when the file cannot be read and `NotReadable`, with the reasons, when
    its quality forbids an interpretation.
    """
    if not isinstance(recording, Recording):
        recording = read(recording)
    quality = inspect(recording)
    measurements = measure_recording(recording, quality)
    findings = find(measurements)
    report = writer.write(recording, measurements) if writer else write(measurements, findings)
    return verified(recording.source, report, measurements, findings)


def verified(source: str, report: Report, measurements: Measurements, findings: Findings) -> VerifiedReport:
    """The last step: every claim judged, and what a text of somebody else leaves out."""
    checked = verify(report.text, measurements, findings)
    missing = left_out(findings, checked) if report.whole else ()
    return VerifiedReport(source, report, checked, measurements, findings, missing)
