"""One patient-level split over PTB-XL, ECG-QA and the benchmarks, and the check that nothing leaks.

PTB-XL's fold 10 is the test and fold 9 the validation (Wagner et al. 2020). ECG-QA has a split of its own that ignores the
folds, so the patients of its valid and test ECGs are held out of folds 1 to 8: they are trained on by nobody. Corpora that
the benchmarks test out of domain (CPSC 2018, Georgia, Chapman-Shaoxing-Ningbo) are test, all of them. The others are split
by a hash of the patient, 90 : 5 : 5. A patient stands in one split only, the strictest that any of his records asks for.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_gen.corpora.record import Record
from gem.conversation import Split
from gem.errors import ConfigError, GemError

OUT_OF_DOMAIN = ("cpsc2018", "georgia", "csn")
STRICTEST_FIRST: tuple[Split, ...] = ("test", "valid", "held out", "train")
_SHARES: tuple[tuple[Split, float], ...] = (("test", 0.05), ("valid", 0.10), ("train", 1.0))
"""Cumulative shares of the patients of a corpus without a split of its own."""


class LeakError(GemError):
    """A patient in two splits, or a test patient in training."""

    code = "leak"


@dataclass(frozen=True)
class EcgQa:
    """Which PTB-XL recordings (numbers) ECG-QA trains, validates and tests on."""

    train: frozenset[int] = frozenset()
    valid: frozenset[int] = frozenset()
    test: frozenset[int] = frozenset()

    @classmethod
    def read(cls, folder: Path) -> "EcgQa":
        """From {train,valid,test}_ecgs.tsv (index, ecg_id). Raises `ConfigError`."""
        lists = {}
        for name in ("train", "valid", "test"):
            path = folder / f"{name}_ecgs.tsv"
            if not path.is_file():
                raise ConfigError(f"{path}: not there; ECG-QA's folder holds train_ecgs.tsv, valid_ecgs.tsv and test_ecgs.tsv")
            try:
                lists[name] = frozenset(int(line.split()[-1]) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
            except ValueError as fault:
                raise ConfigError(f"{path}: lines of two numbers (index, ecg_id) are needed ({fault})") from fault
        return cls(**lists)

    def of(self, record: Record) -> str | None:
        """ "train", "valid" or "test" when ECG-QA asks about the recording."""
        if record.corpus != "ptbxl":
            return None
        number = int(record.id.rpartition("/")[2].split("_")[0])
        return next((name for name in ("test", "valid", "train") if number in getattr(self, name)), None)


def assigned(records: Sequence[Record], ecgqa: EcgQa, seed: int = 0) -> list[Record]:
    """The same records, each with its split. Raises `LeakError` when they leak all the same."""
    wanted: dict[str, Split] = {}
    for record in records:
        split = _alone(record, ecgqa, seed)
        before = wanted.get(record.patient, split)
        wanted[record.patient] = min(split, before, key=STRICTEST_FIRST.index)
    out = [record.model_copy(update={"split": wanted[record.patient]}) for record in records]
    check(out, ecgqa)
    return out


def _alone(record: Record, ecgqa: EcgQa, seed: int) -> Split:
    """The split that one record asks for."""
    if record.corpus in OUT_OF_DOMAIN:
        return "test"
    if record.fold is None:
        place = int.from_bytes(hashlib.sha256(f"{seed} {record.patient}".encode()).digest()[:8], "big") / 2**64
        return next(split for split, share in _SHARES if place < share)
    if record.fold in (9, 10):
        return "valid" if record.fold == 9 else "test"
    return "held out" if ecgqa.of(record) in ("valid", "test") else "train"


def check(records: Iterable[Record], ecgqa: EcgQa) -> None:
    """Raises `LeakError`: a patient in two splits, or one that a test asks about in training."""
    where: dict[str, Split | None] = {}
    faults = []
    for record in records:
        before = where.setdefault(record.patient, record.split)
        if before != record.split:
            faults.append(f"patient {record.patient} is in {before} and in {record.split} ({record.id})")
        if record.split == "train" and record.fold in (9, 10):
            faults.append(f"{record.id} of fold {record.fold} is in train")
        if record.split == "train" and ecgqa.of(record) in ("valid", "test"):
            faults.append(f"{record.id} is in train, but ECG-QA's {ecgqa.of(record)} asks about it")
        if record.split == "train" and record.corpus in OUT_OF_DOMAIN:
            faults.append(f"{record.id} is in train, but {record.corpus} is tested out of domain")
    if faults:
        raise LeakError(f"the split leaks in {len(faults)} places: {'; '.join(faults[:5])}")


def report(records: Sequence[Record], ecgqa: EcgQa) -> dict[str, Mapping[str, int]]:
    """Records and patients of each split, and how many of them ECG-QA asks about."""
    out: dict[str, Mapping[str, int]] = {}
    for split in STRICTEST_FIRST:
        mine = [record for record in records if record.split == split]
        asked = {f"ECG-QA {name}": sum(ecgqa.of(record) == name for record in mine) for name in ("train", "valid", "test")}
        folds = {"fold 9": sum(r.fold == 9 for r in mine), "fold 10": sum(r.fold == 10 for r in mine)}
        out[split] = {"records": len(mine), "patients": len({record.patient for record in mine})} | asked | folds
    return out
