"""One line of records.jsonl: where a recording lies, whose it is, what was said of it, and what may be done with it."""

from collections.abc import Mapping
from pathlib import Path

from gem.config import Config
from gem.conversation import DataClass, Origin, Split
from gem.errors import ConfigError


class Record(Config):
    """One recording of a corpus.

    id          corpus and name, unique over all corpora
    path        of its file, below the data folder
    row         which recording of an HDF5 file, else None
    patient     "corpus/number"; the recording itself where the corpus does not say
    fold        PTB-XL's fold, else None
    codes       what the corpus says of it, in its own codes, each with the findings that would bear it out ((): none is known here)
    classes     the classes of the codes, where the corpus gives them (PTB-XL's diagnostic superclasses)
    complete    all codes are listed; else only some, and a code that is not there says nothing
    normal      whether it is called a normal ECG, None where nothing is said
    report      as it was written; `english` a translation or the same, "" where none is known
    author      of the codes and the report
    """

    id: str
    corpus: str
    path: str
    row: int | None = None
    patient: str
    fold: int | None = None
    age: float | None = None
    sex: str | None = None
    codes: Mapping[str, tuple[str, ...]] = {}
    classes: tuple[str, ...] = ()
    complete: bool = True
    normal: bool | None = None
    report: str = ""
    english: str = ""
    author: Origin
    licence: str
    data_class: DataClass
    split: Split | None = None

    @property
    def said(self) -> frozenset[str]:
        """Findings that some code of the record would be borne out by."""
        return frozenset(key for keys in self.codes.values() for key in keys)


def needed(path: Path, what: str) -> Path:
    """`path` when it is there. Raises `ConfigError` that says what the corpus lacks."""
    if not path.exists():
        raise ConfigError(f"{path}: not there; {what}")
    return path


def age_of(text: str | float | None) -> float | None:
    """Years, or None: no number, or PTB-XL's 300 for patients older than 89 (Wagner et al. 2020)."""
    try:
        age = float(text or "nan")
    except ValueError:
        return None
    return age if 0 <= age <= 120 else None


def sex_of(text: str | None) -> str | None:
    """ "female", "male" or None."""
    return {"f": "female", "m": "male"}.get((text or "").strip()[:1].lower())
