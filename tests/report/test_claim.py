"""Claims read from free text: what a reader of ECGs would take each sentence to assert."""

import pytest

from gem.report.claim import read_claims, sentences


def brief(text: str) -> list[tuple]:
    """(kind, subject, leads, value or word, negated, hedged) of each claim."""
    return [
        (c.kind, c.subject[0], c.leads, c.value if c.value is not None and c.kind != "finding" else c.word or None, c.negated, c.hedged)
        for c in read_claims(text)
    ]


INFERIOR = ("II", "III", "aVF")
CASES = [
    ("PR interval 160 ms.", [("value", "pr_interval", (), 160.0, False, False)]),
    ("The PR is 0.16 s.", [("value", "pr_interval", (), 0.16, False, False)]),
    ("Rate 72/min.", [("value", "heart_rate", (), 72.0, False, False)]),
    ("At 72 beats per minute.", [("value", "heart_rate", (), 72.0, False, False)]),
    ("Axis of -35°.", [("value", "qrs_axis", (), -35.0, False, False)]),
    ("QTc (Bazett) 440 ms.", [("value", "qtc_bazett", (), 440.0, False, False)]),
    ("QT/QTc 400/440 ms.", [("value", "qtc", (), 440.0, False, False)]),
    ("No ST elevation.", [("wave", "st_elevation", (), None, True, False)]),
    ("ST elevation is not seen in V1.", [("wave", "st_elevation", ("V1",), None, True, False)]),
    ("ST elevation in the inferior leads.", [("wave", "st_elevation", INFERIOR, None, False, False)]),
    ("2 mm ST elevation in II, III and aVF.", [("value", "st_elevation", INFERIOR, 2.0, False, False)]),
    ("T waves are inverted in III, upright in V2-V3.", [("word", "t", ("III",), "inverted", False, False), ("word", "t", ("V2", "V3"), "upright", False, False)]),
    ("Inverted T waves in V1 through V3.", [("wave", "t_inversion", ("V1", "V2", "V3"), None, False, False)]),
    ("The R wave in V5 is 2.1 mV.", [("value", "r", ("V5",), 2.1, False, False)]),
    ("R of 0.2 mV in V1 and 1.8 mV in V6.", [("value", "r", ("V1",), 0.2, False, False), ("value", "r", ("V6",), 1.8, False, False)]),
    ("rSR' in V1.", [("word", "pattern", ("V1",), "rSR'", False, False)]),
    ("Atrial fibrillation.", [("finding", "atrial_fibrillation", (), None, False, False)]),
    ("No atrial fibrillation or flutter waves.", [("finding", "atrial_fibrillation", (), None, True, False), ("finding", "atrial_flutter", (), None, True, False)]),
    ("Possible left ventricular hypertrophy.", [("finding", "lvh", (), None, False, True)]),
    ("Inferior infarction cannot be excluded.", [("finding", "q_inferior", (), None, False, True)]),
    ("Incomplete right bundle branch block.", [("finding", "rbbb_incomplete", (), None, False, False)]),
    ("LAFB but no RBBB.", [("finding", "lafb", (), None, False, False), ("finding", "rbbb", (), None, True, False)]),
    ("P waves are absent.", [("wave", "p", (), None, True, False)]),
    ("The rhythm is irregular.", [("word", "rhythm_regularity", (), "irregular", False, False)]),
    ("QRS is narrow.", [("word", "qrs", (), "narrow", False, False)]),
    ("The PR interval is not prolonged.", [("word", "pr_interval", (), "prolonged", True, False)]),
    ("Three PVCs (beats 2, 5 and 9).", [("count", "premature_ventricular", (), 3.0, False, False), ("finding", "premature_ventricular", (), None, False, False)]),
    ("Sokolow-Lyon index of 3.9 mV.", [("value", "sokolow_lyon", (), 3.9, False, False)]),
    ("No LVH (Sokolow-Lyon 1.9 mV).", [("finding", "lvh", (), None, True, False), ("value", "sokolow_lyon", (), 1.9, False, False)]),
    ("The patient complains of chest pain.", []),
    ("Clinical correlation is advised.", []),
    ("Not assessed (no P wave): first-degree AV block, short PR interval.", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_a_sentence_claims_what_a_reader_takes_it_to_claim(text: str, expected: list) -> None:
    found = brief(text)
    assert [c for c in found if c in expected] == expected
    assert len(found) <= len(expected) + (1 if text.startswith("QT/") else 0)


@pytest.mark.parametrize(
    ("text", "relation", "value", "upper"),
    [
        ("QRS > 120 ms", ">", 120.0, None),
        ("QRS of at least 120 ms", ">=", 120.0, None),
        ("QRS less than 120 ms", "<", 120.0, None),
        ("QRS about 100 ms", "~", 100.0, None),
        ("QRS between 80 and 100 ms", "range", 80.0, 100.0),
        ("QRS 80-100 ms", "range", 80.0, 100.0),
        ("QRS 80 to 100 ms", "range", 80.0, 100.0),
    ],
)
def test_comparisons_and_ranges(text: str, relation: str, value: float, upper: float | None) -> None:
    (claim,) = [c for c in read_claims(text) if c.kind == "value"]
    assert (claim.relation, claim.value, claim.upper) == (relation, value, upper)


def test_spans_point_into_the_text() -> None:
    text = "Rate and rhythm: Sinus rhythm at 64 bpm.\nConduction: PR interval 142 ms; no LBBB."
    for claim in read_claims(text):
        assert text[claim.start : claim.end] == claim.text
        assert claim.text


def test_headings_claim_nothing() -> None:
    assert read_claims("Ischaemia and repolarisation:\nConclusion:\n## Rhythm and axis\n**Ischemia:**") == []


def test_sentences_end_at_full_stops_and_lines_but_not_inside_numbers() -> None:
    text = "QRS 0.09 s. Axis 40 degrees.\nNo LBBB"
    assert [text[a:b] for a, b in sentences(text)] == ["QRS 0.09 s.", "Axis 40 degrees.", "No LBBB"]


def test_beats_are_kept() -> None:
    claim = read_claims("PVCs in beats 2, 5 and 9.")[0]
    assert claim.beats == (2, 5, 9)
