"""Image sets, made from simulated records: what a shard holds, that it comes out the same again, and what is refused."""

import csv
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from data_gen.__main__ import main
from data_gen.images.config import ImageSet
from gem.ecg.io import read
from gem.ecg.lead import STANDARD
from gem.image.layout import visible
from gem.image.scene import Scene
from gem.simulate import simulate_recording, write_simulated

ROOT = Path(__file__).parents[2]
SMALL = ["variety.width_px={700: 1}", "per_shard=2", "limit=null", "where={}", "quality=null"]


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four simulated records with a CSV, one of them too short for a page."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    rows = []
    for k, spec in enumerate(("normal seed=1", "lbbb seed=2", "stemi_inferior seed=3")):
        write_simulated(simulate_recording(spec), folder / f"r{k}")
        rows.append({"path": f"r{k}", "age": "61", "sex": "female", "fold": str(k % 2), "report": f"text {k}"})
    with (folder / "index.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.setenv("GEM_DATA", str(tmp_path))
    return folder


def make(name: str, out: Path, *changes: str, flags: tuple[str, ...] = ()) -> int:
    recipe = ROOT / "configs" / "data" / f"images_{name}.yaml"
    return main([str(recipe), "records=corpus/index.csv", f"output={out}", *SMALL, *changes, *flags])


def members(folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            for one in tar.getmembers():
                found[one.name] = tar.extractfile(one).read()
    return found


def image(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def rows(found: dict[str, bytes], folder: str = "") -> dict[str, dict[str, Any]]:
    return {name: json.loads(data) for name, data in found.items() if name.startswith(folder) and name.endswith(".json")}


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "data").glob("images_*.yaml")), ids=lambda p: p.name)
def test_every_recipe_loads_and_is_named_after_its_file(path: Path) -> None:
    assert ImageSet.load(path).name == path.stem


def test_a_pair_is_a_page_and_the_signal_that_it_shows(corpus: Path, tmp_path: Path) -> None:
    assert make("pairs", tmp_path / "out") == 0
    found = members(tmp_path / "out")
    assert len(found) == 9
    for name, row in rows(found).items():
        scene, recording = Scene.model_validate(row["scene"]), read(tmp_path / row["source"])
        assert np.array_equal(image(found[name.replace(".json", ".png")]), scene.picture(recording).image)
        signal = np.load(io.BytesIO(found[name.replace(".json", ".npy")]))
        shown = visible(recording, scene.page()).signal
        assert np.array_equal(signal, shown[:, : signal.shape[1]], equal_nan=True)
        assert np.isnan(shown[:, signal.shape[1] :]).all()
        assert (row["fs"], tuple(row["leads"]), row["sex"]) == (500.0, STANDARD, "female")


def test_boxes_come_as_yolo_reads_them(corpus: Path, tmp_path: Path) -> None:
    assert make("boxes", tmp_path / "out", "variety.cabrera=0") == 0
    found = members(tmp_path / "out")
    names = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text())["names"]
    assert names == {0: "lead"} | {k + 1: lead for k, lead in enumerate(STANDARD)}
    labels = [name for name in found if name.startswith("labels/")]
    assert len(labels) == 3
    for label in labels:
        assert label.replace("labels", "images").replace(".txt", ".png") in found
        values = [[float(text) for text in line.split()] for line in found[label].decode().splitlines()]
        assert {int(row[0]) for row in values} >= {0, 1, 7}
        assert all(0 <= side <= 1 for row in values for side in row[1:])


@pytest.mark.parametrize("kind", ["crops", "overlaps"])
def test_a_crop_has_the_mask_of_its_lead_and_its_samples_lie_on_it(corpus: Path, tmp_path: Path, kind: str) -> None:
    assert make(kind, tmp_path / "out", "variety.damage={none: 1, photo: 1}") == 0
    found = members(tmp_path / "out")
    assert len(found) == 18
    for name, row in rows(found, "signals/").items():
        crop, mask = (image(found[name.replace("signals", folder).replace(".json", ".png")]) for folder in ("images", "masks"))
        assert crop.shape[:2] == mask.shape
        assert set(np.unique(mask)) == {0, 255}
        x, y = np.array(row["x"]), np.array(row["y"])
        inside = (x >= 0) & (x < mask.shape[1]) & (y >= 0) & (y < mask.shape[0])
        assert inside.mean() > 0.85
        near = [
            mask[max(0, int(b) - 1) : int(b) + 2, max(0, int(a) - 1) : int(a) + 2].any() for a, b in zip(x[inside], y[inside], strict=True)
        ]
        assert np.mean(near) > 0.98
        scene, recording = Scene.model_validate(row["scene"]), read(tmp_path / row["source"])
        left, top, right, bottom = row["window"]
        assert np.array_equal(crop, scene.picture(recording).image[top:bottom, left:right])
        mv = recording.lead(row["lead"])[row["first_sample"] : row["first_sample"] + len(row["mv"])]
        assert np.allclose(row["mv"], mv, atol=1e-4)


