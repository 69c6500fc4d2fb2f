"""Parquet: a column a lead; rate and unit in the schema's metadata, a time column, or asked."""

from pathlib import Path
from typing import Any

import numpy as np

from gem.ecg.io.reader import FILE_CAP_BYTES, Asked, Reader
from gem.ecg.io.table import MOST_COLUMNS, Table, rate_of, split_time, to_recording
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_RATE_KEYS = (b"fs", b"sampling_rate", b"sample_rate", b"sampling_frequency")
_UNIT_KEYS = (b"unit", b"units")
_LARGEST_GROUP = 256 << 20
"""Bytes of one row group, unpacked: Arrow decodes group by group."""


def _sniff(path: Path, head: bytes) -> str | None:
    return "Parquet signature" if head.startswith(b"PAR1") else None


def _read(path: Path, asked: Asked) -> Recording:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.stat().st_size > FILE_CAP_BYTES:
        raise ECGReadError(path, f"is over {FILE_CAP_BYTES / 1e9:.1f} GB, which is the most that is read", "too_large")
    try:
        with pq.ParquetFile(path) as file:
            schema, total = file.schema_arrow, file.metadata.num_rows
            columns = [f.name for f in schema if pa.types.is_floating(f.type) or pa.types.is_integer(f.type)]
            largest = max((file.metadata.row_group(k).total_byte_size for k in range(file.metadata.num_row_groups)), default=0)
            if largest > _LARGEST_GROUP:
                raise ECGReadError(path, f"has a row group of {largest / 1e6:.0f} MB; write smaller ones", "too_large")
            if not 1 <= len(columns) <= MOST_COLUMNS or total == 0:
                raise ECGReadError(path, f"holds {len(columns)} numeric columns and {total} rows; a column a lead is needed", "no_signal")
            head = next(file.iter_batches(batch_size=min(total, 1000), columns=columns))
            time, time_rate = split_time(tuple(columns), _matrix(head))
            fs = rate_of(path, _number(_stated(schema.metadata, _RATE_KEYS)) or time_rate, asked)
            first, last = asked.window(path, total, fs, len(columns))
            if time is not None:
                columns.pop(time)
            signal = _stretch(file, columns, first, last)
    except ECGReadError:
        raise
    except Exception as fault:  # Arrow raises its own faults, and what decoding names in a damaged schema runs into
        raise ECGReadError(path, f"not readable Parquet ({str(fault)[:100]})", "malformed") from fault
    table = Table(signal, tuple(columns), fs, _stated(schema.metadata, _UNIT_KEYS), first, total)
    return to_recording(path, table, fs, asked)


def _matrix(batch: Any) -> np.ndarray:
    """An Arrow record batch as [columns, rows]; its nulls as NaN."""
    return np.stack([np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64) for column in batch.columns])


def _stretch(file: Any, columns: list[str], first: int, last: int) -> np.ndarray:
    """Rows first to last of `columns` as [C, last - first], read batch by batch."""
    parts, at = [], 0
    for batch in file.iter_batches(batch_size=65_536, columns=columns):
        begin, end = max(first - at, 0), min(last - at, batch.num_rows)
        if begin < end:
            parts.append(_matrix(batch.slice(begin, end - begin)))
        at += batch.num_rows
        if at >= last:
            break
    return np.concatenate(parts, axis=1)


def _stated(metadata: dict[bytes, bytes] | None, keys: tuple[bytes, ...]) -> str | None:
    lowered = {key.lower(): value for key, value in (metadata or {}).items()}
    return next((lowered[key].decode("utf-8", "replace") for key in keys if key in lowered), None)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


READER = Reader("parquet", "Parquet (a column a lead)", _sniff, _read)
