"""A model as the writer of reports: what it is shown of a recording, and its answer as a Report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from gem.ecg.recording import Recording
from gem.errors import ModelError
from gem.image.layout import USUAL_S
from gem.image.scene import Scene
from gem.infer.engine import GREEDY, Decoding, Engine
from gem.infer.facts import fact_block
from gem.measure.measurement import Measurements
from gem.model.tokens import Message, user
from gem.report.reading import Reading
from gem.report.report import Report, told

QUESTION = "Interpret this ECG: rhythm, intervals and axis, what the leads show, and the diagnosis with its evidence."


@dataclass(frozen=True)
class Writer:
    """A model and how it is asked.

    page   layout of the page that is drawn for it; "" is the one its checkpoint names, "none" shows it no page
    facts  it is told what was measured, so that it can quote it, also where its checkpoint was not trained with that
    """

    engine: Engine
    question: str = QUESTION
    page: str = ""
    facts: bool = False
    decoding: Decoding = GREEDY

    @property
    def name(self) -> str:
        return f"model {self.engine.name}{' with facts' if self.tells('facts') else ''}"

    def tells(self, what: str) -> bool:
        """Whether the model is told "facts" or "reading" before the first question."""
        return (what == "facts" and self.facts) or what in self.engine.processor.told

    def write(self, recording: Recording, measurements: Measurements) -> Report:
        """The model's report. Raises `GemError` when the recording does not fit the model or the page."""
        return self.write_all([(recording, measurements)])[0]

    def write_all(self, cases: Sequence[tuple[Recording, Measurements]], batch: int = 8) -> list[Report]:
        """Reports of several recordings, in batches."""
        readings = [self.engine.reading(recording, measurements) for recording, measurements in cases]
        asked = [
            self.messages(recording, measurements, reading) for (recording, measurements), reading in zip(cases, readings, strict=True)
        ]
        texts = self.engine.answer(asked, self.decoding, batch)
        return [told(text, self.name, reading) for text, reading in zip(texts, readings, strict=True)]

    def messages(self, recording: Recording, measurements: Measurements, reading: Reading | None = None) -> list[Message]:
        """The conversation that asks for a report."""
        return [user(f"{self.before(measurements, reading)}{self.question}", *self.shown(recording))]

    def before(self, measurements: Measurements, reading: Reading | None) -> str:
        """What stands before the first question: measured facts, statements read; ends with a line break, or is empty."""
        facts = fact_block(measurements) if self.tells("facts") else ""
        return "".join(f"{line}\n" for line in (facts, reading.text if reading and self.tells("reading") else "") if line)

    def shown(self, recording: Recording) -> tuple[list[Recording], list[Any]]:
        """What the model sees: the signal where it reads signals, a page where it reads pictures. Raises `ModelError` when neither."""
        processor = self.engine.processor
        ecgs = [recording] if processor.ecg is not None else []
        picture = processor.image_input
        page = "none" if picture is None else self.page or picture.page
        pages = [] if page == "none" else [drawn(recording, page)]
        if not ecgs and not pages:
            raise ModelError(f"{self.engine.name} reads pictures only, and --page none shows it none; name a layout")
        return ecgs, pages


def drawn(recording: Recording, layout: str) -> Image.Image:
    """The recording on paper, as much of it as there is up to a page."""
    seconds = min(USUAL_S, math.floor(2 * recording.duration_s + 0.1) / 2)
    return Image.fromarray(Scene(layout=layout, seconds=seconds).picture(recording).image)
