"""Numbers by reference: what was told is quoted, nothing else, and comes back to the letter."""

from gem.infer.facts import fact_block
from gem.infer.quote import NAMES, open_token, quoted, spelled, told_numbers
from gem.measure.measure import measure_recording
from gem.simulate import PRESETS, simulate_recording

FACTS = (
    "Measured: sinus rhythm, regular; heart rate 83 bpm; PR interval 144 ms; QRS duration 111 ms; QT interval 383 ms; QTc (Bazett) 451 ms; "
    "QRS axis -19 degrees; T axis 144 degrees.\nIn leads: Q wave 30 ms 0.21 mV in II, 49 ms 0.35 mV in III; ST -0.12 mV in V2; T wave -0.21 mV in V5."
)


def test_every_number_of_a_block_of_facts_can_be_quoted() -> None:
    told = told_numbers(FACTS)
    assert told["QTc (Bazett)"] == "451"
    assert (told["Q ms III"], told["Q mV III"], told["ST V2"], told["T V5"]) == ("49", "0.35", "-0.12", "-0.21")
    measured = fact_block(measure_recording(simulate_recording(PRESETS["stemi_inferior"]).recording))
    assert {f"⟦{name}⟧" for name in told_numbers(measured)} <= set(NAMES)


def test_a_quoted_text_is_spelled_as_it_was() -> None:
    told = told_numbers(FACTS)
    for text in (
        "Sinus rhythm at 83 bpm. PR is 144 ms, QRS 111 ms, QTc (Bazett) 451 ms.",
        "The QRS axis is -19 degrees and the T axis 144 degrees.",
        "Q wave of 30 ms in II and 49 ms in III, Q wave of 0.21 mV in II and 0.35 mV in III.",
        "ST depression of 0.12 mV in V2. T wave inversion of 0.21 mV in V5.",
        "The QT interval is 390 ms.",
    ):
        assert spelled(quoted(text, told), told) == text


def test_quantities_of_one_value_are_told_apart_by_the_words_around() -> None:
    told = told_numbers(FACTS)
    assert quoted("PR interval 144 ms", told) == "PR interval ⟦PR interval⟧ ms"
    assert quoted("T axis of 144 degrees", told) == "T axis of ⟦T axis⟧ degrees"
    assert quoted("T wave inversion of 0.21 mV in V5", told) == "T wave inversion of ⟦T V5⟧ mV in V5"


def test_a_number_that_was_not_told_is_neither_quoted_nor_made_up() -> None:
    told = told_numbers(FACTS)
    assert quoted("PR interval 200 ms", told) == "PR interval 200 ms"
    assert spelled("P wave ⟦P wave duration⟧ ms", told) == "P wave ? ms"


def test_a_stream_waits_for_the_end_of_a_token() -> None:
    assert open_token("PR ⟦PR inter") == 3
    assert open_token("PR ⟦PR interval⟧ ms") == len("PR ⟦PR interval⟧ ms")
