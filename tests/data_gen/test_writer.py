"""The template writer: every task, every phrasing, read back through the ruler."""

import re
from itertools import chain as flat

import pytest

from data_gen.facts import Facts
from data_gen.instruct.accept import accept
from data_gen.instruct.chain import rule_of
from data_gen.instruct.compare import comparison
from data_gen.instruct.draft import Draft, Voice, phrases
from data_gen.instruct.write import TASKS, counts, drafts, refused
from gem.knowledge.find import criteria
from gem.report.claim import read_claims
from tests.data_gen.test_facts import facts

_V = {f"V{k}": {"st_j": -0.12, "st_j60": -0.12, "st_form": "horizontal"} for k in (4, 5, 6)}
CASES: dict[str, Facts] = {
    "normal": facts({"NORM": (), "SR": ("sinus_rhythm",)}, normal=True),
    "av block": facts(pr_interval=242.0),
    "voltage": facts(sokolow_lyon=4.2),
    "depression": facts(leads=_V),  # type: ignore[arg-type]
    "left axis": facts(qrs_axis=-42.0),
    "fibrillation": facts(rhythm="atrial fibrillation", regular=False, absent={"pr_interval": "no P waves", "p_duration": "no P waves"}),
    "pvc": facts(kinds=(*("normal",) * 4, "pvc", *("normal",) * 5)),
    "disputed": facts({"NORM": ()}, normal=True, sokolow_lyon=4.2),
}
FILLED = {
    "what": "left axis deviation", "unit": "ms", "lead": "V2", "beat": 3, "options": "a, b", "sentence": "x", "which": "tallest", "thing": "name",
    "why": "noise", "rhythm": "sinus rhythm", "rate": "70 bpm", "word": "regular", "low": 820, "high": 900, "are": "is", "count": "one",
    "noun": "premature ventricular complex", "s": "", "beats": "5", "value": "92 ms", "qtc": "420 ms", "finding": "left axis deviation",
    "evidence": "QRS axis -42 degrees", "leads": "V4 and V5", "list": "left axis deviation", "a": "an", "pattern": "rS",
}  # fmt: skip
UNITS = {"axis": "-42 degrees", "lead": "0.40 mV", "beat.t": "0.40 mV"}


def made(task: str, seed: int, case: Facts) -> Draft | None:
    return TASKS[task](case, Voice(f"{task} {seed}"))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("case", CASES)
def test_what_the_writer_says_is_accepted(task: str, case: str) -> None:
    made_some = [draft for seed in range(40) if (draft := made(task, seed, CASES[case]))]
    faults = [fault for draft in made_some for fault in accept(draft, [CASES[case]]).rejected]
    assert faults == []
    assert all(draft.pairs and all(q and a.text for q, a in draft.pairs) for draft in made_some)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_written_for_some_ecg_and_differs_between_seeds(task: str) -> None:
    texts = {str(draft.pairs) for case in CASES.values() for seed in range(30) if (draft := made(task, seed, case))}
    assert len(texts) > 5


def test_every_declarative_phrasing_makes_a_claim() -> None:
    silent = ("ask.", "quality.", "refuse.", "unmet", "met")
    for key, lines in phrases().items():
        if key.startswith(silent):
            continue
        unit = next((value for start, value in UNITS.items() if key.startswith(start)), "92 ms")
        for line in lines:
            assert read_claims(line.format(**FILLED | {"value": unit})), f"{key}: {line}"


def test_answers_of_closed_questions_say_what_the_trace_says() -> None:
    block = CASES["av block"]
    for seed in range(60):
        draft = made("close-ended", seed, block)
        if draft and draft.meta["findings"] == ["av_block_1"]:
            assert draft.pairs[0][1].text.startswith("Yes")
        mcq = made("mcq", seed, block)
        if mcq and "first-degree AV block" in mcq.pairs[0][0] and mcq.meta["findings"] == ["av_block_1"]:
            letter = re.search(r"([A-H])\. first-degree AV block", mcq.pairs[0][0])
            assert letter
            assert re.search(rf"\b{letter[1]}\b", mcq.pairs[0][1].text)


def test_wrong_options_are_of_the_family_of_the_right_one() -> None:
    questions = [
        q for seed in range(60) if (d := made("mcq", seed, CASES["av block"])) and d.meta["findings"] == ["av_block_1"] for q, _ in d.pairs
    ]
    near = ("AV block", "bundle", "fascicular", "axis", "conduction", "PR interval", "pre-excitation")
    options = list(flat.from_iterable(q.split("\n")[1:] for q in questions))
    assert len(options) > 20
    assert sum(any(word in option for word in near) for option in options) > 0.8 * len(options)


def test_a_label_set_with_a_disputed_label_is_not_asked() -> None:
    sets = [d.meta["set"] for seed in range(60) if (d := made("multi-label", seed, CASES["disputed"]))]
    assert sets
    assert "PTB-XL" not in sets


def test_a_chain_offers_one_right_criterion_and_decides_by_it() -> None:
    found = [d for seed in range(60) if (d := made("chain", seed, CASES["av block"])) and d.meta["findings"] == ["av_block_1"]]
    assert found
    for draft in found:
        (question, first), (_, met), (_, where), (_, verdict) = draft.pairs
        assert question.count(rule_of("av_block_1")) == 1
        assert first.text.endswith(rule_of("av_block_1"))
        assert met.text.startswith("Yes")
        assert "242 ms" in where.text
        assert "no" not in verdict.text.lower().split()
    assert len({rule_of(key) for key in criteria()}) > 40


def test_a_comparison_is_true_of_both_and_says_when_there_is_no_difference() -> None:
    texts = []
    for seed in range(40):
        pair = [CASES["normal"], CASES["av block"]]
        draft = comparison(*pair, Voice(f"{seed}"))
        if draft:
            assert accept(draft, pair).rejected == ()
            texts.append(draft.pairs[0][1].text)
    assert any("242 ms in the second" in text for text in texts)
    assert any("Only the second ECG shows first-degree AV block" in text for text in texts)
    assert any("no clear difference" in text for text in texts)


def test_what_cannot_be_read_or_measured_is_refused_with_the_reason() -> None:
    (draft,) = refused("all leads are flat", "x", 0)
    assert "all leads are flat" in draft.pairs[0][1].text
    texts = [d.pairs[0][1].text for seed in range(30) if (d := made("refusal", seed, CASES["fibrillation"]))]
    assert any("no P waves" in text for text in texts)


def test_normal_is_said_only_where_nobody_disputes_it() -> None:
    said = {name: " ".join(made("report", seed, case).pairs[0][1].text for seed in range(20)) for name, case in CASES.items()}  # type: ignore[union-attr]
    assert "ormal ECG" in said["normal"]
    assert all("ormal ECG" not in text for name, text in said.items() if name != "normal")


def test_the_mix_is_kept_on_average_and_the_same_seed_says_the_same() -> None:
    number = sum(counts({"measure": 1.3}, Voice(f"{k}"))["measure"] for k in range(4000)) / 4000
    assert number == pytest.approx(1.3, abs=0.03)
    mix = dict.fromkeys(TASKS, 2.0)
    assert drafts(CASES["pvc"], mix, 1) == drafts(CASES["pvc"], mix, 1)
    assert drafts(CASES["pvc"], mix, 1) != drafts(CASES["pvc"], mix, 2)
