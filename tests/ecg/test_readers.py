"""One contract for all readers: the same recording through every format, and every fault a typed one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import wfdb

from gem.ecg.io import Reader, read, readers
from gem.ecg.lead import STANDARD
from gem.errors import ECGReadError
from tests.ecg.written import CLINICAL

FS = 500.0


def signal(samples: int = 2000) -> np.ndarray:
    """[12, T] mV with the limb identities exact, values on a grid of 1 uV."""
    rng = np.random.default_rng(3)
    one, two = np.round(np.cumsum(rng.normal(size=(2, samples)), axis=1) / 20, 3)
    chest = np.round(np.cumsum(rng.normal(size=(6, samples)), axis=1) / 20, 3)
    return np.stack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2, *chest])


def write_wfdb(folder: Path, fmt: str, x: np.ndarray) -> Path:
    wfdb.wrsamp(
        "r",
        fs=FS,
        units=["mV"] * 12,
        sig_name=[n.lower() for n in STANDARD],
        p_signal=x.T,
        fmt=[fmt] * 12,
        adc_gain=[1000.0 if fmt != "80" else 20.0] * 12,
        baseline=[0] * 12,
        comments=["Age: 61", "Sex: Female"],
        write_dir=str(folder),
    )
    return folder / "r.hea"


def write_flac(folder: Path, x: np.ndarray) -> Path:
    header = write_wfdb(folder, "16", x)
    text = header.read_text().splitlines()
    digital = np.round(x * 1000).astype(np.int16)
    for part, rows in (("a", slice(0, 8)), ("b", slice(8, 12))):
        soundfile.write(str(folder / f"r_{part}.flac"), digital[rows].T, int(FS), format="FLAC", subtype="PCM_16")
        (folder / f"r_{part}.flac").rename(folder / f"r_{part}.dat")
    for k in range(12):
        fields = text[1 + k].split()
        text[1 + k] = " ".join([f"r_{'a' if k < 8 else 'b'}.dat", "516", *fields[2:]])
    header.write_text("\n".join(text) + "\n")
    return header


def write_mat(folder: Path, x: np.ndarray) -> Path:
    """The Challenge's form: a MATLAB 4 matrix of int16 that the header reads as format 16 after 24 bytes."""
    digital = np.round(x * 1000).astype("<i2")
    head = np.array([30, 12, x.shape[1], 0, 4], dtype="<i4").tobytes() + b"val\x00"
    (folder / "r.mat").write_bytes(head + digital.T.tobytes())
    lines = [f"r 12 {FS:g} {x.shape[1]}"] + [f"r.mat 16+24 1000/mV 16 0 0 0 0 {name}" for name in STANDARD]
    (folder / "r.hea").write_text("\n".join([*lines, "#Age: 61", "#Sex: Female"]) + "\n")
    return folder / "r.mat"


def write_table(folder: Path, form: str, x: np.ndarray) -> Path:
    path = folder / f"r_{form}.csv"
    rows = x.T
    if form == "plain":
        path.write_text(",".join(STANDARD) + "\n" + "\n".join(",".join(f"{v:.4f}" for v in r) for r in rows) + "\n")
    elif form == "german":
        text = "Zeit;" + ";".join(f"{n} [mV]" for n in STANDARD) + "\n"
        text += "\n".join(";".join([f"{k / FS:.4f}", *(f"{v:.4f}" for v in r)]) for k, r in enumerate(rows)).replace(".", ",") + "\n"
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    elif form == "microvolts":
        text = "# fs=500\n# unit: uV\n" + "\t".join(STANDARD) + "\n" + "\n".join("\t".join(f"{v * 1000:.1f}" for v in r) for r in rows)
        path.write_text(text)
    elif form == "bare":
        path.write_text("\n".join(" ".join(f"{v:9.4f}" for v in r) for r in rows) + "\n")
    elif form == "milliseconds":
        text = "time_ms," + ",".join(STANDARD) + ",\n"
        path.write_text(text + "\n".join(",".join([f"{2 * k}", *(f"{v:.4f}" for v in r), ""]) for k, r in enumerate(rows)) + "\n")
    return path


def write_npz(folder: Path, x: np.ndarray) -> Path:
    np.savez(folder / "r.npz", ecg=x.T, fs=500, leads=np.array(STANDARD), unit=np.array("mV"))
    return folder / "r.npz"


def write_parquet(folder: Path, x: np.ndarray) -> Path:
    table = pa.table(dict(zip(STANDARD, x, strict=True))).replace_schema_metadata({"fs": "500", "units": "mV"})
    pq.write_table(table, folder / "r.parquet")
    return folder / "r.parquet"


