"""Rows as the model gets them: padded, packed, from kept states; with pages; and rows that cannot be made."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_set import make_set, recipe
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from gem.errors import ConfigError
from train.__main__ import main
from train.config import InstructRecipe
from train.data.collate import Collate
from train.data.examples import Example, Examples, Maker, scene_of
from train.data.order import Order
from train.instruct import base_model
from train.sources import opened
from train.tuning import Learner, open_sources

BOTH = {"show": {"pictures": "drawn", "facts": True, "variety": {"width_px": {300: 1}}, "headers": {"measured": 1.0, "wrong": 1.0}}}


def examples(folder: Path, model: Path, count: int = 6, **data: object) -> tuple[Maker, list[Example]]:
    fields = json.loads(recipe(folder, model).read_text())
    made = InstructRecipe.model_validate(fields | {"data": fields["data"] | data})
    loaded, processor = base_model(made.model, made.output, True, dtype="float32")
    rows = opened(made.data, made.data.train)
    sources, _ = open_sources(made, rows, [], Learner(loaded, processor, "", ""))
    maker = Maker(sources, processor, made.data.show, made.data.augment, made.seed, folder / "failed")
    return maker, [Examples(maker, Order([len(rows[0])], [1.0], made.seed), 100)[k] for k in range(count)]


def loss(model: Path, processor: object, rows: list[Example], packed: bool = False) -> torch.Tensor:
    loaded = AutoModelForImageTextToText.from_pretrained(model).train()
    batch = Collate(processor, packed)(rows)  # type: ignore[arg-type]
    out = loaded(**batch).loss
    out.backward()
    return torch.cat(
        [out.detach()[None], *(p.grad.flatten() for n, p in loaded.named_parameters() if p.grad is not None and "layers.0" in n)]
    )


def test_packed_rows_see_themselves_alone(tmp_path: Path, tiny: Path) -> None:
    """One sequence without padding gives loss and gradients of the padded batch, rows of different lengths and pages between."""
    make_set(tmp_path)
    maker, rows = examples(tmp_path, tiny, 4, **BOTH)
    assert len({len(example.row.ids) for example in rows}) > 1
    padded, packed = (loss(tiny, maker.processor, rows, packed) for packed in (False, True))
    assert torch.allclose(padded, packed, atol=2e-5)


def test_kept_states_give_the_loss_of_live_encoders(tmp_path: Path, tiny: Path) -> None:
    make_set(tmp_path)
    show = BOTH["show"] | {"pages": 2}
    maker, live = examples(tmp_path, tiny, 4, show=show)
    _, kept = examples(tmp_path, tiny, 4, show=show, features="cached")
    assert [example.row.ids for example in live] == [example.row.ids for example in kept]
    assert all(torch.is_tensor(state) for example in kept for state in (*example.row.ecgs, *example.row.images))
    one, two = (loss(tiny, maker.processor, rows) for rows in (live, kept))
    assert torch.allclose(one[0], two[0], atol=1e-4)


def test_states_of_another_encoder_are_not_taken(tmp_path: Path, tiny: Path) -> None:
    make_set(tmp_path)
    examples(tmp_path, tiny, 1, features="cached")
    other = AutoModelForImageTextToText.from_pretrained(tiny)
    torch.nn.init.normal_(other.ecg_encoder.layers[0].fc1.weight)
    other.save_pretrained(tmp_path / "other")
    AutoProcessor.from_pretrained(tiny).save_pretrained(tmp_path / "other")
    examples(tmp_path, tmp_path / "other", 1, features="cached")
    assert len(list((tmp_path / "cache").glob("ecg-states-*"))) == 2


def test_every_page_is_another_and_the_same_in_every_run(tmp_path: Path, tiny: Path) -> None:
    make_set(tmp_path)
    first, again = (examples(tmp_path, tiny, 6, **BOTH)[1] for _ in range(2))
    assert all(np.array_equal(a.row.images[0], b.row.images[0]) for a, b in zip(first, again, strict=True))
    assert len({a.row.images[0].tobytes() for a in first}) == 6


def test_one_of_signal_and_picture_may_be_left_out_never_both(tmp_path: Path, tiny: Path) -> None:
    make_set(tmp_path)
    _, rows = examples(tmp_path, tiny, 40, **BOTH, augment={"drop_modality": 0.6})
    kinds = {(bool(e.row.ecgs), bool(e.row.images)) for e in rows}
    assert kinds == {(True, True), (True, False), (False, True)}


def test_facts_stand_before_the_question_and_may_be_left_out(tmp_path: Path, tiny: Path) -> None:
    make_set(tmp_path)
    maker, rows = examples(tmp_path, tiny, 20, **BOTH, augment={"drop_facts": 0.5})
    told = ["Measured: " in maker.processor.decode([i for i in e.row.ids if i < 512]) for e in rows]
    assert 3 < sum(told) < 17


def test_a_picture_is_read_from_where_the_set_stored_it(tmp_path: Path, tiny: Path) -> None:
    path = make_set(tmp_path, 3)
    (tmp_path / "pages").mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)).save(tmp_path / "pages" / "a.png")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row, name in zip(rows, ("pages/a.png", "pages/gone.png", None), strict=True):
        row["ecgs"][0]["picture"] = name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    maker, made = examples(tmp_path, tiny, 3, show={"pictures": "stored"})
    assert {example.id for example in made} == {rows[0]["id"]}  # it takes the place of the two that fail
    written = [json.loads(line)["why"] for line in (maker.failures / "0-main.jsonl").read_text().splitlines()]
    assert any("gone.png" in why for why in written)
    assert any("names no picture" in why for why in written)


def test_rows_that_fail_are_counted_named_and_end_with_3(tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recording that is gone, a row that is too long, a line that is no conversation: others take their places."""
    path = make_set(tmp_path, 24)
    lines = path.read_text().splitlines()
    gone, long = json.loads(lines[0]), json.loads(lines[1])
    gone["ecgs"][0]["path"] = "ecg/gone"
    long["turns"][1]["text"] = "word " * 9000
    lines[:3] = [json.dumps(gone), json.dumps(long), '{"schema": "other", "ecgs": []}']
    path.write_text("\n".join(lines) + "\n")
    assert main([str(recipe(tmp_path, tiny)), "data.tolerate=0.5"]) == 3
    failed = [json.loads(line) for line in (tmp_path / "run" / "failed.jsonl").read_text().splitlines()]
    assert [row["row"] for row in failed] == [None, 1, 2, 3]
    for row, word in zip(failed, ("ecg/gone", "ecg/gone", "tokens", "schema"), strict=True):
        assert word in row["why"]
    assert "4 rows or recordings could not be used" in capsys.readouterr().err


