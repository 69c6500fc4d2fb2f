"""Corpora -> records: one function reads a folder, one opens a recording of it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from data_gen.corpora import challenge, others, ptbxl
from data_gen.corpora.record import Record
from gem.ecg.filter import resample
from gem.ecg.io import read
from gem.ecg.recording import Recording

FS = 500.0
WINDOW_S = 10.0
"""Longer recordings (PTB's minutes) are read from their beginning."""

READERS: dict[str, Callable[[Path, Path], Iterator[Record]]] = {
    "ptbxl": ptbxl.records,
    "mimic": others.mimic,
    "code15": others.code15,
    "ludb": others.ludb,
    "ptb": others.ptb,
    "cpsc2018": partial(challenge.records, corpus="cpsc2018"),
    "georgia": partial(challenge.records, corpus="georgia"),
    "csn": partial(challenge.records, corpus="csn"),
}

COVERS: dict[str, frozenset[str]] = {
    "ptbxl": ptbxl.COVERS,
    "mimic": others.MIMIC_COVERS,
    "code15": others.CODE15_COVERS,
    "ludb": others.LUDB_COVERS,
    "ptb": others.PTB_COVERS,
    "cpsc2018": challenge.CPSC_COVERS,
    "georgia": challenge.GEORGIA_COVERS,
    "csn": challenge.CSN_COVERS,
}
"""Findings that a corpus's labels speak of: where a label is not given, it is denied."""


def open_record(record: Record, base: Path) -> Recording:
    """The recording of a record, its own age and sex on it; CODE-15 % resampled to 500 Hz. Raises `ECGReadError`."""
    if record.row is not None:
        from data_gen.corpora.hdf5 import read_row

        return resample(read_row(base / record.path, record.row, record.age, record.sex), FS)
    return read(base / record.path, age=record.age, sex=record.sex, duration_s=WINDOW_S)
