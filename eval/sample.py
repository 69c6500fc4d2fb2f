"""One benchmark item, what a model answered, and what that is worth.

A sample holds names of files, never their content: it is read when it is asked, hashed before that, and written into the log
as it was asked. Nothing here knows a task or a model.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from gem.config import Config
from gem.errors import ConfigError
from gem.image.scene import Scene

Outcome = Literal["scored", "unparsed", "unscored"]


class Ecg(Config):
    """A recording.

    path       below the data folder, or absolute
    lead_order of a file that does not say it (".npy"), else None; `fs` (Hz) likewise
    simulated  seed of a simulated recording; `path` is then its name only
    stand_in   a control: noise or a flat line of the same length instead of what is recorded
    """

    path: str
    age: float | None = None
    sex: Literal["female", "male"] | None = None
    fs: float | None = None
    lead_order: tuple[str, ...] | None = None
    simulated: int | None = None
    stand_in: Literal["noise", "flat"] | None = None


class Picture(Config):
    """A picture: a file below the data folder, or a page that is drawn of a recording when it is asked for.

    stand_in  a control: noise or an empty sheet of the same size instead of a file
    """

    path: str | None = None
    ecg: Ecg | None = None
    scene: Scene | None = None
    stand_in: Literal["noise", "flat"] | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.path is None) == (self.ecg is None):
            raise ValueError("a file (path) or a recording to draw (ecg), one of the two")
        return self


class Turn(Config):
    """One question.

    options    what may be chosen, () for a free answer; the question says them itself where the model is to see them
    reference  as published: a text, or a list where the set gives one
    ask        "text": the model writes; "likelihood": how likely it finds each option, nothing is written; "both"
    alone      asked without the turns before it
    given      what stands for the answer in the history of later turns (a ground-truth history); None: the model's own answer
    meta       facts about this turn (step of a chain, label that is asked about, ...)
    """

    question: str
    options: tuple[str, ...] = ()
    reference: str | tuple[str, ...] = ""
    ask: Literal["text", "likelihood", "both"] = "text"
    alone: bool = False
    given: str | None = None
    meta: Mapping[str, Any] = {}


class Sample(Config):
    """One item of a task.

    id         unique within its task
    ecgs       signals the model is shown, in the order in which the text counts them
    pictures   pictures it is shown
    record     the recording that answers may be verified against, shown or not
    reference  what the whole is compared with, where that is not a turn's own; `author` says who wrote it
    meta       strata and identity: patient, fold, age, sex, device, noise, layout, statements (a list), source
    """

    id: str
    turns: tuple[Turn, ...] = Field(min_length=1)
    ecgs: tuple[Ecg, ...] = ()
    pictures: tuple[Picture, ...] = ()
    record: Ecg | None = None
    reference: Any = None
    author: str = ""
    meta: Mapping[str, Any] = {}

    @property
    def patient(self) -> str:
        """Whom it is of: samples of one patient are drawn together by the bootstrap; without one, the sample itself."""
        return str(self.meta.get("patient") or self.id)

    @cached_property
    def doc_hash(self) -> str:
        """Of everything in it: another question, option, reference or file name is another sample."""
        return digest(self.model_dump(mode="json"))

    def files(self) -> tuple[str, ...]:
        """Paths that it names, in order, each once."""
        ecgs = [*self.ecgs, *(p.ecg for p in self.pictures if p.ecg), *([self.record] if self.record else [])]
        named = [e.path for e in ecgs if e.simulated is None] + [p.path for p in self.pictures if p.path]
        return tuple(dict.fromkeys(named))


class Answer(Config):
    """What a model gave for one turn.

    text         raw, to the letter; None where only likelihoods were asked, or it failed
    likelihoods  log-likelihood of each option of the turn, in their order, or None where the model has none
    error        why there is no answer
    """

    text: str | None = None
    likelihoods: tuple[float, ...] | None = None
    error: str | None = None


class Score(Config):
    """What an answer is worth: a finite value, or None with the reason; never NaN, never random.

    outcome  "unparsed": nothing could be read from the answer, and the value says what that is worth (0 in the strict scoring);
             "unscored": there is no value, `why` says why
    parsed   what was read from the answer, and what a corpus metric needs (labels, counts, soft scores); JSON
    """

    value: float | None = Field(default=None, allow_inf_nan=False)
    outcome: Outcome = "scored"
    why: str = ""
    parsed: Any = None

    @model_validator(mode="after")
    def _value_or_reason(self) -> Self:
        if (self.value is None) != (self.outcome == "unscored") or (self.outcome == "unscored" and not self.why):
            raise ValueError("a value, or outcome unscored with a reason")
        return self


def sex_of(text: str | None) -> Literal["female", "male"] | None:
    """Female, male, or not known."""
    return "female" if text == "female" else "male" if text == "male" else None


def scored(value: float, parsed: Any = None) -> Score:
    """A value that was read from an answer."""
    return Score(value=float(value), parsed=parsed)


def unparsed(why: str, value: float = 0.0, parsed: Any = None) -> Score:
    """An answer nothing can be read from: its own outcome, counted as wrong."""
    return Score(value=value, outcome="unparsed", why=why, parsed=parsed)


def unscored(why: str, parsed: Any = None) -> Score:
    """No value, and why."""
    return Score(outcome="unscored", why=why, parsed=parsed)


def digest(value: Any) -> str:
    """16 hexadecimal digits of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()[:16]


def file_digest(path: Path) -> str:
    """16 hexadecimal digits of a file and, for a WFDB header, of the signal files it names; "absent" without one of them."""
    whole = hashlib.sha256()
    try:
        own = path.read_bytes()
        whole.update(own)
        for name in _signals(own) if path.suffix == ".hea" else ():
            whole.update((path.parent / name).read_bytes())
    except OSError:
        return "absent"
    return whole.hexdigest()[:16]


def _signals(header: bytes) -> list[str]:
    """Files that a WFDB header names: the first word of every line after the first; a name with a folder in it is left to the reader."""
    lines = [line for line in header.decode("utf-8", "replace").splitlines() if line.strip() and not line.startswith("#")]
    names = dict.fromkeys(line.split()[0] for line in lines[1:])
    return [name for name in names if "/" not in name and "\\" not in name and name != "~"]


def needed(path: Path, download: str, put: str) -> Path:
    """The path of a file of a public set. Raises `ConfigError` that says what to download and where to put it."""
    if not path.exists():
        raise ConfigError(f"{path}: is needed; download {download} and put it at {put}")
    return path