def test_too_many_recordings_that_are_gone_refuse_the_run(tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_set(tmp_path)
    (tmp_path / "ecg" / "rbbb.dat").unlink()
    assert main([str(recipe(tmp_path, tiny))]) == 2
    assert "1 of 3 recordings cannot be read" in capsys.readouterr().err


def test_a_set_of_which_no_row_can_be_made_stops_the_run(tmp_path: Path, tiny: Path) -> None:
    make_set(tmp_path)
    maker, _ = examples(tmp_path, tiny, 0)
    maker.processor.longest = 10
    with pytest.raises(ConfigError, match=r"50 rows one after the other could not be made.*tokens"):
        Examples(maker, Order([24], [1.0], 0), 10)[0]


def test_fewer_leads_and_a_shorter_stretch_can_be_drawn_on_every_layout(tmp_path: Path, tiny: Path) -> None:
    make_set(tmp_path)
    show = {"pictures": "drawn", "variety": {"width_px": {300: 1}}}
    augment = {"drop_leads": 1.0, "crop": 1.0, "shortest_s": 2.0}
    maker, rows = examples(tmp_path, tiny, 40, show=show, augment=augment)
    assert not maker.failures.exists()
    assert len({example.row.ecgs[0].tokens for example in rows}) > 10
    assert len({int(example.row.ecgs[0].mask.any(1).sum()) for example in rows}) > 5


def test_headers_are_measured_wrong_or_absent_as_they_are_weighed(tmp_path: Path, tiny: Path) -> None:
    make_set(tmp_path)
    maker, _ = examples(tmp_path, tiny, 0, show={"pictures": "drawn", "headers": {"none": 1, "measured": 1, "wrong": 2}})
    assert maker.sources.signals is not None
    kept = maker.sources.signals.get("ecg/normal")
    headers = [scene_of(kept, kept.recording, maker.show, np.random.default_rng(k)).header for k in range(200)]
    assert 25 < sum(header is None for header in headers) < 75
    assert kept.header is not None
    true = kept.header.rate_bpm
    assert true is not None
    wrong = [header for header in headers if header is not None and header.kind == "wrong"]
    assert 70 < len(wrong) < 130
    assert all(header.rate_bpm is not None and abs(header.rate_bpm / true - 1) > 0.29 for header in wrong)
    assert all(header.rate_bpm == true for header in headers if header is not None and header.kind == "measured")


def test_a_fault_of_a_worker_process_is_one_message(tmp_path: Path, tiny: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_set(tmp_path)
    assert main([str(recipe(tmp_path, tiny)), "data.workers=1", "data.show.pictures=stored"]) == 2
    said = capfd.readouterr().err
    assert "names no picture" in said
    assert "Traceback" not in said