WRITERS = {
    "wfdb16": lambda folder, x: write_wfdb(folder, "16", x),
    "wfdb212": lambda folder, x: write_wfdb(folder, "212", x),
    "wfdb80": lambda folder, x: write_wfdb(folder, "80", x),
    "wfdb_flac": write_flac,
    "challenge_mat": write_mat,
    "csv": lambda folder, x: write_table(folder, "plain", x),
    "csv_german": lambda folder, x: write_table(folder, "german", x),
    "tsv_uv": lambda folder, x: write_table(folder, "microvolts", x),
    "text_bare": lambda folder, x: write_table(folder, "bare", x),
    "csv_ms": lambda folder, x: write_table(folder, "milliseconds", x),
    "npy": lambda folder, x: (np.save(folder / "r_500Hz_mV.npy", x), folder / "r_500Hz_mV.npy")[1],
    "npz": write_npz,
    "parquet": write_parquet,
} | CLINICAL
RANGES = {"wfdb212": 1.9, "wfdb80": 5.0}
LSB = {"wfdb80": 0.05}
NEEDS_RATE = {"csv", "text_bare"}


@pytest.fixture(params=WRITERS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path, np.ndarray]:
    name = request.param
    x = signal()
    limit = RANGES.get(name)
    x = x if limit is None else np.clip(x, -limit, limit)
    return name, WRITERS[name](tmp_path, x), x


def options(name: str) -> dict[str, float]:
    return {"fs": FS} if name in NEEDS_RATE else {}


def test_every_format_gives_the_same_recording(case: tuple[str, Path, np.ndarray]) -> None:
    name, path, x = case
    recording = read(path, **options(name))
    assert recording.leads == STANDARD
    assert recording.fs == FS
    assert recording.history[0].startswith("read by ")
    np.testing.assert_allclose(recording.signal, x, atol=0.6 * LSB.get(name, 0.001))


def test_a_window_is_the_same_stretch_in_every_format(case: tuple[str, Path, np.ndarray]) -> None:
    name, path, _ = case
    whole, part = read(path, **options(name)), read(path, start_s=1.0, duration_s=1.5, **options(name))
    assert (part.start_s, part.duration_s, part.total_s) == (1.0, 1.5, 4.0)
    np.testing.assert_allclose(part.signal, whole.signal[:, 500:1250], atol=1e-6)
    with pytest.raises(ECGReadError) as fault:
        read(path, start_s=99.0, **options(name))
    assert fault.value.code == "no_signal"


@pytest.mark.parametrize("keep", [0.0, 0.02, 0.5, 0.97])
def test_a_cut_file_is_a_typed_error_or_less_signal_never_more(case: tuple[str, Path, np.ndarray], keep: float) -> None:
    name, path, x = case
    target = path if path.suffix != ".hea" else next(path.parent.glob("*.dat"))
    content = target.read_bytes()
    target.write_bytes(content[: int(keep * len(content))])
    try:
        recording = read(path, **options(name))
    except ECGReadError as fault:
        assert fault.code in ECGReadError.CODES
        assert str(path.parent) in str(fault)
    else:
        assert recording.samples <= x.shape[1]


def test_a_directory_a_missing_and_an_empty_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)) * 20)
    for name, code in (("", "not_a_file"), ("gone.hea", "not_found"), ("empty.csv", "empty"), ("noise.bin", "unknown_format")):
        with pytest.raises(ECGReadError) as fault:
            read(tmp_path / name)
        assert fault.value.code == code
    assert "Known: WFDB" in str(fault.value)


def header(tmp_path: Path, text: str) -> Path:
    (tmp_path / "r.dat").write_bytes(bytes(400))
    (tmp_path / "r.hea").write_text(text)
    return tmp_path / "r.hea"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("r 1 500 100\n/etc/hostname 16 200 16 0 0 0 0 I\n", "unsafe", "only a plain name"),
        ("r 1 500 100\n../r.dat 16 200 16 0 0 0 0 I\n", "unsafe", "only a plain name"),
        (
            "r 1 500 1000000000\nr.dat 16 200 16 0 0 0 0 I\n",
            "truncated",
            "declares 1000000000 samples a signal, but its signal files hold 200",
        ),
        ("r 1 0 100\nr.dat 16 200 16 0 0 0 0 I\n", "bad_rate", "sampling rate of 0 Hz"),
        ("r 1 16 100\nr.dat 16 200 16 0 0 0 0 I\n", "bad_rate", "16 Hz is too slow"),
        ("r 1 500 100\nr.dat 16 200/furlong 16 0 0 0 0 I\n", "bad_unit", "'furlong'"),
        ("r 1 500 100\nr.dat 99 200 16 0 0 0 0 I\n", "unsupported", "format 99"),
        ("r 2 500 100\nr.dat 16 200 16 0 0 0 0 I\n", "malformed", "declares 2 signals and describes 1"),
        ("r 2 500 100\nr.dat 16 200 16 0 0 0 0 I\nr.dat 16 200 16 0 0 0 0 i\n", "bad_leads", "lead I is there twice"),
        ("r/2 1 500 100\nr1 50\nr2 50\n", "unsupported", "several segments"),
        ("r 1 500 100\ngone.dat 16 200 16 0 0 0 0 I\n", "not_found", "gone.dat is not there"),
    ],
)
def test_a_header_that_lies_is_refused_before_anything_is_opened(tmp_path: Path, text: str, code: str, says: str) -> None:
    with pytest.raises(ECGReadError) as fault:
        read(header(tmp_path, text))
    assert (fault.value.code, says in str(fault.value)) == (code, True), str(fault.value)


