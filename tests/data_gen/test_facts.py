"""The fact sheet, and what it does where labels or report and trace disagree."""

from dataclasses import replace

import pytest

from data_gen.corpora.record import Record
from data_gen.facts import Facts
from gem.conversation import Origin
from gem.knowledge.find import find
from tests.made import made

LVH = {"sokolow_lyon": 4.1}


def facts(
    codes: dict[str, tuple[str, ...]] | None = None, english: str = "", normal: bool | None = None, report: str = "", **changes: object
) -> Facts:
    record = Record(
        id="ptbxl/00001_hr",
        corpus="ptbxl",
        path="x",
        patient="ptbxl/1",
        codes=codes or {},
        normal=normal,
        english=english,
        report=report,
        author=Origin(kind="clinician", name="x"),
        licence="x",
        data_class="open",
        split="train",
    )
    measured = made(**changes)  # type: ignore[arg-type]
    return Facts(record, measured, find(measured))


def test_a_finding_that_labels_name_is_present_and_one_they_deny_is_disputed() -> None:
    agreed = facts({"VCLVH": ("lvh_voltage",), "SR": ("sinus_rhythm",)}, **LVH)
    assert "lvh_voltage" in {f.id for f in agreed.present}
    assert agreed.conflicts == ()
    denied = facts({"NORM": (), "SR": ("sinus_rhythm",)}, normal=True, **LVH)
    assert "lvh_voltage" in denied.disputed
    assert not denied.has("lvh_voltage")
    assert not denied.denies("lvh_voltage")
    assert [(c.kind, c.about) for c in denied.conflicts] == [("found only", "lvh_voltage")]


def test_a_label_that_the_trace_does_not_bear_out_is_neither_asserted_nor_denied() -> None:
    one = facts({"IMI": ("q_inferior",), "SR": ("sinus_rhythm",)})
    assert [(c.kind, c.about) for c in one.conflicts] == [("said only", "IMI")]
    assert not one.has("q_inferior")
    assert not one.denies("q_inferior")
    assert one.denies("q_lateral")


def test_a_sentence_of_the_report_that_the_trace_contradicts_is_listed() -> None:
    one = facts(english="Sinus rhythm. Left bundle branch block.")
    assert [(c.kind, c.about) for c in one.conflicts] == [("sentence", "Left bundle branch block")]
    assert "lbbb" in one.disputed


def test_without_labels_the_trace_speaks_alone() -> None:
    one = facts(**LVH)
    assert one.has("lvh_voltage")
    assert one.conflicts == ()


@pytest.mark.parametrize("key", ["findings", "absent", "not_measured", "per_lead", "beat_kinds", "rhythm", "quality", "global"])
def test_the_sheet_holds_what_a_teacher_may_use_and_nobody_s_name(key: str) -> None:
    sheet = facts(absent={"pr_interval": "no P waves"}, **LVH).sheet()
    assert sheet[key]
    assert sheet["not_measured"]["pr_interval"] == "no P waves"
    assert "ptbxl" not in str(sheet)


def test_sheets_do_not_name_what_is_disputed_as_present_or_absent() -> None:
    sheet = facts({"NORM": ()}, normal=True, **LVH).sheet()
    texts = [finding["text"] for finding in sheet["findings"]] + sheet["absent"]
    assert "voltage criteria for left ventricular hypertrophy" in sheet["disputed"]
    assert "voltage criteria for left ventricular hypertrophy" not in texts


def test_a_wave_that_the_report_contradicts_is_disputed_like_a_finding() -> None:
    one = facts(english="T wave inversion in V4, V5.")
    assert "t_inversion" in one.disputed
    assert replace(one).conflicts == one.conflicts


def test_a_label_without_support_leaves_no_conclusion_and_a_disputed_beat_no_regularity() -> None:
    assert facts({"SR": ("sinus_rhythm",)}).complete
    assert not facts({"IMI": ("q_inferior",), "SR": ("sinus_rhythm",)}).complete
    assert facts({"SR": ("sinus_rhythm",)}).beats_agreed
    assert not facts({"PVC": ("premature_ventricular",), "SR": ("sinus_rhythm",)}).beats_agreed


def test_labels_that_name_no_rhythm_do_not_deny_the_one_that_is_found() -> None:
    assert facts({"NORM": ()}, normal=True).has("sinus_rhythm")
    assert not facts({"AFIB": ("atrial_fibrillation",)}).has("sinus_rhythm")


def test_a_phrase_of_an_untranslated_report_is_enough_to_dispute() -> None:
    one = facts({"SR": ("sinus_rhythm",)}, report="sinusrhythmus periphere niederspannung etwas unbekanntes")
    assert "low_voltage" in one.disputed
    assert not one.denies("low_voltage")
