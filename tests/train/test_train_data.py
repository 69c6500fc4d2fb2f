"""Rows by number, in a seeded order; recordings prepared once; changes that leave true what a row says."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_set import PRESETS, conversation, make_set

from gem.ecg.io import read
from gem.ecg.lead import STANDARD
from gem.errors import ConfigError
from gem.infer.facts import fact_block
from gem.measure.measure import measure_recording
from gem.simulate import simulate_recording
from train.data.augment import changed_signal
from train.data.config import Augment
from train.data.index import open_rows
from train.data.order import Order
from train.data.signals import Preparation, prepare

HOW = Preparation(fs=500.0, longest_s=10.0, measured=True)


def test_rows_are_read_by_number_and_an_unfinished_last_line_is_left_out(tmp_path: Path) -> None:
    path = make_set(tmp_path, 9)
    with path.open("a") as stream:
        stream.write('{"half')
    rows = open_rows(path, tmp_path / "cache")
    assert len(rows) == 9
    assert [rows[k]["id"] for k in (8, 0, 4)] == ["stemi_inferior-train-8", "normal-train-0", "rbbb-train-4"]


def test_a_changed_file_gets_a_new_index(tmp_path: Path) -> None:
    path = make_set(tmp_path, 9)
    open_rows(path, tmp_path / "cache")
    assert len(open_rows(make_set(tmp_path, 12), tmp_path / "cache")) == 12


def test_parquet_gives_the_rows_of_json_lines(tmp_path: Path) -> None:
    path = make_set(tmp_path, 6)
    table = [json.loads(line) for line in path.read_text().splitlines()]
    plain = [{k: v for k, v in row.items() if k != "schema"} | {"meta": json.dumps(row["meta"])} for row in table]
    pq.write_table(pa.Table.from_pylist(plain), path.with_suffix(".parquet"))
    rows = open_rows(path.with_suffix(".parquet"), tmp_path / "cache")
    assert [rows[k] for k in range(6)] == table


@pytest.mark.parametrize(("name", "said"), [("no.jsonl", "cannot be read"), ("rows.csv", "jsonl or .parquet"), ("empty.jsonl", "no rows")])
def test_a_file_without_rows_is_refused(name: str, said: str, tmp_path: Path) -> None:
    if name != "no.jsonl":
        (tmp_path / name).write_text("")
    with pytest.raises(ConfigError, match=said):
        open_rows(tmp_path / name, tmp_path / "cache")


def test_a_line_that_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\nnonsense\n')
    with pytest.raises(ConfigError, match="row 2 is not JSON"):
        open_rows(tmp_path / "rows.jsonl", tmp_path / "cache")[1]


def test_every_row_is_drawn_once_an_epoch_in_another_order_each_time() -> None:
    order = Order([50, 30], [1.0, 1.0], seed=4, batch=8)
    epochs = [[(p.dataset, p.row) for p in map(order.place, range(e * 80, (e + 1) * 80))] for e in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == [(0, k) for k in range(50)] + [(1, k) for k in range(30)]
    assert epochs[0] != epochs[1]
    other = Order([50, 30], [1.0, 1.0], seed=5)
    assert [(p.dataset, p.row) for p in map(other.place, range(80))] != epochs[0]


def test_a_dataset_of_half_weight_gives_half_its_rows_and_the_other_half_next_time() -> None:
    order = Order([40, 10], [0.5, 2.0], seed=0)
    assert order.epoch_draws == 40
    first, second = (Counter((p.dataset, p.row) for p in map(order.place, range(e * 40, (e + 1) * 40))) for e in range(2))
    of_first = {row for dataset, row in first if dataset == 0}
    assert len(of_first) == 20
    assert of_first.isdisjoint({row for dataset, row in second if dataset == 0})
    assert all(first[1, row] == 2 for row in range(10))


def test_rows_of_like_length_share_a_batch_and_each_is_still_drawn_once() -> None:
    lengths = np.random.default_rng(0).integers(100, 2000, 1000)
    order = Order([1000], [1.0], seed=1, batch=10, lengths=lambda k, rows: lengths[rows])
    for epoch in range(2):
        rows = [order.place(k).row for k in range(epoch * 1000, (epoch + 1) * 1000)]
        assert sorted(rows) == list(range(1000))
        spread = [np.ptp(lengths[rows[k : k + 10]]) for k in range(0, 1000, 10)]
        assert np.median(spread) < 100 < np.ptp(lengths) / 10


def test_a_draw_does_not_depend_on_what_was_drawn_before() -> None:
    lengths = np.arange(33)
    makes = [Order([33], [1.0], 9, 4, lambda k, rows: lengths[rows]) for _ in range(2)]
    forwards = [makes[0].place(k) for k in range(99)]
    assert [makes[1].place(k) for k in reversed(range(99))] == forwards[::-1]


def test_a_prepared_recording_is_the_file_to_half_a_microvolt_and_knows_what_was_measured(tmp_path: Path) -> None:
    make_set(tmp_path, 3)
    signals = prepare([f"ecg/{name}" for name in PRESETS], tmp_path, tmp_path / "cache", HOW, 1)
    for name in PRESETS:
        kept, file = signals.get(f"ecg/{name}"), read(tmp_path / "ecg" / name)
        assert np.nanmax(np.abs(kept.recording.signal - file.standardised().signal)) <= 0.00051
        measured = measure_recording(file)
        assert kept.facts == fact_block(measured)
        assert kept.header is not None
        assert kept.header.rate_bpm == measured.of_all["heart_rate"].value


def test_what_was_not_recorded_stays_missing(tmp_path: Path) -> None:
    from gem.ecg.io.write import write_recording

    recording = simulate_recording("normal").recording
    signal = recording.signal.copy()
    signal[3, 1000:1500] = np.nan
    (tmp_path / "ecg").mkdir()
    write_recording(recording.after(signal, "gap"), tmp_path / "ecg" / "gap.hea")
    kept = prepare(["ecg/gap"], tmp_path, tmp_path / "cache", HOW, 1).get("ecg/gap").recording
    row = kept.leads.index(recording.leads[3])
    assert np.isnan(kept.signal[row, 1000:1500]).all()
    assert np.isfinite(np.delete(kept.signal, row, 0)).all()


def test_a_recording_that_is_gone_is_kept_with_its_reason(tmp_path: Path) -> None:
    make_set(tmp_path, 3)
    signals = prepare(["ecg/normal", "ecg/gone"], tmp_path, tmp_path / "cache", HOW, 1)
    ((key, why),) = signals.failed()
    assert key == "ecg/gone"
    assert "ecg/gone" in why
    assert str(tmp_path) not in why
    with pytest.raises(ConfigError, match="ecg/gone"):
        signals.get("ecg/gone")


def changes(text: str, **chances: float) -> list[tuple[tuple[str, ...], float]]:
    row = conversation(0, "normal", text)
    recording = simulate_recording("normal").recording
    made = [changed_signal(recording, row, Augment(**chances), np.random.default_rng(k)) for k in range(60)]  # type: ignore[arg-type]
    return [(one.leads, one.duration_s) for one in made]


def test_a_lead_that_the_text_names_is_never_dropped() -> None:
    shown = [set(leads) for leads, _ in changes("T waves are inverted in V2 and aVL.", drop_leads=1.0)]
    assert all({"V2", "aVL"} <= leads for leads in shown)
    assert len({len(leads) for leads in shown}) > 5


@pytest.mark.parametrize("text", ["ST elevation in the inferior leads.", "Q waves in V1-V4.", "Low voltage in all limb leads."])
def test_where_a_text_speaks_of_groups_of_leads_none_is_dropped(text: str) -> None:
    assert all(leads == STANDARD for leads, _ in changes(text, drop_leads=1.0))


def test_a_row_that_counts_beats_is_not_shortened_and_others_are() -> None:
    assert {length for _, length in changes("Beat 9 is premature.", crop=1.0)} == {10.0}
    lengths = [length for _, length in changes("Sinus rhythm.", crop=1.0, shortest_s=5.0)]
    assert all(5.0 <= length < 10.0 for length in lengths)
    assert len(set(lengths)) > 30


def test_with_two_recordings_nothing_is_changed() -> None:
    row = conversation(0, "normal", "No change.").model_copy(update={"ecgs": conversation(0, "normal", "x").ecgs * 2})
    recording = simulate_recording("normal").recording
    assert all(changed_signal(recording, row, Augment(drop_leads=1, crop=1), np.random.default_rng(k)) is recording for k in range(5))
