"""What may enter: judged on measurements made by hand."""

import pytest

from data_gen.instruct.accept import Judged, Seen, accept
from data_gen.instruct.draft import Answer, Draft
from tests.data_gen.test_facts import facts

FACTS = facts(codes={"SR": ("sinus_rhythm",)})
TRUE = "The PR interval is 160 ms."


def judged(text: str, free: bool = True, **changes: object) -> Judged:
    return accept(Draft("t", (("?", Answer(text, **changes)),), free=free), [FACTS])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", [TRUE, "Sinus rhythm at 70 bpm.", "No left bundle branch block.", "R wave of 1.00 mV in V5.", "Let us begin. " + TRUE]
)
def test_what_the_trace_supports_is_accepted(text: str) -> None:
    result = judged(text)
    assert result.draft is not None
    assert result.draft.pairs[0][1].text == text
    assert result.rejected == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The PR interval is 230 ms.", "contradicted"),
        ("R wave of 0.20 mV in V5.", "contradicted"),
        ("Left bundle branch block.", "contradicted"),
        ("There is no sinus rhythm.", "contradicted"),
        ("The U wave is 0.3 mV in V3.", "unsupported"),
        ("The T waves look strange.", "unsupported"),
        ("There were 14 of them in V2.", "unsupported"),
        ("The patient has taken 3 tablets.", "unsupported"),
    ],
)
def test_a_sentence_that_it_does_not_support_is_cut_from_a_free_answer_or_ends_a_short_one(text: str, kind: str) -> None:
    kept = judged(f"{TRUE} The QRS axis is 40 degrees. Sinus rhythm. {text}")
    assert kept.draft is not None
    assert kept.draft.pairs[0][1].text == f"{TRUE} The QRS axis is 40 degrees. Sinus rhythm."
    assert [(r.scope, r.kind, r.text) for r in kept.rejected] == [("sentence", kind, text)]
    short = judged(f"{TRUE} {text}", free=False)
    assert short.draft is None
    assert short.rejected[0].scope == "sample"
    assert short.rejected[0].why


def test_an_answer_that_loses_too_much_is_rejected_whole() -> None:
    assert judged(f"{TRUE} The QRS axis is 90 degrees.").draft is None


def test_a_line_that_loses_all_its_sentences_loses_its_heading_too() -> None:
    result = judged(f"Step 2, intervals: {TRUE} The QRS axis is 40 degrees.\nStep 3, chambers: Left ventricular hypertrophy.")
    assert result.draft is not None
    assert result.draft.pairs[0][1].text == f"Step 2, intervals: {TRUE} The QRS axis is 40 degrees."


@pytest.mark.parametrize(
    "text",
    [
        f"According to the report, {TRUE}",
        f"From the provided measurements: {TRUE}",
        f"{TRUE} As an AI I may err.",
        f"<image> {TRUE}",
        f"The computed values are normal. {TRUE}",
    ],
)
def test_style_that_betrays_its_source_is_rejected(text: str) -> None:
    result = judged(text)
    assert result.draft is None
    assert result.rejected[0].kind == "style"


def test_a_short_answer_is_judged_by_what_it_asserts() -> None:
    assert judged("160 ms", asserts=((0, TRUE),)).draft is not None
    assert judged("230 ms", asserts=((0, "The PR interval is 230 ms."),)).draft is None
    loose = judged("230 ms", asserts=((0, TRUE),))
    assert loose.draft is None
    assert loose.rejected[0].kind == "unchecked"


def test_a_disputed_finding_may_not_be_asserted() -> None:
    disputed = facts({"NORM": ()}, normal=True, sokolow_lyon=4.1)
    draft = Draft("t", (("?", Answer("Voltage criteria for left ventricular hypertrophy: Sokolow-Lyon 4.10 mV.")),))
    result = accept(draft, [disputed])
    assert result.draft is None
    assert "disagree" in result.rejected[0].why
    assert accept(draft, [facts(sokolow_lyon=4.1)]).draft is not None


def test_each_recording_is_judged_by_itself() -> None:
    other = facts(pr_interval=240.0)
    answer = Answer(
        "The PR interval is 160 ms in the first and 240 ms in the second ECG.", asserts=((0, TRUE), (1, "The PR interval is 240 ms."))
    )
    assert accept(Draft("compare", (("?", answer),)), [FACTS, other]).draft is not None
    assert accept(Draft("compare", (("?", answer),)), [other, FACTS]).draft is None


def test_repeats_are_seen_and_others_are_not() -> None:
    seen = Seen()
    one = Draft("t", (("What is the PR interval?", Answer(TRUE)),))
    assert not seen.repeats(one)
    assert seen.repeats(Draft("t", (("What is the PR interval?", Answer("The PR interval is 160 ms")),)))
    assert not seen.repeats(Draft("other", one.pairs))
    assert not seen.repeats(Draft("t", (("How long does the QRS last?", Answer("The QRS duration is 92 ms.")),)))
