"""Stages align and pages on simulated records: statements are learned from signals and numbers, not from shuffled labels."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gem.ecg.io.write import write_recording
from gem.measure.batch import items_of, write_shard
from gem.model.ecg_encoder import EcgEncoder
from gem.model.reader import StatementReader
from gem.runner import plan
from gem.simulate import PRESETS, simulate_recording
from train.__main__ import main
from train.align.calibrate import mixture, thresholds
from train.align.readings import borrowed

ECG = {"layout": "joint", "fs": 100, "patch": 20, "stem": [8, 16], "stem_strides": [4, 5], "hidden_size": 32, "num_hidden_layers": 1}
ECG |= {"num_attention_heads": 2, "intermediate_size": 64, "initializer_range": 0.1}
KINDS = {"normal": ("NORM", ["NORM", "SR"]), "lbbb": ("CD", ["CLBBB", "SR"]), "rbbb": ("CD", ["CRBBB", "SR"])}
COUNT = 36


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of three kinds with codes, a split, folds, and a table of what was measured."""
    folder = tmp_path_factory.mktemp("records")
    (folder / "ecg").mkdir()
    lines = []
    for k in range(COUNT):
        kind = list(KINDS)[k % 3]
        spec = PRESETS[kind].model_copy(update={"seed": 100 + k, "rate": 60 + k, "age": 40 + k})
        write_recording(simulate_recording(spec).recording, folder / "ecg" / f"r{k}.hea")
        name, codes = KINDS[kind]
        lines.append(
            {
                "id": f"sim/r{k}", "path": f"ecg/r{k}", "patient": f"p{k}", "fold": 1 + k % 4, "codes": {code: [] for code in codes},
                "classes": [name], "complete": True, "report": f"this is {kind}", "split": "valid" if k >= COUNT - 9 else "train",
            }
        )  # fmt: skip
    (folder / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for shard in plan(items_of([str(folder / "ecg")]), folder / "measured", 64, ".parquet", {}):
        write_shard(shard)
    return folder


def recipe(made: Path, out: Path, **changes: object) -> Path:
    fields = {
        "stage": "align", "name": "small", "output": str(out), "records": str(made / "records.jsonl"), "measured": str(made / "measured"),
        "base": str(made), "cache": str(made / "cache"), "jobs": 1, "ecg": ECG, "reader": {"width": 16, "members": 2},
        "labels": {"least": 3}, "optim": {"lr": 5e-3, "warmup": 0.1}, "batch": 9, "epochs": 10, "average": 0.8, "device": "cpu",
        "log_every": 3,
    } | changes  # fmt: skip
    path = out.parent / f"{out.name}.yaml"
    path.write_text(json.dumps(fields))
    return path


def metrics(out: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((out / "metrics.json").read_text())
    return found


def test_an_encoder_and_a_reader_learn_statements_and_are_calibrated_on_what_was_held_out(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert main([str(recipe(made, out, folds=[4], epochs=20))]) == 0
    losses = [row["loss"] for line in (out / "log.jsonl").read_text().splitlines() if "loss" in (row := json.loads(line))]
    assert losses[-1] < 0.85 * losses[0]
    assert metrics(out)["auroc_measured"] > 0.9
    reader = StatementReader.from_pretrained(out / "reader")
    assert reader.config.statements[:2] == ["CD", "NORM"]
    assert {"CLBBB", "CRBBB", "SR"} <= set(reader.config.statements)
    assert not np.allclose(reader.mix.detach().numpy()[0], 0.5), "the mixture was not fitted"
    assert EcgEncoder.from_pretrained(out / "ecg_encoder").config.stem == [8, 16]
    lines = [json.loads(line) for line in (out / "readings.jsonl").read_text().splitlines()]
    assert len(lines) == COUNT
    assert all(line["text"].startswith("Read: ") for line in lines)
    assert main([str(recipe(made, tmp_path / "all", calibration=str(out / "held_out.npz"), epochs=2))]) == 0


def test_a_run_on_shuffled_labels_learns_nothing(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "shuffled"
    assert main([str(recipe(made, out, labels={"least": 3, "shuffled": True}))]) == 0
    assert metrics(out)["auroc_measured"] < 0.9


def test_a_killed_run_goes_on_to_the_same_weights(made: Path, tmp_path: Path) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert main([str(recipe(made, whole, epochs=4, save_every=5))]) == 0
    command = [sys.executable, "-m", "train", str(recipe(made, halves, epochs=4, save_every=5))]
    ran = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
    while ran.poll() is None and not (halves / "checkpoint-5" / "whole.json").exists():
        pass
    ran.kill()
    ran.wait()
    assert main(command[3:]) == 0
    one, two = (StatementReader.from_pretrained(folder / "reader").state_dict() for folder in (whole, halves))
    assert all(np.array_equal(one[name].numpy(), two[name].numpy()) for name in one)


def test_an_image_encoder_learns_from_pages_what_the_ecg_encoder_gives(made: Path, tmp_path: Path) -> None:
    assert main([str(recipe(made, tmp_path / "run", epochs=2))]) == 0
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 96}
    vision |= {"patch_size": 16, "vision_use_head": False}
    out = tmp_path / "pages"
    path = recipe(made, out, stage="pages", aligned=str(tmp_path / "run"), vision=vision, variety={"width_px": {"160": 1}}, epochs=8)
    fields = {key: value for key, value in json.loads(path.read_text()).items() if key not in ("ecg", "reader", "average")}
    path.write_text(json.dumps(fields))
    assert main([str(path)]) == 0
    losses = [row["loss"] for line in (out / "log.jsonl").read_text().splitlines() if "loss" in (row := json.loads(line))]
    assert losses[-1] < 0.95 * losses[0]
    assert (out / "image_encoder" / "model.safetensors").is_file()


def test_records_that_were_not_measured_are_counted(made: Path, tmp_path: Path) -> None:
    records = tmp_path / "records.jsonl"
    lines = (made / "records.jsonl").read_text().splitlines()
    gone = json.loads(lines[0]) | {"id": "sim/gone", "path": "ecg/gone"}
    records.write_text("\n".join([*lines, json.dumps(gone)]) + "\n")
    assert main([str(recipe(made, tmp_path / "run", records=str(records), epochs=1))]) == 3
    failed = [json.loads(line) for line in (tmp_path / "run" / "failed.jsonl").read_text().splitlines()]
    assert [row["source"] for row in failed] == ["ecg/gone"]


def test_nothing_measured_is_refused(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main([str(recipe(made, tmp_path / "run", measured=str(tmp_path / "empty")))]) == 2
    assert "gem measure LIST -o" in capsys.readouterr().err


def test_a_calibrated_mixture_gives_probabilities_that_hold() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 2, (4000, 1))
    labels = (rng.random((4000, 1)) < 1 / (1 + np.exp(-truth))).astype(float)
    ecg, measured = 3 * truth + rng.normal(0, 1, truth.shape), truth + rng.normal(0, 1, truth.shape)
    mix, alone = mixture(ecg, measured, labels, np.ones_like(labels))
    p = 1 / (1 + np.exp(-(ecg * mix[0] + measured * mix[1] + mix[2])))
    for low in (0.1, 0.3, 0.5, 0.7):
        there = (p >= low) & (p < low + 0.2)
        assert abs(labels[there].mean() - p[there].mean()) < 0.05
    assert alone[0, 0] == pytest.approx(1 / 3, abs=0.1)
    assert 0.3 < thresholds(p, labels, np.ones_like(labels))[0] < 0.6


def test_a_training_record_borrows_the_probabilities_of_a_held_out_one_with_its_labels() -> None:
    held_labels = np.array([[1, 0], [0, 1], [1, 0]], float)
    held = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    lent = borrowed(np.array([[1, 0]] * 20 + [[1, 1]] * 20, float), held_labels, held, 0)
    assert {round(float(p), 1) for p in lent[:20, 0]} <= {0.9, 0.7}
    assert all(p > 0.5 for p in lent[20:].ravel())


_ALIGN = Path(sys.prefix) / "align"


@pytest.mark.skipif(not (_ALIGN / "open_clip").is_dir(), reason="open_clip is not installed beside the environment (make venv)")
@pytest.mark.parametrize("text", [{"contrast": 0.5}, {"contrast": 0.5, "caption": 1.0}])
def test_reports_are_learned_by_contrast_and_captions(made: Path, tmp_path: Path, text: dict[str, float]) -> None:
    out = tmp_path / "run"
    small = text | {"embed": 16, "width": 32, "layers": 1, "heads": 2, "longest": 12, "vocabulary": 300}
    command = [sys.executable, "-m", "train", str(recipe(made, out, text=small))]
    environment = os.environ | {"PYTHONPATH": str(_ALIGN), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    for name in ("loss_contrast", "loss_caption") if "caption" in text else ("loss_contrast",):
        values = [row[name] for row in log if name in row]
        assert values[-1] < values[0]
