"""Quality on real records: how often it accuses, and what it misses."""

import csv
from pathlib import Path

import pytest

from gem.ecg.io import read
from gem.ecg.quality import inspect

pytestmark = pytest.mark.data


def rows(data: Path) -> list[dict[str, str]]:
    with (data / "ptbxl" / "index.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_real_records_are_readable_and_swaps_are_hardly_ever_suspected(data: Path) -> None:
    """Every 12th of the 3,854; over all of them none is unusable and none is accused of a swap (configs/LOG.md)."""
    verdicts = [inspect(read(data / "ptbxl" / row["path"])) for row in rows(data)[::12]]
    assert sum(q.overall == "unusable" for q in verdicts) == 0
    assert sum(q.reversal is not None for q in verdicts) <= 1


def test_pacing_spikes_are_seen_in_paced_records_and_not_in_others(data: Path) -> None:
    fast = [row for row in rows(data) if row["fs"] == "500"]
    paced = [row for row in fast if "PACE" in row["rhythm"]]
    others = [row for row in fast if "PACE" not in row["rhythm"]][::10]
    seen = [bool(inspect(read(data / "ptbxl" / row["path"])).spikes_s) for row in paced]
    assert len(paced) >= 30
    assert sum(seen) / len(seen) >= 0.9
    assert sum(bool(inspect(read(data / "ptbxl" / row["path"])).spikes_s) for row in others) <= 2


def test_every_shared_wfdb_corpus_is_read_with_twelve_leads(data: Path) -> None:
    headers = [*sorted((data / "ludb" / "data").glob("*.hea"))[:10], *sorted((data / "challenge2020_2021").glob("*/*.hea"))[::10]]
    assert len(headers) > 20
    for header in headers:
        recording = read(header)
        assert len(recording.standard_leads) == 12
        assert inspect(recording).overall in ("ok", "limited")
