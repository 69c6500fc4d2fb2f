"""Samples for a model that is told what was measured: nothing is quoted that it is not told, and questions share a conversation."""

from data_gen.instruct.draft import Answer, Draft
from data_gen.instruct.told import joined, only_told

TOLD = (
    "Measured: sinus rhythm, regular; heart rate 83 bpm; PR interval 144 ms.\nIn leads: Q wave 30 ms 0.21 mV in II; T wave -0.12 mV in V5."
)


def draft(text: str, free: bool = True) -> Draft:
    return Draft("report", (("Report?", Answer(text)),), free=free)


def test_a_sentence_with_a_number_that_is_not_told_is_cut_out() -> None:
    kept = only_told(draft("Sinus rhythm at 83 bpm. The QT interval is 390 ms. PR is 144 ms."), TOLD)
    assert kept is not None
    assert kept.pairs[0][1].text == "Sinus rhythm at 83 bpm. PR is 144 ms."


def test_a_number_told_of_one_lead_is_not_told_of_another_nor_of_another_wave() -> None:
    kept = only_told(draft("Rhythm is regular. Q wave of 30 ms in III. Q wave of 30 ms in II. The R wave is 0.21 mV in II."), TOLD)
    assert kept is not None
    assert kept.pairs[0][1].text == "Rhythm is regular. Q wave of 30 ms in II."


def test_an_answer_that_may_not_lose_a_sentence_is_kept_whole_or_not_at_all() -> None:
    assert only_told(draft("QT 390 ms.", free=False), TOLD) is None
    assert only_told(draft("QT 390 ms."), TOLD) is None
    assert only_told(draft("PR 144 ms.", free=False), TOLD) == draft("PR 144 ms.", free=False)


def test_questions_on_one_recording_share_a_conversation_of_so_many_turns() -> None:
    def row(k: int, ecg: str) -> dict[str, object]:
        turns = [{"role": "user", "text": f"q{k}"}, {"role": "assistant", "text": f"a{k}"}]
        return {"id": str(k), "task": "open", "ecgs": [ecg], "turns": turns}

    made = joined([row(k, "one") for k in range(5)], 2, 0)
    assert sorted(len(one["turns"]) // 2 for one in made) == [1, 2, 2]
    assert sorted(turn["text"] for one in made for turn in one["turns"] if turn["role"] == "user") == [f"q{k}" for k in range(5)]
    assert joined([row(1, "one"), row(2, "two")], 6, 0) in ([row(1, "one"), row(2, "two")], [row(2, "two"), row(1, "one")])
