"""Table formats under hypothesis: what can be written reads back, and whatever else is a typed error."""

import tempfile
from pathlib import Path
from string import printable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gem.ecg.io import read
from gem.ecg.lead import STANDARD
from gem.errors import ECGReadError

FIXED = settings(derandomize=True, deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
FS = 250.0


def put(folder: str, name: str, content: bytes) -> Path:
    path = Path(folder) / name
    path.write_bytes(content)
    return path


def typed(path: Path) -> None:
    """Reads, or is one `ECGReadError` that names the file."""
    try:
        recording = read(path, fs=FS, unit="mV")
    except ECGReadError as fault:
        assert fault.code in ECGReadError.CODES
        assert str(fault).startswith(str(path))
        assert fault.message.isprintable()
    else:
        assert recording.signal.ndim == 2
        assert not np.isinf(recording.signal).any()


@st.composite
def tables(draw: st.DrawFn) -> tuple[tuple[str, ...], np.ndarray]:
    """Some of the standard leads and [L, T] mV on a grid of 1 uV, one lead at least as large as a QRS."""
    leads = tuple(sorted(draw(st.sets(st.sampled_from(STANDARD), min_size=2)), key=STANDARD.index))
    samples = draw(st.integers(40, 90))
    steps = draw(hnp.arrays(np.int32, (len(leads), samples), elements=st.integers(-9000, 9000)))
    steps[:, 0], steps[:, 1] = 4001, -3999
    return leads, steps / 1000


@FIXED
@given(
    tables(),
    st.sampled_from([",", ";", "\t", " "]),
    st.booleans(),
    st.sampled_from(["none", "seconds", "ms", "index"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_spelling_of_a_table_gives_the_same_leads(
    table: tuple[tuple[str, ...], np.ndarray], separator: str, comma: bool, time: str, newline: str, encoding: str
) -> None:
    leads, x = table
    comma = comma and separator != ","
    names = [*{"none": [], "seconds": ["time"], "ms": ["time_ms"], "index": ["sample"]}[time], *leads]
    at = {"none": lambda k: [], "seconds": lambda k: [f"{k / FS:.4f}"], "ms": lambda k: [f"{k * 4}"], "index": lambda k: [f"{k}"]}[time]
    rows = [separator.join([*at(k), *(f"{v:.3f}" for v in column)]) for k, column in enumerate(x.T)]
    text = newline.join([separator.join(names), *(row.replace(".", ",") if comma else row for row in rows), ""])
    with tempfile.TemporaryDirectory() as folder:
        recording = read(put(folder, "r.csv", text.encode(encoding)), unit="mV", fs=FS)
    assert recording.fs == FS
    for lead, row in zip(leads, x, strict=True):
        np.testing.assert_allclose(recording.lead(lead), row, atol=1e-5)


@FIXED
@given(st.text(alphabet=printable, max_size=2000))
def test_any_text_reads_or_is_a_typed_error(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        typed(put(folder, "r.csv", text.encode()))


@FIXED
@given(st.lists(st.lists(st.sampled_from(["0", "1.5", "-2", "", "nan", "x", '"', "1e400", ",", "inf", "0,5"]), max_size=6), max_size=60))
def test_ragged_rows_read_or_are_a_typed_error(rows: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        typed(put(folder, "r.csv", "\n".join(";".join(row) for row in rows).encode()))


@FIXED
@given(
    st.sampled_from([b"\x93NUMPY", b"PK\x03\x04ecg.npy", b"PAR1", b"", b"SCPECG", b"0       ", b"ISHNE1.0", b"{"]), st.binary(max_size=600)
)
def test_any_bytes_after_a_signature_are_a_typed_error(signature: bytes, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        typed(put(folder, "r.bin", signature + content))


ARRAYS = hnp.arrays(
    st.one_of(
        hnp.floating_dtypes(), hnp.integer_dtypes(), hnp.boolean_dtypes(), hnp.unicode_string_dtypes(max_len=3), hnp.complex_number_dtypes()
    ),
    hnp.array_shapes(max_dims=4, max_side=40),
)


@FIXED
@given(ARRAYS)
def test_any_numpy_array_reads_or_is_a_typed_error(array: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "r.npy", array)
        typed(Path(folder) / "r.npy")
        np.savez(Path(folder) / "r.npz", ecg=array, fs=array, leads=array, unit=array)
        typed(Path(folder) / "r.npz")


@FIXED
@given(
    st.dictionaries(st.text(max_size=5), st.sampled_from(["int8", "float16", "float64", "string", "bool", "uint64"]), max_size=14),
    st.integers(0, 80),
)
def test_any_parquet_table_reads_or_is_a_typed_error(columns: dict[str, str], rows: int) -> None:
    made = {name: pa.array(np.arange(rows) % 100).cast(kind if kind != "bool" else "int8") for name, kind in columns.items()}
    made |= {name: pa.array([k % 2 == 0 for k in range(rows)]) for name, kind in columns.items() if kind == "bool"}
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(pa.table(made), Path(folder) / "r.parquet")
        typed(Path(folder) / "r.parquet")