def test_overlaps_hold_the_ink_of_other_rows_and_crops_hold_none(corpus: Path, tmp_path: Path) -> None:
    """On plain white pages without print every dark pixel far from the mask is a neighbour's."""
    plain = ["variety.damage={none: 1}", "variety.grids={none: 1}", "variety.layouts={3x4: 1}", "variety.cabrera=0"]
    dark = {}
    for kind in ("crops", "overlaps"):
        assert make(kind, tmp_path / kind, *plain) == 0
        found = members(tmp_path / kind)
        dark[kind] = []
        for name, row in rows(found, "signals/").items():
            crop, mask = (image(found[name.replace("signals", folder).replace(".json", ".png")]) for folder in ("images", "masks"))
            grown = mask.copy()
            for k in range(1, 4):
                for axis in (0, 1):
                    grown |= np.roll(mask, k, axis) | np.roll(mask, -k, axis)
            foreign = (crop.min(axis=2) < 150) & (grown == 0)
            unit = row["px_per_mm"]
            foreign[:, : int(8 * unit)] = False
            foreign[:, -int(1 * unit) :] = False
            dark[kind].append(foreign.any(axis=0).mean())
    assert max(dark["crops"]) < 0.02
    assert np.median(dark["overlaps"]) > 0.02


def test_texts_carry_their_author(corpus: Path, tmp_path: Path) -> None:
    assert make("text", tmp_path / "out", "store=pixels") == 0
    found = rows(members(tmp_path / "out"))
    assert sorted(row["text"] for row in found.values()) == ["text 0", "text 1", "text 2"]
    assert {row["author"] for row in found.values()} == {"corpus, column report"}
    assert make("text", tmp_path / "own", "store=pixels", "text=gem", "limit=1") == 0
    (own,) = rows(members(tmp_path / "own")).values()
    assert "Research use only" in own["text"]
    assert own["author"].startswith("gem ")


def test_stored_parameters_draw_the_pixels_that_would_have_been_stored(corpus: Path, tmp_path: Path) -> None:
    assert make("pairs", tmp_path / "pixels") == 0
    assert make("pairs", tmp_path / "parameters", "store=parameters") == 0
    pixels = members(tmp_path / "pixels")
    lines = [json.loads(line) for path in sorted((tmp_path / "parameters").glob("*.jsonl")) for line in path.read_text().splitlines()]
    assert len(lines) == 3
    for row in lines:
        picture = Scene.model_validate(row["scene"]).picture(read(tmp_path / row["source"]))
        assert np.array_equal(picture.image, image(pixels[f"{row['id']}.png"]))


def test_a_run_goes_on_where_it_stopped_and_any_number_of_jobs_makes_the_same_bytes(corpus: Path, tmp_path: Path) -> None:
    assert make("boxes", tmp_path / "one") == 0
    assert make("boxes", tmp_path / "two", flags=("--jobs", "2")) == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / "one").glob("*.tar")}
    assert len(first) == 2
    assert len(json.loads((tmp_path / "one" / "_made_with.json").read_text())["commit"]) == 40
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "two").glob("*.tar")}
    kept, lost = sorted((tmp_path / "one").glob("*.tar"))
    before = kept.stat().st_mtime_ns
    lost.unlink()
    assert make("boxes", tmp_path / "one") == 0
    assert lost.read_bytes() == first[lost.name]
    assert kept.stat().st_mtime_ns == before
    assert make("boxes", tmp_path / "other", "seed=1") == 0
    assert all(path.read_bytes() != first[path.name] for path in (tmp_path / "other").glob("*.tar"))


def test_a_recording_that_cannot_be_drawn_is_a_row_with_its_reason(corpus: Path, tmp_path: Path) -> None:
    signal = read(corpus / "r0.hea").signal[:, :2000]
    np.savetxt(corpus / "short.csv", signal.T, header=",".join(STANDARD), delimiter=",", comments="")
    with (corpus / "index.csv").open("a") as stream:
        stream.write("short.csv,61,male,0,text 3\nnone,61,male,0,text 4\n")
    assert make("pairs", tmp_path / "out", "variety.speeds={25: 1}", "variety.simultaneous=0") == 3
    failed = [json.loads(line) for line in members(tmp_path / "out")["errors.jsonl"].splitlines()]
    assert {row["source"] for row in failed} <= {"corpus/short.csv", "corpus/none"}
    assert failed[-1]["error"]["code"] == "not_found"
    assert str(tmp_path) not in json.dumps(failed)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("pairs", ["records=corpus/nothing.csv"], "no such CSV, folder or recording"),
        ("pairs", ["where={colour: [red]}"], "column colour is needed, but it has path"),
        ("pairs", ["where={fold: [7]}"], "no row with"),
        ("pairs", ["text=report"], "belongs to the set of that name"),
        ("crops", ["store=parameters"], "depends on pixels"),
        ("pairs", ["variety.damage={soup: 1}"], "'soup': choose none, scan"),
        ("pairs", ["variety.layouts={3x5: 1}"], "3 x 5 does not hold twelve leads"),
        ("pairs", ["variety.damage={none: 0}"], "at least one of them above 0"),
        ("pairs", ["per_record=0"], "greater than 0"),
        ("pairs", ["flavour=1"], "flavour: Extra inputs are not permitted"),
    ],
)
def test_a_recipe_that_cannot_be_followed_ends_with_one_message(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, changes: list[str], message: str
) -> None:
    assert make(name, tmp_path / "out", *changes) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_rows_of_a_csv_are_picked_by_their_columns(corpus: Path, tmp_path: Path) -> None:
    assert make("pairs", tmp_path / "out", "where={fold: [0]}") == 0
    assert {row["source"] for row in rows(members(tmp_path / "out")).values()} == {"corpus/r0", "corpus/r2"}
    (corpus / "index.csv").unlink()
    assert make("pairs", tmp_path / "all", "records=corpus", "limit=2") == 0
    assert len(rows(members(tmp_path / "all"))) == 2
