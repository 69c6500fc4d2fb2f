"""Beat-level features of a whole corpus: one row a record, in Parquet shards (the kind MEETI has, with quality).

Columns: id, source, error (why a record was not measured, else null), fs, duration_s, age, sex, quality, quality_reasons, engine,
rhythm, regular, p_per_qrs, beat_kinds; every measurement over all leads by its name, with NAME_sd and NAME_doubt where these can
be; every measurement of a lead as NAME_LEAD; the 14 beat sequences as lists NAME_LEAD_beats. Absent numbers are null.
"""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gem.ecg.io import read
from gem.ecg.lead import STANDARD
from gem.errors import ConfigError, GemError
from gem.files import writing_whole
from gem.measure.measure import measure_recording
from gem.measure.measurement import SEQUENCES, Measurements
from gem.runner import Shard

FEATURES = "gem.features/1"
PER_SHARD = 64
OVER_ALL = (
    "heart_rate", "rr_interval", "p_duration", "pr_interval", "qrs_duration", "qt_interval", "qtc_bazett", "qtc_fridericia",
    "qtc_framingham", "qtc_hodges", "p_axis", "qrs_axis", "t_axis", "sokolow_lyon", "cornell", "rvh_voltage", "limb_voltage",
    "chest_voltage", "qrs_lead_median", "delta_time",
)  # fmt: skip
DOUBTED = ("p_duration", "pr_interval", "qrs_duration", "qt_interval")
PER_LEAD = (
    "p_amplitude", "q_amplitude", "q_duration", "r_amplitude", "s_amplitude", "r_prime_amplitude", "qrs_duration", "pr_interval",
    "qt_interval", "r_peak_time", "st_j", "st_j60", "t_amplitude",
)  # fmt: skip
_LIST_SUFFIXES = (".txt", ".lst", ".list")
_RECORDS = (".hea", ".csv", ".npy", ".npz", ".parquet", ".dcm", ".scp", ".edf", ".bdf", ".ecg", ".xml")


def items_of(names: list[str]) -> list[str]:
    """What a list of names stands for, one JSON object {"path", "age", "sex"} an item.

    A folder is every record below it; a .txt file is one path a line; a .csv with a column `path` is one record a row, its columns
    `age` and `sex` are used where they are there, paths are beside the file. Anything else is a record itself. Raises `ConfigError`.
    """
    found: list[dict[str, Any]] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            found += [{"path": str(p)} for p in sorted(path.rglob("*")) if p.suffix.lower() in _RECORDS]
        elif path.suffix.lower() in _LIST_SUFFIXES and path.is_file():
            lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
            found += [{"path": str(path.parent / line)} for line in lines if line and not line.startswith("#")]
        elif path.suffix.lower() == ".csv" and path.is_file() and (rows := _rows(path)) is not None:
            found += rows
        else:
            found.append({"path": name})
    if not found:
        raise ConfigError(f"{', '.join(names)}: no records there")
    return [json.dumps(row) for row in found]


def _rows(path: Path) -> list[dict[str, Any]] | None:
    """The rows of a CSV that lists records, or None when it has no column `path`."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        try:
            if "path" not in (reader.fieldnames or []):
                return None
        except (csv.Error, UnicodeDecodeError):
            return None
        out = []
        for row in reader:
            item: dict[str, Any] = {"path": str(path.parent / row["path"])}
            try:
                age = float(row.get("age") or "nan")
                item |= {"age": age} if 0 <= age <= 120 else {}
            except ValueError:
                pass
            sex = {"f": "female", "m": "male"}.get((row.get("sex") or "").strip().lower()[:1])
            out.append(item | ({"sex": sex} if sex else {}))
        return out


def row_of(item: str, engine: str = "gem", second: bool = False, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The row of one record; a record that cannot be measured is a row with its reason.

    engine, second  as in `measure_recording`
    known           what `read` is told of every file (fs, unit, leads, start_s, duration_s, age, sex); the list's own age and sex first
    """
    asked = json.loads(item)
    base: dict[str, Any] = {"id": Path(asked["path"]).stem, "source": asked["path"], "error": None}
    try:
        recording = read(**(dict(known or {}) | asked))
        return base | features(measure_recording(recording, engine=engine, second=second))
    except GemError as fault:
        return base | {"error": f"{fault.code}: {fault}"}


def features(m: Measurements) -> dict[str, Any]:
    """The columns of one recording, but for id, source and error."""
    out: dict[str, Any] = {
        "fs": m.fs,
        "duration_s": m.duration_s,
        "age": m.age,
        "sex": m.sex,
        "quality": m.quality.overall,
        "quality_reasons": list(m.quality.reasons),
        "engine": m.delineation.engine,
        "rhythm": m.rhythm.name,
        "regular": m.rhythm.regular,
        "p_per_qrs": m.rhythm.p_per_qrs,
        "beat_kinds": list(m.kinds),
    }
    out |= {name: m.of_all[name].value for name in OVER_ALL}
    out |= {f"{name}_sd": m.of_all[name].sd for name in DOUBTED} | {f"{name}_doubt": m.of_all[name].doubt for name in DOUBTED}
    for lead, named in m.per_lead.items():
        if lead in STANDARD:
            out |= {f"{name}_{lead}": named[name].value for name in PER_LEAD if name in named}
    for k, lead in enumerate(m.delineation.leads):
        if lead in STANDARD:
            for name, rows in m.sequences.items():
                out[f"{name}_{lead}_beats"] = _plain(rows[k])
    return out


def _plain(row: np.ndarray) -> list[Any]:
    if row.dtype.kind == "U":
        return [text or None for text in row.tolist()]
    return [value if value == value else None for value in row.tolist()]


def write_shard(shard: Shard, engine: str = "gem", second: bool = False, known: Mapping[str, Any] | None = None) -> None:
    """Measure the records of a shard and write its Parquet file, whole or not at all; the rest as in `row_of`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [row_of(item, engine, second, known) for item in shard.items]
    names = schema()
    table = pa.Table.from_pylist([{name: row.get(name) for name in names.names} for row in rows], schema=names)
    with writing_whole(shard.path) as stream:
        pq.write_table(table, stream, compression="zstd")


def count_rows(shards: list[Shard]) -> tuple[int, int]:
    """Rows in the shards that are there, and how many of them are records that could not be measured."""
    import pyarrow.parquet as pq

    errors = [pq.read_table(shard.path, columns=["error"]).column("error") for shard in shards]
    return sum(len(column) for column in errors), sum(len(column) - column.null_count for column in errors)


def schema() -> Any:
    """The Arrow schema of a shard."""
    import pyarrow as pa

    number, text = pa.float32(), pa.string()
    fields = [("id", text), ("source", text), ("error", text), ("fs", number), ("duration_s", number), ("age", number), ("sex", text)]
    fields += [("quality", text), ("quality_reasons", pa.list_(text)), ("engine", text), ("rhythm", text), ("regular", pa.bool_())]
    fields += [("p_per_qrs", number), ("beat_kinds", pa.list_(text))]
    fields += [(name, number) for name in OVER_ALL]
    fields += [(f"{name}_sd", number) for name in DOUBTED] + [(f"{name}_doubt", text) for name in DOUBTED]
    fields += [(f"{name}_{lead}", number) for lead in STANDARD for name in PER_LEAD]
    fields += [(f"{name}_{lead}_beats", pa.list_(number if unit else text)) for lead in STANDARD for name, unit in SEQUENCES.items()]
    return pa.schema(fields)
