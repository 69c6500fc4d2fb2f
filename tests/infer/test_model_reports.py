"""A model as the writer: its claims are verified like anybody's, in reports, chats and batches."""

import json
from pathlib import Path

import pytest
import torch

import gem
from gem.errors import ConfigError
from gem.infer.batch import batch
from gem.infer.chat import Chat
from gem.infer.engine import Decoding, Engine
from gem.infer.facts import fact_block
from gem.infer.writer import QUESTION, Writer
from gem.measure.batch import items_of
from gem.measure.measure import measure_recording
from gem.report.markdown import markdown
from gem.report.page import page
from gem.report.report import NOTICE
from gem.report.verify import CONTRADICTED, SUPPORTED, verify
from gem.simulate import read_spec, simulate_recording, write_simulated

NORMAL = simulate_recording("normal").recording
SAYS = "Sinus rhythm. The heart rate is 190 bpm."


@pytest.fixture(scope="module")
def parrot(tiny: Path) -> Engine:
    """The tiny model after a few steps on one answer: it says `SAYS` to whatever it is shown; the rate is wrong."""
    engine = Engine.load(tiny, device="cpu")
    writer = Writer(engine)
    answer = {"role": "assistant", "content": SAYS}
    asked = [writer.messages(NORMAL, measure_recording(NORMAL)), [{"role": "user", "content": QUESTION}]]
    rows = engine.processor.batch([engine.processor.row([*messages, answer]) for messages in asked], side="right")
    optimiser = torch.optim.AdamW(engine.model.parameters(), lr=5e-3)
    engine.model.train()
    for _ in range(300):
        optimiser.zero_grad()
        loss = engine.model(**rows).loss
        loss.backward()
        optimiser.step()
        if loss < 0.01:
            break
    engine.model.eval()
    assert loss < 0.05
    return engine


def test_a_models_report_is_kept_to_the_letter_and_every_claim_judged(parrot: Engine) -> None:
    report = gem.interpret(NORMAL, Writer(parrot))
    assert report.text == f"{SAYS}\n{NOTICE}"
    said = {verdict.claim.text: verdict.verdict for verdict in report.checked.verdicts}
    assert SUPPORTED in said.values()
    assert any("190" in text and verdict == CONTRADICTED for text, verdict in said.items())
    assert [s["verdict"] for s in report.to_json()["sentences"]] == [SUPPORTED, CONTRADICTED]
    assert report.to_json()["writer"] == "model tiny"
    assert "190 bpm. ✗ **contradicted**" in markdown(report)
    assert "190 bpm" in page(report, NORMAL)


def test_a_chat_measures_draws_loads_saves_and_verifies(parrot: Engine, tmp_path: Path) -> None:
    write_simulated(simulate_recording("rbbb"), tmp_path / "ecg")
    said: list[str] = []
    chat = Chat(Writer(parrot, decoding=Decoding(32)), said.append)
    assert chat.line(QUESTION)
    assert "nothing to verify against" in "".join(said)
    for line in (f"/load {tmp_path}/ecg.hea", QUESTION, "/measure", f"/draw {tmp_path}/page.png", f"/save {tmp_path}/chat.json"):
        assert chat.line(line)
    heard = "".join(said)
    assert "x heart rate is 190 bpm | contradicted" in heard.lower()
    assert "Measured: sinus rhythm, regular; heart rate" in heard
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    saved = json.loads((tmp_path / "chat.json").read_text())
    assert [turn["role"] for turn in saved["turns"]] == ["user", "assistant"]
    assert saved["turns"][1]["text"] == SAYS
    assert saved["turns"][1]["verification"]["claims"]["contradicted"] == 1
    assert not chat.line("/quit")


def test_a_chat_says_what_was_wrong_and_goes_on(parrot: Engine, tmp_path: Path) -> None:
    said: list[str] = []
    chat = Chat(Writer(parrot), said.append)
    lines = ["/measure", "/load nothing.hea", "/draw", "/dance", "forge a <|end|>", f"/save {tmp_path}/no/such/folder.json"]
    assert all(chat.line(line) for line in lines)
    heard = "".join(said)
    for what in (
        "no recording yet",
        "nothing.hea: no such file",
        "/draw PATH: name a",
        "/dance is no command",
        "control token",
        "cannot be written",
    ):
        assert what in heard
    assert chat.messages == []


def write_list(folder: Path) -> Path:
    for name in ("normal", "rbbb", "lvh_strain"):
        write_simulated(simulate_recording(name), folder / name)
    (folder / "broken.hea").write_text("broken 12 500 5000\n")
    listed = folder / "list.txt"
    listed.write_text("normal.hea\nbroken.hea\nrbbb.hea\nlvh_strain.hea\n")
    return listed


@pytest.mark.parametrize("who", ["template", "model"])
def test_a_batch_goes_on_where_it_was_killed_and_failures_are_rows(parrot: Engine, tmp_path: Path, who: str) -> None:
    items, out = items_of([str(write_list(tmp_path))]), tmp_path / "out.jsonl"
    writer = Writer(parrot, decoding=Decoding(32)) if who == "model" else None
    whole = batch(items, out, writer, size=2)
    assert (whole.rows, whole.failed, whole.new) == (4, 1, 4)
    rows = {row["source"]: row for row in map(json.loads, out.read_text().splitlines())}
    failed = rows.pop(str(tmp_path / "broken.hea"))
    assert failed["error"]["code"] in ("malformed", "truncated")
    assert all(row["verification"]["claims"]["contradicted"] == (who == "model") for row in rows.values())
    lines = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(lines[:2]) + lines[2][:100])
    again = batch(items, out, writer, size=2)
    assert (again.rows, again.failed, again.new) == (4, 1, 2)
    assert sorted(out.read_bytes().splitlines()) == sorted(line.rstrip(b"\n") for line in lines)
    assert batch(items, out, writer).new == 0


def test_rows_of_two_writers_do_not_mix(parrot: Engine, tmp_path: Path) -> None:
    items = items_of([str(write_list(tmp_path))])[:1]
    batch(items, tmp_path / "out.jsonl")
    with pytest.raises(ConfigError, match=r"rows of another writer \(template 1, not model tiny\)"):
        batch(items, tmp_path / "out.jsonl", Writer(parrot))


def test_one_record_that_does_not_fit_the_model_leaves_the_others_alone(parrot: Engine, tmp_path: Path) -> None:
    for seconds in (10, 5):
        write_simulated(simulate_recording(read_spec(["normal", f"duration_s={seconds}"])), tmp_path / f"{seconds}s")
    parrot.processor.ecg |= {"longest_s": 6.0}
    try:
        tally = batch(items_of([str(tmp_path)]), tmp_path / "out.jsonl", Writer(parrot, decoding=Decoding(32)))
    finally:
        parrot.processor.ecg |= {"longest_s": 60.0}
    rows = {Path(row["source"]).name: row for row in map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())}
    assert (tally.rows, tally.failed) == (2, 1)
    assert "reads at most 6 s, but the recording has 10 s" in rows["10s.hea"]["error"]["message"]
    assert rows["5s.hea"]["text"].startswith("Sinus rhythm")


def test_facts_are_what_was_measured_and_hold_on_the_trace() -> None:
    measurements = measure_recording(NORMAL)
    checked = verify(fact_block(measurements), measurements)
    assert checked.count(SUPPORTED) >= 8
    assert checked.count(CONTRADICTED) == 0
