"""The worked cases of the published scorers: what they make of an answer (compat), and what it says (strict)."""

import csv
import random
from pathlib import Path

import pytest

from eval.official import compat, strict

MCQ = "A. normal ECG\nB. atrial fibrillation\nC. left bundle branch block\nD. sinus bradycardia\nE. low QRS voltage\nF. ST elevation\nG. atrial flutter\nH. right axis deviation"
OPTIONS = strict.options_of(f"Which diagnosis fits?\n{MCQ}")
SUFFIX = compat.FIXED_SUFFIX


@pytest.mark.parametrize(
    ("text", "published", "meant"),
    [
        ("NORM", ["NORM"], ["NORM"]),
        ("This ECG is ABNORMAL: MI", ["NORM", "MI"], ["MI"]),
        ("STTC; CD", ["STTC", "CD"], ["STTC", "CD"]),
        ("There is no evidence of MI. NORM", ["NORM", "MI"], ["NORM"]),
        ("MI is ruled out, HYP is present", ["MI", "HYP"], ["HYP"]),
        ("myocardial infarction", [], ["MI"]),
        ("There is no MI.", ["MI"], []),
        ("I cannot tell.", [], None),
    ],
)
def test_superclasses_of_ptbxl(text: str, published: list[str], meant: list[str] | None) -> None:
    assert compat.labels(text, compat.PTB_SUPER) == published
    assert strict.labels(text, strict.PTB_SUPER) == meant


@pytest.mark.parametrize(
    ("text", "published", "meant"),
    [
        ("LAFB", ["AF"], None),
        ("acute STEMI", ["STE"], None),
        ("III-AVB", ["I-AVB"], None),
        ("RBBB(right bundle branch block)", ["RBBB"], ["RBBB"]),
        ("AF; RBBB", ["AF", "RBBB"], ["AF", "RBBB"]),
        ("atrial fibrillation; right bundle branch block", [], ["AF", "RBBB"]),
        ("No PVC, no PAC; STD is seen", ["PAC", "PVC", "STD"], ["STD"]),
        ("ABNORMAL", ["NORM"], None),
    ],
)
def test_labels_of_cpsc(text: str, published: list[str], meant: list[str] | None) -> None:
    assert compat.labels(text, compat.CPSC) == published
    assert strict.labels(text, strict.CPSC) == meant


@pytest.mark.parametrize(
    ("text", "published", "meant"),
    [
        ("ABNORMAL, ST depression", ["ABNORMAL", "ST"], ["ABNORMAL"]),
        ("The rhythm could be AF. Answer: ST(sinus tachycardia)", ["ST"], ["ST"]),
        ("Answer: NORM", ["NORM"], ["NORM"]),
        ("1dAVb(1st degree av block); SB", ["1dAVb", "SB"], ["1dAVb", "SB"]),
        ("ST-segment elevation", ["ST"], None),
        ("normal", [], None),
    ],
)
def test_labels_of_code15(text: str, published: list[str], meant: list[str] | None) -> None:
    assert compat.code15_predicted(text) == published
    assert strict.labels(text, strict.CODE15) == meant


def test_the_reference_of_code15_is_exact_only_for_the_two_states() -> None:
    assert compat.code15_reference("NORM") == ["NORM"]
    assert compat.code15_reference("ABNORMAL") == ["ABNORMAL"]
    assert compat.code15_reference("SB; RBBB") == ["RBBB", "SB"]


@pytest.mark.parametrize(
    ("text", "published", "meant"),
    [
        ("B", "B", "B"),
        ("B. atrial fibrillation", "B", "B"),
        ("The answer is B. I rule out A.", "A", "B"),
        ("(B)", None, "B"),
        ("B) atrial fibrillation", None, "B"),
        ("Answer: None of the ABOVE", "A", None),
        ("The correct option is G", "G", "G"),
        ("The correct option is (G)", None, "G"),
        ("Answer: because of the ST segments, C", "C", None),
        ("atrial fibrillation", None, "B"),
        ("No atrial fibrillation but atrial flutter", None, "G"),
        ("It could be atrial flutter or atrial fibrillation", None, None),
        ("**D.** sinus bradycardia", "D", "D"),
        ("The answer is a normal ECG", None, "A"),
        ("", None, None),
    ],
)
def test_multiple_choice(text: str, published: str | None, meant: str | None) -> None:
    assert compat.letter(text) == published
    assert strict.letter(text, OPTIONS) == meant


def test_what_cannot_be_read_is_thrown_with_the_published_seed_in_the_order_of_the_file() -> None:
    dice = random.Random(42)
    assert compat.with_dice([None, "B", None], compat.LETTERS) == [dice.choice(compat.LETTERS), "B", dice.choice(compat.LETTERS)]


