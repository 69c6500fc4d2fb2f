"""The targets of `fuzz.py` hold on damaged files, with and without atheris."""

import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.ecg.fuzz import TARGETS
from tests.ecg.mutate import damaged, ecg, seeds

SEED_OF = {"scp": "scp_huffman", "philips": "philips_xli", "fhir": "fhir_r4", "huffman": "scp_tables", "wfdb": "wfdb16"}


def seed(name: str, folder: Path) -> bytes:
    return seeds()[SEED_OF.get(name, name)](folder, ecg(400)).read_bytes()


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_raises_nothing_on_damaged_files(name: str, tmp_path: Path) -> None:
    whole, rng = seed(name, tmp_path), random.Random(11)
    TARGETS[name](whole)
    for _ in range(40):
        TARGETS[name](damaged(whole, rng))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed: pip install -c constraints.txt -e .[fuzz]")
@pytest.mark.parametrize("name", TARGETS)
def test_a_minute_of_atheris_finds_nothing(name: str, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "seed").write_bytes(seed(name, tmp_path))
    command = [
        sys.executable,
        "-m",
        "tests.ecg.fuzz",
        name,
        "-max_total_time=60",
        "-max_len=200000",
        f"-artifact_prefix={tmp_path}/",
        str(corpus),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert ran.returncode == 0, ran.stderr[-2000:]
