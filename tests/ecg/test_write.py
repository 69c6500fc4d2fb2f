"""What is written reads back as the same recording, or is refused."""

from pathlib import Path

import numpy as np
import pytest

from gem.ecg.io import read
from gem.ecg.io.write import WRITERS, write_recording
from gem.ecg.lead import STANDARD
from gem.ecg.recording import Recording
from gem.errors import ConfigError
from tests.ecg.test_readers import signal

X = signal(5000)


def recording(x: np.ndarray = X, fs: float = 500.0, leads: tuple[str, ...] = STANDARD) -> Recording:
    return Recording(x, fs, leads, "made", ("made by hand",), age=61, sex="female")


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_recording_reads_back_as_it_was_written(tmp_path: Path, suffix: str) -> None:
    files = write_recording(recording(), tmp_path / f"r{suffix}")
    back = read(tmp_path / f"r{suffix}")
    assert (back.leads, back.fs, back.samples) == (STANDARD, 500.0, 5000)
    np.testing.assert_allclose(back.signal, X, atol=0.00026)
    if suffix != ".csv":
        assert back.sex == "female"
    assert sorted(tmp_path.iterdir()) == sorted(files)


def test_an_edf_file_holds_exactly_the_samples_of_any_length(tmp_path: Path) -> None:
    for samples in (4999, 4750, 1501):
        write_recording(recording(X[:, :samples]), tmp_path / "r.edf", overwrite=True)
        back = read(tmp_path / "r.edf")
        assert back.samples == samples
        np.testing.assert_allclose(back.signal, X[:, :samples], atol=0.00026)


@pytest.mark.parametrize("suffix", [".hea", ".csv", ".dcm"])
def test_samples_missing_at_the_end_of_a_lead_stay_missing(tmp_path: Path, suffix: str) -> None:
    x = X.copy()
    x[6, 4000:] = np.nan
    write_recording(recording(x), tmp_path / f"r{suffix}")
    back = read(tmp_path / f"r{suffix}")
    np.testing.assert_array_equal(np.isnan(back.signal), np.isnan(x))


@pytest.mark.parametrize("suffix", [".hea", ".csv", ".dcm"])
def test_other_rates_and_leads_and_large_signals_keep_their_place(tmp_path: Path, suffix: str) -> None:
    x = np.stack([X[0] * 20, X[7]])
    write_recording(recording(x, 513.625, ("I", "V2")), tmp_path / f"r{suffix}")
    back = read(tmp_path / f"r{suffix}")
    assert back.fs == pytest.approx(513.625, abs=1e-4)
    np.testing.assert_allclose(back.signal, x, atol=0.006)


def test_what_a_format_cannot_hold_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    gap = X.copy()
    gap[0, 10:20] = np.nan
    for made, name, says in (
        (recording(gap), "r.edf", "no mark for missing samples"),
        (recording(gap), "r.dcm", "missing inside a lead"),
        (recording(fs=513.625), "r.edf", "needs a whole rate"),
        (recording(X[:, :4999], fs=300), "r.edf", "do not divide"),
        (recording(X * 1e4), "r.hea", "do not fit into 16 bits"),
        (recording(), "r.xyz", "choose one of .hea"),
        (recording(), "a b.hea", "cannot name a WFDB record"),
        (recording(), "no/such/r.csv", "no such folder"),
    ):
        with pytest.raises(ConfigError, match=says):
            write_recording(made, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over_another_file_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "r.dat").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        write_recording(recording(), tmp_path / "r.hea")
    assert (tmp_path / "r.dat").read_text() == "mine"
    assert not (tmp_path / "r.hea").exists()
    write_recording(recording(), tmp_path / "r.hea", overwrite=True)
    assert read(tmp_path / "r.hea").samples == 5000
