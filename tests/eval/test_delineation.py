"""Delineation against readers: matching and intervals by construction, and agreement with the scorer beside the shared data."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eval.delineation import compare, figures, global_intervals, lead_intervals, matched, read_one
from gem.ecg.io import read
from gem.measure.delineation import FIDUCIALS, Delineation

ROOT = Path(__file__).parents[2]


def waves(shift: float = 0.0) -> dict[str, np.ndarray]:
    """Three beats a second apart: P 100 ms, PR 160 ms, QRS 90 ms, QT 400 ms, all later by `shift`."""
    at = np.array([1.0, 2.0, 3.0])[:, None] + shift
    return {"P": at + [-0.16, -0.11, -0.06], "QRS": at + [0.0, 0.04, 0.09], "T": at + [0.2, 0.3, 0.4]}


def test_a_wave_is_found_once_within_the_window_and_what_is_left_is_invented() -> None:
    ref = waves()["QRS"]
    est = np.concatenate([ref[:2] + 0.005, [[1.0, 1.05, 1.09]], [[2.4, 2.45, 2.5]]])
    counts, errors = matched(ref, est, (0.9, 3.2))
    assert counts == (2, 1, 2)
    assert errors == pytest.approx(np.full((2, 2), 0.005))
    assert matched(ref, est, (0.9, 2.3))[0][2] == 1


def test_intervals_of_a_lead_and_over_all_leads_are_those_of_the_construction() -> None:
    assert lead_intervals(waves()) == pytest.approx({"P": 100, "PR": 160, "QRS": 90, "QT": 400})
    leads = [waves(shift) for shift in (0.0, 0.0, 0.0, 0.0, -0.01, -0.02, 0.01, 0.02)]
    assert global_intervals(leads) == pytest.approx({"P": 120, "PR": 160, "QRS": 110, "QT": 420})
    assert np.isnan(list(global_intervals(leads[:3]).values())).all()


@pytest.mark.data
def test_a_delineation_that_is_the_readers_own_has_no_error(data: Path) -> None:
    header = data / "ludb" / "data" / "2.hea"
    from eval.delineation import _COLUMNS, reference  # the rows of the readers, made into a delineation

    leads = read(header).leads
    refs = [reference(header, lead, 500.0) for lead in leads]
    times = np.full((len(leads), max(len(ref["QRS"]) for ref in refs), len(FIDUCIALS)), np.nan)
    for k, ref in enumerate(refs):
        for wave, names in _COLUMNS.items():
            times[k, : len(ref[wave]), [FIDUCIALS.index(name) for name in names]] = ref[wave].T
    found = Delineation(leads, np.arange(times.shape[1], dtype=float), times, "readers")
    rows = figures([compare(2, found, header, 500.0)])
    assert [rows[wave][name] for wave in ("P", "QRS", "T") for name in ("sensitivity", "ppv")] == [1.0] * 6
    assert [rows[name]["mean"] for name in rows if name.startswith(("lead", "global"))] == pytest.approx([0.0] * 8, abs=1e-6)


@pytest.mark.data
def test_the_figures_agree_with_the_scorer_beside_the_data(data: Path, tmp_path: Path) -> None:
    tool = data.parent / "tools" / "ludb_score.py"
    if not tool.is_file():
        pytest.skip(f"no scorer at {tool}")
    numbers = [2, 13, 26, 93]
    compared = [read_one((number, None), tmp_path) for number in numbers]
    for engine in ("gem", "neurokit"):
        command = [sys.executable, str(tool), str(data / "ludb" / "data"), str(tmp_path / engine), "--ids", ",".join(map(str, numbers))]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        theirs, ours = json.loads(out.splitlines()[-1]), figures([both[engine] for both in compared])
        for wave in ("P", "QRS", "T"):
            assert ours[wave]["sensitivity"] == pytest.approx(theirs[wave]["sensitivity"], abs=2e-3)
            assert ours[wave]["ppv"] == pytest.approx(theirs[wave]["ppv"], abs=0.02)
        for name in ("lead PR", "lead QRS", "lead QT", "global QRS", "global QT"):
            assert ours[name]["mean"] == pytest.approx(theirs[name]["mean_ms"], abs=0.3), (engine, name)
            assert ours[name]["sd"] == pytest.approx(theirs[name]["sd_ms"], abs=0.3), (engine, name)