def ask(*options: str) -> str:
    return f"Question: Which leads show noise? Options: {', '.join(options)} {SUFFIX}"


@pytest.mark.parametrize(
    ("options", "text", "reference", "pulse", "gem", "meant"),
    [
        (("lead I", "lead II", "lead III"), "lead III", ["lead I"], False, True, False),
        (("lead I", "lead II", "lead III"), "lead I", ["lead I"], False, True, True),
        (("yes", "no", "not sure"), "not sure", ["not sure"], False, True, True),
        (("yes", "no", "not sure"), "No.", ["no"], True, True, True),
        (("early stage", "middle stage", "none"), "early stage", ["early stage"], True, True, True),
        (("qrs duration", "pr interval"), "pr interval / qrs duration", ["qrs duration", "pr interval"], True, True, True),
        (("lead V1", "lead V2", "lead V3"), "leads V1 and V3", ["lead V1", "lead V3"], False, False, True),
        (
            ("ischemic in anterior leads", "ischemic in anterolateral leads"),
            "ischemic in anterolateral leads",
            ["ischemic in anterior leads"],
            False,
            True,
            False,
        ),
        (("qrs duration", "pr interval"), "not the qrs duration but the pr interval", ["pr interval"], False, False, True),
        (("normal heart axis", "left axis deviation"), "normal heart axis", ["normal heart axis"], True, True, True),
    ],
)
def test_ecgqa(options: tuple[str, ...], text: str, reference: list[str], pulse: bool, gem: bool, meant: bool) -> None:
    prompt = ask(*options)
    assert compat.ecgqa_pulse(prompt, text, reference) == pulse
    assert compat.ecgqa_gem(prompt, text, "".join(reference)) == gem
    assert (strict.chosen(text, options) == set(reference)) == meant


def test_a_reference_that_is_a_string_never_matches_in_pulse_and_a_baseline_never_finds_a_capital() -> None:
    prompt = ask("qrs duration", "pr interval")
    assert not compat.ecgqa_pulse(prompt, "pr interval", "pr interval")
    assert compat.ecgqa_gem(ask("lead V1"), "lead V1", "lead V1")
    assert not compat.ecgqa_gem(ask("lead V1"), "lead V1", "lead V1", baseline=True)


@pytest.mark.parametrize(
    ("classes", "text", "reference", "published", "meant"),
    [
        (["no", "not sure", "yes"], "none", [], False, False),  # "no" is found in "none"
        (["no", "not sure", "yes"], "not sure", ["not sure"], False, True),
        (["no", "yes"], "Yes", ["yes"], True, True),
        (["lead I", "lead II"], "lead II", ["lead II"], False, True),
        (["non-specific intraventricular conduction disturbance (block)", "none"], "None", ["none"], True, True),
    ],
)
def test_ecgqas_own_script_for_language_models(classes: list[str], text: str, reference: list[str], published: bool, meant: bool) -> None:
    assert compat.ecgqa_llm(classes, text, reference) == published
    assert (strict.chosen(text, classes) == set(reference or ["none"])) == meant


def test_all_items_of_the_report_set_share_one_key_and_only_the_last_is_scored() -> None:
    ids = [f"ptb-report-{k:05d}_hr-0" for k in range(500)]
    assert {compat.report_key(one) for one in ids} == {"0"}
    assert compat.report_survivors(ids) == [499]
    assert compat.report_survivors(["a-0", "b-1", "c-0"]) == [1, 2]


@pytest.mark.data
def test_the_faults_count_among_the_answers_of_ecgqa_what_was_measured(data: Path) -> None:
    """benchmarks.md: "no" is contained in 21 others, 49 such pairs, and whole families are equal as sets of characters."""
    with (data / "ecgqa" / "ptbxl" / "answers.csv").open(encoding="utf-8") as stream:
        classes = [row["class"] for row in csv.DictReader(stream)]
    assert len(classes) == 104
    assert sum("no" in one and one != "no" for one in classes) == 21
    assert sum(a != b and a in b for a in classes for b in classes) == 49
    prompt = ask(*classes)
    for one in classes:
        assert strict.chosen(one, classes) == {one}, one
        assert strict.chosen(f"The answer is: {one}.", classes) in ({one}, set()), one
    equal = [(a, b) for a in classes for b in classes if a < b and set(a) == set(b)]
    assert ("lead I", "lead III") in equal
    assert ("complete right bundle branch block", "incomplete right bundle branch block") in equal
    assert not any(strict.chosen(a, classes) == {b} for a, b in equal)
    assert prompt.endswith(SUFFIX)
