"""A conversation about a recording; every answer is verified against the trace."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gem.ecg.io import read
from gem.ecg.quality import inspect
from gem.ecg.recording import Recording
from gem.errors import ConfigError, GemError
from gem.files import write_whole
from gem.image.scene import Scene
from gem.image.write import check_suffix, encoded
from gem.infer.facts import fact_block
from gem.infer.writer import Writer
from gem.knowledge.find import Findings, find
from gem.measure.measure import measure_recording
from gem.measure.measurement import Measurements
from gem.model.tokens import Message, user
from gem.report.reading import Reading, reading_text
from gem.report.report import NOTICE
from gem.report.verify import Checked, verify

HELP = """/measure        what was measured
/statements     what the model reads off the signal, with probabilities
/draw PATH      the page as a picture
/load FILE      another recording; the conversation begins anew
/save PATH      the conversation and its verdicts as JSON
/quit           or the end of the input"""
_MARK = {"supported": "+", "contradicted": "x", "not measured": "?", "not checkable": "-"}


@dataclass(frozen=True)
class Case:
    """A recording and what is known of it."""

    recording: Recording
    measurements: Measurements
    findings: Findings
    reading: Reading | None


class Chat:
    """One conversation.

    writer  the model and what it is shown
    said    takes text as it comes, without line breaks of its own
    known   what the caller knows of recordings (arguments of `gem.read`)
    """

    def __init__(self, writer: Writer, said: Callable[[str], None], known: dict[str, Any] | None = None) -> None:
        self.writer, self.said, self.known = writer, said, known or {}
        self.case: Case | None = None
        self.messages: list[Message] = []
        self.turns: list[dict[str, Any]] = []

    def load(self, path: str) -> None:
        """Begin anew with a recording. Raises `GemError` when it cannot be read or measured; then the old one stays."""
        recording = read(path, **self.known)
        measurements = measure_recording(recording, inspect(recording))
        self.case = Case(recording, measurements, find(measurements), self.writer.engine.reading(recording, measurements))
        self.messages, self.turns = [], []
        span = f"{recording.duration_s:.3g} s at {recording.fs:g} Hz"
        self.said(f"{path}: {len(recording.leads)} leads, {span}; quality {measurements.quality.overall}\n")

    def line(self, text: str) -> bool:
        """One line of the user: a question or a command; False ends the conversation. A fault the user can put right is said."""
        text = text.strip()
        command, _, rest = text.partition(" ")
        commands: dict[str, Callable[[str], None]] = {
            "/measure": self._measure,
            "/statements": self._statements,
            "/draw": self._draw,
            "/load": self.load,
            "/save": self._save,
            "/help": lambda _: self.said(f"{HELP}\n"),
        }
        if command == "/quit":
            return False
        try:
            if command in commands:
                commands[command](rest.strip())
            elif command.startswith("/"):
                raise ConfigError(f"{command} is no command here\n{HELP}")
            elif text:
                self._answer(text)
        except GemError as fault:
            self.said(f"{fault}\n")
        return True

    def _answer(self, question: str) -> None:
        shown, before = self._opening() if not self.messages else (([], []), "")
        message = user(f"{before}{question}", *shown)
        answer = self.writer.engine.stream([*self.messages, message], self.said, self.writer.decoding)
        self.messages += [message, {"role": "assistant", "content": answer}]
        checked = None if self.case is None else verify(answer, self.case.measurements, self.case.findings)
        self.said("\n" + verdict_lines(checked))
        verification = {} if checked is None else {"verification": checked.to_json()}
        self.turns += [{"role": "user", "text": question}, {"role": "assistant", "text": answer} | verification]

    def _opening(self) -> tuple[tuple[list[Recording], list[Any]], str]:
        """What the first question is asked with: the ECG, its page, and what the model is told before it."""
        if self.case is None:
            return ([], []), ""
        return self.writer.shown(self.case.recording), self.writer.before(self.case.measurements, self.case.reading)

    def _measure(self, _: str) -> None:
        self.said(f"{fact_block(self._loaded().measurements)}\n")

    def _statements(self, _: str) -> None:
        case = self._loaded()
        self.said(f"{reading_text(case.reading, case.findings) or 'this model has no reader of statements'}\n")

    def _draw(self, path: str) -> None:
        if not path:
            raise ConfigError("/draw PATH: name a .png, .jpg, .pdf or .svg")
        target = Path(path)
        check_suffix(target, damaged=False)
        write_whole(target, encoded(Scene().picture(self._loaded().recording), target.suffix.lower()))
        self.said(f"{target} written\n")

    def _save(self, path: str) -> None:
        if not path:
            raise ConfigError("/save PATH: name a .json")
        source = None if self.case is None else self.case.recording.source
        whole = {"schema": "gem.chat/1", "source": source, "writer": self.writer.name, "notice": NOTICE, "turns": self.turns}
        write_whole(Path(path), json.dumps(whole, ensure_ascii=False, indent=1) + "\n")
        self.said(f"{path} written\n")

    def _loaded(self) -> Case:
        if self.case is None:
            raise ConfigError("no recording yet; /load FILE reads one")
        return self.case


def verdict_lines(checked: Checked | None) -> str:
    """The verdict on every claim, one a line."""
    if checked is None:
        return "(no recording: nothing to verify against)\n"
    lines = [f"    {_MARK[v.verdict]} {v.claim.text} | {v.verdict}: {v.why}" for v in checked.verdicts]
    return "\n".join([*lines, f"({len(checked.verdicts)} claims verified)"]) + "\n"
