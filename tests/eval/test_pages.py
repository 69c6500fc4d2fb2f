"""The bench of pages: every row is there, its times are those of the calls, and the table says how they compare."""

from pathlib import Path

from eval.pages import PHOTO, PLAIN_PX, rows, table
from gem.simulate import simulate_recording, write_simulated


def test_every_size_and_kind_is_timed_beside_its_floor(tmp_path: Path) -> None:
    for k in range(3):
        write_simulated(simulate_recording(f"normal seed={k}"), tmp_path / f"r{k}")
    found = rows([tmp_path / f"r{k}.hea" for k in range(3)])
    assert [(row["kind"], row["width"]) for row in found] == [("plain", width) for width in PLAIN_PX] + list(PHOTO)
    for row in found:
        assert 0 < row["floor"] < row["draw"] + row["photograph"]
    large, small = found[0], found[len(PLAIN_PX) - 1]
    assert large["draw"] > small["draw"]
    text = table(found)
    assert f"{1 / (large['draw'] + large['photograph']):.1f}" in text
    assert "ecg-image-kit" in text
