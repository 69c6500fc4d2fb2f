"""The ruler: claims against measurements that the test knows."""

import pytest

from gem.report.tolerance import TOLERANCES, tolerance_of
from gem.report.verify import CONTRADICTED, NOT_CHECKABLE, NOT_MEASURED, SUPPORTED, verify
from tests.made import made


def judged(text: str, **changes: object) -> list[str]:
    return [v.verdict for v in verify(text, made(**changes)).verdicts]  # type: ignore[arg-type]


INFERIOR_ST = {lead: {"st_j": 0.2, "st_j60": 0.2} for lead in ("II", "III", "aVF")}
CASES = [
    ("Heart rate 70 bpm.", {}, SUPPORTED),
    ("Heart rate 85 bpm.", {}, CONTRADICTED),
    ("PR interval 168 ms.", {}, SUPPORTED),
    ("PR interval 171 ms.", {}, CONTRADICTED),
    ("PR 0.16 s.", {}, SUPPORTED),
    ("QRS duration > 120 ms.", {}, CONTRADICTED),
    ("QRS duration less than 100 ms.", {}, SUPPORTED),
    ("QTc 410 ms.", {}, SUPPORTED),
    ("QTc (Bazett) 480 ms.", {}, CONTRADICTED),
    ("QRS axis 45 degrees.", {}, SUPPORTED),
    ("Left axis deviation.", {}, CONTRADICTED),
    ("Left axis deviation.", {"qrs_axis": -45.0}, SUPPORTED),
    ("Normal axis.", {}, SUPPORTED),
    ("R wave of 1.0 mV in V5.", {}, SUPPORTED),
    ("R wave of 10 mm in V5.", {}, SUPPORTED),
    ("R wave of 2.0 mV in V5.", {}, CONTRADICTED),
    ("S wave of 0.3 mV in V5.", {}, SUPPORTED),
    ("Q wave of 0.2 mV in III.", {}, CONTRADICTED),
    ("R wave of 1.0 mV.", {}, NOT_CHECKABLE),
    ("ST elevation in II, III and aVF.", {"leads": INFERIOR_ST}, SUPPORTED),
    ("ST elevation of 2 mm in II.", {"leads": INFERIOR_ST}, SUPPORTED),
    ("ST depression in II.", {"leads": INFERIOR_ST}, CONTRADICTED),
    ("ST elevation in II, III and V2.", {"leads": INFERIOR_ST}, CONTRADICTED),
    ("No ST elevation.", {"leads": INFERIOR_ST}, CONTRADICTED),
    ("No ST elevation in V2.", {"leads": INFERIOR_ST}, SUPPORTED),
    ("No ST elevation or depression.", {}, SUPPORTED),
    ("T wave inversion in V2.", {}, CONTRADICTED),
    ("T wave inversion in V2.", {"leads": {"V2": {"t_amplitude": -0.2}}}, SUPPORTED),
    ("T waves are upright in V2.", {"leads": {"V2": {"t_amplitude": -0.2}}}, CONTRADICTED),
    ("Rs pattern in V5.", {}, SUPPORTED),
    ("QS complex in V5.", {}, CONTRADICTED),
    ("Sinus rhythm.", {}, SUPPORTED),
    ("Atrial fibrillation.", {}, CONTRADICTED),
    ("No atrial fibrillation.", {}, SUPPORTED),
    ("Irregular rhythm.", {}, CONTRADICTED),
    ("P waves are absent.", {}, CONTRADICTED),
    ("P waves are absent.", {"rhythm": "atrial fibrillation"}, SUPPORTED),
    ("PR interval 160 ms.", {"rhythm": "atrial fibrillation", "absent": {"pr_interval": "no P wave before any QRS"}}, CONTRADICTED),
    ("QT interval 400 ms.", {"absent": {"qt_interval": "no end of the T wave found"}}, NOT_MEASURED),
    ("Possible LVH.", {}, NOT_CHECKABLE),
    ("Possible LVH.", {"sokolow_lyon": 4.0, "leads": {x: {"st_j60": -0.1, "t_amplitude": -0.2} for x in ("V5", "V6")}}, SUPPORTED),
    ("Prolonged QT interval.", {}, CONTRADICTED),
    ("The PR interval is normal.", {}, SUPPORTED),
    ("The QRS is wide.", {"qrs_lead_median": 130.0}, SUPPORTED),
    ("The QRS is narrow.", {"qrs_lead_median": 130.0}, CONTRADICTED),
    ("Normal ECG.", {}, SUPPORTED),
    ("Normal ECG.", {"pr_interval": 240.0}, CONTRADICTED),
    ("U waves in V2.", {}, NOT_CHECKABLE),
    ("One PVC (beat 4).", {"kinds": ("normal", "normal", "normal", "pvc")}, SUPPORTED),
    ("Two PVCs.", {"kinds": ("normal", "normal", "normal", "pvc")}, CONTRADICTED),
    ("RR intervals 820 to 900 ms.", {}, SUPPORTED),
    ("RR intervals 600 to 900 ms.", {}, CONTRADICTED),
]


@pytest.mark.parametrize(("text", "changes", "expected"), CASES, ids=[f"{k} {text}" for k, (text, _, _) in enumerate(CASES)])
def test_a_claim_gets_the_verdict_the_numbers_give(text: str, changes: dict, expected: str) -> None:
    verdicts = judged(text, **changes)
    assert verdicts, "no claim was read"
    worst = next((v for v in (CONTRADICTED, NOT_MEASURED, NOT_CHECKABLE) if v in verdicts), SUPPORTED)
    assert worst == expected, verify(text, made(**changes)).verdicts


@pytest.mark.parametrize("name", ["pr_interval", "qt_interval", "heart_rate"])
def test_the_tolerance_is_where_the_verdict_turns(name: str) -> None:
    unit = "bpm" if name == "heart_rate" else "ms"
    measured = made().of_all[name].value
    assert measured is not None
    width = tolerance_of(name).width(measured)
    said = name.replace("_", " ")
    assert judged(f"{said} {measured + 0.95 * width:.2f} {unit}") == [SUPPORTED]
    assert judged(f"{said} {measured + 1.05 * width:.2f} {unit}") == [CONTRADICTED]
    assert judged(f"{said} {measured - 1.05 * width:.2f} {unit}") == [CONTRADICTED]


def test_every_tolerance_is_positive() -> None:
    assert all(t.absolute > 0 and t.share >= 0 for t in TOLERANCES.values())


def test_a_sentence_is_as_good_as_its_worst_claim() -> None:
    checked = verify("Sinus rhythm at 70 bpm. QRS 140 ms, PR 160 ms. The patient is well.", made())
    assert [checked.of_sentence(k) for k in range(3)] == [SUPPORTED, CONTRADICTED, NOT_CHECKABLE]
    assert checked.to_json()["claims"] == {"supported": 3, "contradicted": 1, "not measured": 0, "not checkable": 0}


def test_every_verdict_says_why_with_the_measured_value() -> None:
    (verdict,) = verify("PR interval 220 ms.", made()).verdicts
    assert verdict.why == "pr interval measured 160 ms, text 220 (tolerance 10)"
