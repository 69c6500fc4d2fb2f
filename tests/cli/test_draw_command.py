"""`gem draw` as a user meets it."""

import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gem.cli import main
from gem.ecg.io import read
from gem.simulate import simulate_recording, write_simulated


@pytest.fixture(scope="module")
def ecg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ecg")
    write_simulated(simulate_recording("normal"), folder / "one")
    signal = read(folder / "one.hea").signal
    np.savetxt(folder / "two.csv", signal[[0, 7]].T, header="I,V2", delimiter=",", comments="")
    np.savetxt(folder / "short.csv", signal[:, :1500].T, header="I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6", delimiter=",", comments="")
    return folder / "one.hea"


def draw(*args: object) -> int:
    return main(["draw", *map(str, args)])


def test_a_page_and_its_labels(ecg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, labels = tmp_path / "page.png", tmp_path / "page.json"
    args = [ecg, "-o", out, "--layout", "3x4+1", "--damage", "photo", "--seed", "7", "--annotations", labels, "--width", "900", "--json"]
    assert draw(*args) == 0
    said = capsys.readouterr()
    found = json.loads(labels.read_text())
    assert Image.open(out).size == (900, 695) == (found["width"], found["height"])
    assert found["damage"] == json.loads(said.out)["damage"]
    assert found["damage"]["kind"] == "photo"
    assert [lead["label"] for lead in found["leads"]] == ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "II"]
    assert said.err.count("\n") == 1
    first = out.read_bytes()
    assert draw(*args) == 0
    assert out.read_bytes() == first
    assert draw(*args, "--seed", "8") == 0
    assert out.read_bytes() != first


def test_every_format_has_the_size_of_the_paper(ecg: Path, tmp_path: Path) -> None:
    for suffix in ("png", "jpg", "pdf", "svg"):
        assert draw(ecg, "-o", tmp_path / f"page.{suffix}", "--sheet", "a4", "--dpi", 100) == 0
    for suffix in ("png", "jpg"):
        image = Image.open(tmp_path / f"page.{suffix}")
        assert image.size == (1169, 827)
        assert image.info["dpi"][0] == pytest.approx(100, abs=0.1)
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", (tmp_path / "page.pdf").read_bytes())
    assert [float(side) / 72 * 25.4 for side in box.groups()] == pytest.approx([297, 210], abs=0.3)
    assert ET.fromstring((tmp_path / "page.svg").read_text()).get("viewBox") == "0 0 297 210"  # noqa: S314


def test_the_svg_shows_the_same_traces_and_words_as_the_pixels(ecg: Path, tmp_path: Path) -> None:
    assert (
        draw(ecg, "-o", tmp_path / "p.svg", "--layout", "II", "--annotations", tmp_path / "p.json", "--header", "measured", "--dpi", 254)
        == 0
    )
    tree = ET.fromstring((tmp_path / "p.svg").read_text())  # noqa: S314
    words = [node.text for node in tree.iter() if node.tag.endswith("text")]
    assert "II" in words
    assert "Vent. rate" in words
    (lead,) = json.loads((tmp_path / "p.json").read_text())["leads"]
    trace = [node for node in tree.iter() if node.tag.endswith("path")][-1].get("d").split("M")[-1]
    points = np.array([[float(n) for n in pair.split()] for pair in trace.split("L")])
    assert np.allclose(points * 10, np.column_stack([lead["x"], lead["y"]]), atol=0.02)


def test_a_wrong_header_changes_the_page_but_not_the_traces(ecg: Path, tmp_path: Path) -> None:
    for kind in ("measured", "wrong"):
        assert draw(ecg, "-o", tmp_path / f"{kind}.png", "--header", kind, "--annotations", tmp_path / f"{kind}.json", "--width", 700) == 0
    true, wrong = (np.asarray(Image.open(io.BytesIO((tmp_path / f"{kind}.png").read_bytes()))) for kind in ("measured", "wrong"))
    rows = np.flatnonzero((true != wrong).any(axis=(1, 2)))
    assert 0 < rows.max() < 0.2 * len(true)
    a, b = (json.loads((tmp_path / f"{kind}.json").read_text()) for kind in ("measured", "wrong"))
    assert (a["header"], b["header"]) == ("measured", "wrong")
    assert a["leads"] == b["leads"]


def test_missing_leads_leave_empty_cells_and_are_named(ecg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "p.png"
    assert draw(ecg.parent / "two.csv", "-o", out, "--fs", 500, "--unit", "mV", "--json", "--layout", "3x4", "--width", 600) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["empty"] == ["II", "III", "aVR", "aVL", "aVF", "V1", "V3", "V4", "V5", "V6"]
    assert "II, III, aVR, aVL, aVF, V1, V3, V4, V5, V6 not recorded; their cells are empty" in said.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layout", "3x5"], "3 x 5 does not hold twelve leads; choose 3x4"),
        (["--layout", "V9R"], "none of the leads of layout V9R was recorded"),
        (["--dpi", "5000"], "5000 dpi on 279.4 x 215.9 mm makes 2337 Mpx, more than 40; at most 654 dpi fit"),
        (["--dpi", "0"], "a positive resolution is needed"),
        (["--dpi", "nan"], "a positive resolution is needed"),
        (["--dpi", "1e300"], "at most 654 dpi fit"),
        (["--dpi", "100", "--width", "500"], "give one of them"),
        (["--speed", "30"], "choose one of 25, 50"),
        (["--gain", "ten"], "written 10, or 10/5"),
        (["--sheet", "a9"], "is no sheet known here"),
        (["--grid", "plaid"], "a grid 'plaid': choose red"),
        (["--pen", "9"], "a trace 9 mm wide"),
        (["--seconds", "60"], "60 s at 25 mm/s do not fit"),
        (["--seconds", "nan"], "do not fit"),
        (["--strips", "II,V1"], "has 1 rhythm strips, but 2 leads"),
        (["--damage", "soup"], "a damage of the kind 'soup'"),
        (["--seed", "-1"], "0 or more is needed"),
        (["--order", "random"], "choose from standard, cabrera"),
    ],
)
def test_bad_options_end_with_one_message_and_no_file(
    ecg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert draw(ecg, "-o", tmp_path / "p.png", *options) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_bad_files_end_with_one_message(ecg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = ecg.parent / "short.csv"
    cases = [
        ([short, "--fs", 500, "--unit", "mV", "-o", tmp_path / "p.png"], "shows 10 s, but the recording has 3 s; ask for fewer seconds"),
        ([ecg, "-o", tmp_path / "p.gif"], "a picture is written as .png"),
        ([ecg, "-o", tmp_path / "p.svg", "--damage", "scan"], "made of pixels; choose .png"),
        ([ecg, "-o", tmp_path / "no" / "p.png"], "cannot be written"),
        ([tmp_path / "none.hea", "-o", tmp_path / "p.png"], "none.hea"),
    ]
    for args, message in cases:
        assert draw(*args) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
