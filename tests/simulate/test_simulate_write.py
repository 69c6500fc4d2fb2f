"""Files that come back as they were, or are not written at all."""

import json
from pathlib import Path

import numpy as np
import pytest

import gem
from gem.errors import ConfigError
from gem.simulate import Truth, simulate_recording, write_simulated


@pytest.mark.parametrize("words", ["normal", "paced_dual noise.muscle=10", "noisy", "low_voltage fs=1000 duration_s=4"])
def test_what_was_written_is_read_back(tmp_path: Path, words: str) -> None:
    made = simulate_recording(words)
    header, data, truth = write_simulated(made, tmp_path / "rec_1")
    assert (
        {path.name for path in tmp_path.iterdir()} == {header.name, data.name, truth.name} == {"rec_1.hea", "rec_1.dat", "rec_1.truth.json"}
    )
    back = gem.read(header)
    # gain 2000 per mV: half an LSB is 0.25 uV
    np.testing.assert_allclose(back.signal, made.recording.signal, atol=0.00025)
    assert (back.leads, back.fs, back.age, back.sex) == (made.recording.leads, made.recording.fs, made.recording.age, made.recording.sex)
    assert Truth.from_json(json.loads(truth.read_text())).findings == made.truth.findings


def test_checksums_and_first_values_are_those_of_the_format(tmp_path: Path) -> None:
    made = simulate_recording("normal")
    header, data, _ = write_simulated(made, tmp_path / "x")
    steps = np.fromfile(data, "<i2").reshape(-1, 12)
    for line, column in zip(header.read_text().splitlines()[1:13], steps.T, strict=True):
        fields = line.split()
        assert int(fields[5]) == column[0]
        assert (int(fields[6]) - int(column.astype(np.int64).sum())) % 2**16 == 0


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    write_simulated(simulate_recording("normal"), tmp_path / "x")
    before = (tmp_path / "x.dat").read_bytes()
    with pytest.raises(ConfigError, match=r"x\.hea.*exists"):
        write_simulated(simulate_recording("lbbb"), tmp_path / "x.hea")
    assert (tmp_path / "x.dat").read_bytes() == before
    write_simulated(simulate_recording("lbbb"), tmp_path / "x", overwrite=True)
    assert (tmp_path / "x.dat").read_bytes() != before


@pytest.mark.parametrize("name", ["a b", "ä", ".hidden", "x.y"])
def test_a_name_that_wfdb_does_not_allow_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name"):
        write_simulated(simulate_recording("normal"), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        write_simulated(simulate_recording("normal"), tmp_path / "none" / "x")
