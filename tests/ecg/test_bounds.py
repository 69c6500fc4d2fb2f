"""The largest files that the caps let through: each stays below 1 GiB and 20 s, in a process of its own."""

import base64
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from gem.ecg.io.reader import TEXT_CAP_BYTES, WHOLE_CAP_BYTES
from tests.ecg import written as w

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]

READ = """
import json, sys, time
from gem.ecg.io import read
from gem.errors import ECGReadError
from tests.ecg.peak import peak_mb
begin = time.perf_counter()
try:
    said = str(read(sys.argv[1], fs=500, unit="mV").samples)
except ECGReadError as fault:
    said = fault.code
print(json.dumps([said, time.perf_counter() - begin, peak_mb()]))
"""


def noise(samples: int) -> np.ndarray:
    return np.round(np.random.default_rng(1).normal(size=(12, samples)), 3)


def xml(folder: Path, written: Callable[[Path, np.ndarray], Path]) -> Path:
    """A file of about 20 MB through the writer of its format."""
    size = written(folder, noise(1000)).stat().st_size
    return written(folder, noise(int(1000 * (TEXT_CAP_BYTES * 0.97) / size)))


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def many_lists(folder: Path) -> Path:
    body = b'{"resourceType": "Observation", "component": [' + b"{}," * ((TEXT_CAP_BYTES - 200) // 3) + b"{}]}"
    return put(folder / "r.json", body)


def many_elements(folder: Path) -> Path:
    root = b"<RestingECG>" + b"<LeadData/>" * 190_000
    return put(folder / "r.xml", root + b"<x>" + b"y" * (TEXT_CAP_BYTES - len(root) - 100) + b"</x></RestingECG>")


def dicom(folder: Path, deflated: bool) -> Path:
    samples = (WHOLE_CAP_BYTES - 200_000) // 24
    syntax = DeflatedExplicitVRLittleEndian if deflated else ExplicitVRLittleEndian
    return w.save_dicom(folder / "r.dcm", w.dicom_dataset(np.zeros((12, samples)) if deflated else noise(samples)), syntax)


def huffman(folder: Path) -> Path:
    """As many coded bytes as are decoded, one bit a sample, and as many samples as are declared."""
    rows = [np.zeros(500_000, np.int64)] * 8
    sections = {2: w.DEFAULT_TABLE, 3: w.scp_leads(500_000), 6: w.scp_samples(rows, w.default_bits, 2)}
    return put(folder / "r.scp", w.scp_file(sections))


def blanks(folder: Path) -> Path:
    row = b"1 2  3   4 5 6 7 8 9 1 2 3 \n"
    return put(folder / "r_mV.txt", row * ((TEXT_CAP_BYTES - 100) // len(row)))


def constant_csv(folder: Path) -> Path:
    """4 million rows of 12 columns."""
    return put(
        folder / "r_mV.csv", ",".join(w.STANDARD).encode() + b"\n" + b"0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1.0,1.1,1.2\n" * 4_000_000
    )


def holter(folder: Path) -> Path:
    return w.ishne(folder, np.zeros((12, 8_000_000)))


def apple(folder: Path) -> Path:
    head = w.apple(folder, noise(10)[0]).read_bytes()
    return put(folder / "r.csv", head + b"1\n" * (((4 << 20) - len(head)) // 2))


def lzw_that_repeats(folder: Path) -> Path:
    block = struct.pack("<ihh", 220_000, 0, 0) + b"\0" * 220_000
    content = base64.b64encode(block * 12)
    text = b'<restingecgdata><parsedwaveforms compression="XLI" numberofleads="12" leadlabels="I II III aVR aVL aVF V1 V2 V3 V4 V5 V6" '
    text += b'durationperchannel="60000" samplespersecond="1400" resolution="5">'
    return put(folder / "r.xml", text + content[: TEXT_CAP_BYTES - 1000] + b"</parsedwaveforms></restingecgdata>")


def row_group(folder: Path) -> Path:
    """One row group of 240 MB, in pages as large as a writer makes them."""
    table = pa.table({name: pa.array(np.zeros(30_000_000, np.float32)) for name in ("I", "II")})
    pq.write_table(table, folder / "r.parquet", row_group_size=30_000_000, data_page_size=1 << 30, use_dictionary=False, compression="zstd")
    return folder / "r.parquet"


CASES: dict[str, Callable[[Path], Path]] = {
    "aecg": lambda folder: xml(folder, w.aecg),
    "muse": lambda folder: xml(folder, w.muse),
    "fhir": lambda folder: xml(folder, w.fhir),
    "many_lists": many_lists,
    "many_elements": many_elements,
    "dicom": lambda folder: dicom(folder, False),
    "dicom_deflated": lambda folder: dicom(folder, True),
    "huffman": huffman,
    "blanks": blanks,
    "constant_csv": constant_csv,
    "holter": holter,
    "apple": apple,
    "row_group": row_group,
    "lzw": lzw_that_repeats,
}


@pytest.mark.parametrize("name", CASES)
def test_the_largest_file_that_is_let_through_stays_in_bounds(name: str, tmp_path: Path) -> None:
    path = CASES[name](tmp_path)
    ran = subprocess.run([sys.executable, "-c", READ, str(path)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    said, seconds, peak_mb = json.loads(ran.stdout)
    print(f"{name}: {path.stat().st_size / 1e6:.1f} MB, {said}, {seconds:.1f} s, {peak_mb:.0f} MB")
    assert seconds < 20
    assert peak_mb < 1024