def test_a_signal_file_that_links_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "secret"
    inside.mkdir()
    outside.write_bytes(bytes(400))
    (inside / "r.dat").symlink_to(outside)
    (inside / "r.hea").write_text("r 1 500 100\nr.dat 16 200 16 0 0 0 0 I\n")
    with pytest.raises(ECGReadError) as fault:
        read(inside / "r.hea")
    assert fault.value.code == "unsafe"


def test_content_decides_not_the_suffix(tmp_path: Path) -> None:
    path = write_parquet(tmp_path, signal())
    shutil.move(path, tmp_path / "r.csv")
    assert "read by parquet" in read(tmp_path / "r.csv").history[0]


def test_what_a_table_does_not_state_is_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", signal())
    np.save(tmp_path / "b.npy", np.round(signal() * 200).astype(np.int16))
    np.save(tmp_path / "c.npy", signal()[:5])
    for name, options_, code in (
        ("a", {}, "needs_rate"),
        ("b", {"fs": FS}, "needs_unit"),
        ("c", {"fs": FS, "unit": "mV"}, "bad_leads"),
        ("c", {"fs": FS, "unit": "mV", "leads": ("I",)}, "bad_leads"),
        ("a", {"fs": FS, "unit": "apples"}, "bad_unit"),
    ):
        with pytest.raises(ECGReadError) as fault:
            read(tmp_path / f"{name}.npy", **options_)
        assert fault.value.code == code
    found = read(tmp_path / "a.npy", fs=FS)
    assert "no unit in the file" in found.history[2]
    assert read(tmp_path / "c.npy", fs=FS, unit="mV", leads=("V1", "V2", "V3", "V4", "V5")).leads == ("V1", "V2", "V3", "V4", "V5")


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "p.npy"
    np.save(path, np.array([{"a": 1}, {"b": 2}], dtype=object), allow_pickle=True)
    with pytest.raises(ECGReadError) as fault:
        read(path, fs=FS)
    assert fault.value.code == "unsafe"


def test_infinite_samples_are_missing_ones_and_a_signal_of_none_is_refused(tmp_path: Path) -> None:
    x = signal().astype(np.float32)
    x[0, :7] = np.inf
    np.save(tmp_path / "x_mV.npy", x)
    recording = read(tmp_path / "x_mV.npy", fs=FS)
    assert np.isnan(recording.lead("I")[:7]).all()
    assert "7 infinite samples taken as missing" in recording.history
    np.save(tmp_path / "n_mV.npy", np.full((12, 5000), np.nan))
    with pytest.raises(ECGReadError) as fault:
        read(tmp_path / "n_mV.npy", fs=FS)
    assert fault.value.code == "no_signal"


def test_a_reader_can_be_added_from_outside(tmp_path: Path) -> None:
    """An installed package with an entry point of group gem.readers is asked like our own."""
    package = tmp_path / "site"
    (package / "toy").mkdir(parents=True)
    (package / "toy" / "__init__.py").write_text(
        "import numpy as np\nfrom gem.ecg.io import Reader\nfrom gem.ecg.recording import Recording\n"
        "def read(path, asked):\n    return Recording(np.ones((1, 500)), 100.0, ('I',), str(path))\n"
        "READER = Reader('toy', 'Toy files', lambda path, head: 'toy magic' if head.startswith(b'TOY') else None, read)\n"
    )
    info = package / "toy-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[gem.readers]\ntoy = toy:READER\n")
    (tmp_path / "x.toy").write_bytes(b"TOY")
    code = f"from gem.ecg.io import read; r = read({str(tmp_path / 'x.toy')!r}); print(r.fs, r.leads, r.history[0])"
    out = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(package)}
    ).stdout
    assert out.strip() == "100.0 ('I',) read by toy: toy magic"


def test_names_of_readers_are_unique() -> None:
    names = [reader.name for reader in readers()]
    assert len(names) == len(set(names))
    assert all(isinstance(reader, Reader) for reader in readers())
