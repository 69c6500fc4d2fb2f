"""Official files read as published, and what their answers are worth by both scorings."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eval.__main__ import main
from eval.official import reasoning, trial
from eval.official.options import listed, meant
from eval.official.rows import BrokenRow
from eval.official.unpack import main as unpack
from eval.sample import Answer, Sample, Score
from eval.task import Task, task_of
from gem.errors import ConfigError
from tests.eval.made_official import ECGQA_PROMPT, OFFICIAL, chain, llava


def read(name: str, folder: Path) -> tuple[Task, list[Sample]]:
    task = OFFICIAL[name](folder)
    return task, list(task.samples(folder))


def said(task: Task, sample: Sample, *texts: str) -> dict[str, Score]:
    return task.score(sample, [Answer(text=text) for text in texts])


def figures(task: Task, scores: list[dict[str, Score]]) -> dict[str, float]:
    """Every metric at weight one, over the samples that it is scored on; a metric without any is left out."""
    out = {}
    for name, metric in task.metrics().items():
        mine = [one[metric.of] for one in scores if one[metric.of].value is not None]
        if mine:
            out[name] = float(metric.function(mine, np.ones((1, len(mine))))[0])
    return out


def references(sample: Sample) -> list[str]:
    return [turn.reference if isinstance(turn.reference, str) else ", ".join(turn.reference) or "none" for turn in sample.turns]


@pytest.mark.parametrize("name", sorted(OFFICIAL))
def test_the_reference_itself_as_an_answer_is_right_in_the_strict_scoring(name: str, tmp_path: Path) -> None:
    task, samples = read(name, tmp_path)
    for sample in samples:
        scores = said(task, sample, *references(sample))
        for key, score in scores.items():
            if key.startswith("strict.") and "soft" not in key and "bleu" not in key:
                assert score.value is None or score.value > 0.99 or key in ("strict.meteor_exact", "strict.depth"), (sample.id, key, score)


@pytest.mark.parametrize("name", sorted(OFFICIAL))
def test_a_set_that_is_not_here_says_what_to_download_and_where_to_put_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is needed; download .* and put it at"):
        list(task_of(name).samples(tmp_path))


def test_place_holders_of_pictures_and_signals_are_not_part_of_a_question(tmp_path: Path) -> None:
    for name in ("ecgbench_ptbxl_super", "grounded_ecgr1_mimic", "elm_rows", "ecgbench_arena"):
        _, samples = read(name, tmp_path)
        assert not any("<" in turn.question for sample in samples for turn in sample.turns), name


def test_gems_files_name_a_signal_and_a_picture_and_pulses_only_a_picture(tmp_path: Path) -> None:
    _, samples = read("grounded_gem_ptbxl", tmp_path)
    assert samples[1].ecgs[0].path == "ecg_timeseries/ptbxl/records500/00000/00001_hr.hea"
    assert samples[1].pictures[0].path == "ecg_images/ptbxl/1.png"
    _, [first, *_] = read("ecgbench_cpsc", tmp_path)
    assert (first.pictures[0].path, first.ecgs) == ("ECGBench/images/made/00000_hr-0.png", ())
    with pytest.raises(ConfigError, match="LANSG/ECG-Grounding"):
        list(task_of("ecgbench_cpsc", {"file": str(tmp_path / "ecgbench_cpsc.json"), "show": "signal"}).samples(tmp_path))


def test_a_broken_row_is_kept_and_says_what_it_lacks(tmp_path: Path) -> None:
    rows = [
        llava("a", "a.png", "Which?", "NORM"),
        {"id": "b", "image": "b.png"},
        {"id": "c", "conversations": [{"from": "gpt", "value": "?"}]},
    ]
    (tmp_path / "x.json").write_text(json.dumps(rows), encoding="utf-8")
    task = task_of("ecgbench_ptbxl_super", {"file": str(tmp_path / "x.json")})
    samples = list(task.samples(tmp_path))
    assert [s.id for s in samples] == ["a", "b", "c"]
    for sample, why in zip(samples[1:], ("no conversations", "from a question to an answer"), strict=True):
        with pytest.raises(BrokenRow, match=why):
            said(task, sample, "NORM")


@pytest.mark.parametrize(("text", "what"), [("{", "is not JSON"), ("{}", "a list of rows"), ("[1]", "row 1 is not a JSON object")])
def test_a_file_of_another_kind_is_refused_with_its_name(text: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=what):
        list(task_of("ecgbench_csn", {"file": str(tmp_path / "x.json")}).samples(tmp_path))


def test_options_and_references_of_ecgqa_in_both_forms() -> None:
    assert listed(ECGQA_PROMPT) == ("lead I", "lead II", "lead V1", "none")
    assert listed("Options: bigeminal pattern (unknown, or ventricular), sinus rhythm") == (
        "bigeminal pattern (unknown, or ventricular)",
        "sinus rhythm",
    )
    assert meant("lead aVF/lead V3", ("lead aVF", "lead V3", "lead I")) == {"lead aVF", "lead V3"}
    assert meant("st/t change", ("st/t change", "none")) == {"st/t change"}
    assert meant(("lead I",), ("lead I",)) == {"lead I"}


def test_multi_label_figures_of_both_scorings(tmp_path: Path) -> None:
    task, samples = read("ecgbench_ptbxl_super", tmp_path)
    answers = ["This is ABNORMAL: no evidence of MI, but HYP", "MI; CD", "I do not know"]
    found = figures(task, [said(task, s, text) for s, text in zip(samples, answers, strict=True)])
    assert found["strict.exact"] == pytest.approx(1 / 3)
    assert found["strict.unparsed"] == pytest.approx(1 / 3)
    # Classes of the reference: CD, MI, NORM, STTC. Published: NORM is found in ABNORMAL, MI in its denial.
    assert found["compat.macro_f1"] == pytest.approx((1 + 2 / 3 + 1 + 0) / 4)
    assert found["strict.macro_f1"] == pytest.approx((1 + 1 + 0 + 0) / 4)
    assert found["compat.hamming_loss"] == pytest.approx(2 / 12)
    assert found["compat.hard_auc"] == pytest.approx((1 + 0.75 + 1 + 0.5) / 4)


def test_soft_scores_give_an_area_that_hard_answers_cannot(tmp_path: Path) -> None:
    OFFICIAL["ecgbench_ptbxl_super"](tmp_path)
    task = task_of("ecgbench_ptbxl_super", {"file": str(tmp_path / "ecgbench_ptbxl_super.json"), "soft": True})
    scores = []
    for sample in task.samples(tmp_path):
        gold = str(sample.turns[0].reference)
        sure = [Answer(likelihoods=(-0.1, -3.0) if turn.meta["label"] in gold else (-3.0, -0.1)) for turn in sample.turns[1:]]
        scores.append(task.score(sample, [Answer(text="?"), *sure]))
    assert [one["strict.soft"].value for one in scores] == [1.0, 1.0, 1.0]
    silent = task.score(sample, [Answer(text="NORM"), *[Answer() for _ in sample.turns[1:]]])
    assert "no likelihoods" in silent["strict.soft"].why


def test_a_choice_by_likelihood(tmp_path: Path) -> None:
    OFFICIAL["ecgbench_csn"](tmp_path)
    task = task_of("ecgbench_csn", {"file": str(tmp_path / "ecgbench_csn.json"), "soft": True})
    first = next(iter(task.samples(tmp_path)))
    assert (len(first.turns[0].options), first.turns[0].ask) == (8, "both")
    scores = task.score(first, [Answer(text="I rule out A.", likelihoods=(-9.0, -1.0, *[-5.0] * 6))])
    assert (scores["strict.soft_accuracy"].value, scores["strict.accuracy"].outcome, scores["compat.accuracy"].value) == (
        1.0,
        "unparsed",
        0.0,
    )


def test_mmmu_compares_the_whole_reference_and_is_found_by_its_number(tmp_path: Path) -> None:
    task, samples = read("ecgbench_mmmu", tmp_path)
    assert [s.id for s in samples] == ["m0", "m1"]
    assert said(task, samples[0], "C")["compat.accuracy"].value == 1.0


def test_ecgqa_of_two_recordings_shows_both_in_order(tmp_path: Path) -> None:
    _, [one, two] = read("ecgqa", tmp_path)
    assert [e.path for e in two.ecgs] == [f"ptbxl/records500/00000/{k:05d}_hr.hea" for k in (1, 2)]
    assert one.turns[0].question.endswith("explanation.")
    assert "None" not in one.turns[0].question
    assert two.turns[0].options == ("none", "pr interval", "qrs duration")


CHAIN = chain()["data"]
TURNS = reasoning.turns_of(CHAIN)
RIGHT = ["Yes", "Presence of thing 2", "Yes", "Leads V1 and V2", "[1.30s - 1.42s]", "120ms - 140ms", "Further findings are required to confirm the diagnosis",
         "Presence of sign 4", "Yes", "Yes"]  # fmt: skip


def test_a_chain_asks_every_stage_with_the_truth_before_it_except_the_first_answer() -> None:
    stages = [turn.meta["stage"] for turn in TURNS]
    assert stages == ["initial_diagnostic_question", "criterion_selection", "finding_identification", "lead_grounding", "wave_grounding",
                      "measurement_grounding", "diagnostic_decision", "criterion_selection", "finding_identification", "diagnostic_decision"]  # fmt: skip
    assert TURNS[0].given is None
    assert [turn.given for turn in TURNS[1:4]] == ["Presence of thing 2", "Yes", "Lead V1, Lead V2"]


@pytest.mark.parametrize(
    ("wrong", "ida", "hard", "soft", "depth", "gt_rda"),
    [
        (None, 1, 1, 1, 4, 1),
        (0, 0, 0, 1, 4, 1),  # the first question wrong: the chain itself is complete
        (1, 1, 0, 0, 0, 1),
        (2, 1, 0, 0, 1, 1),
        (4, 1, 0, 0, 2, 1),  # one of three places wrong: the stage is not reached
        (6, 1, 0, 0, 3, 1),
        (9, 1, 0, 0, 4, 0),
    ],
)
def test_what_a_chain_is_worth_when_one_answer_is_wrong(
    wrong: int | None, ida: int, hard: int, soft: int, depth: float, gt_rda: int, tmp_path: Path
) -> None:
    task, [sample, _] = read("ecg_reasoning", tmp_path)
    texts = [("No" if text == "Yes" else "something else") if k == wrong else text for k, text in enumerate(RIGHT)]
    scores = said(task, sample, *texts)
    assert [scores[f"strict.{key}"].value for key in ("ida", "completion_hard", "completion_soft", "depth", "gt_rda")] == [
        ida,
        hard,
        soft,
        depth,
        gt_rda,
    ]


@pytest.mark.parametrize(
    ("place", "text", "published", "meant"),
    [
        (0, "Yes, it does.", True, True),
        (0, "Normal ECG", False, False),
        (2, "not sure, but yes", True, False),  # ends with "yes"; the strict reader cannot tell
        (1, "thing 2", True, False),  # "presence of" may be left out as published
        (1, "The answer is: Presence of thing 2", False, True),
        (3, "lead V1, lead V2", True, True),
        (3, "V1, V2", True, True),
        (3, "V1", False, False),
        (3, "Lead V1", False, False),
        (4, "The answer is [1.30s - 1.42s]", False, True),
        (5, "120ms - 140ms", True, True),
        (5, "between 100ms - 120ms and 120ms - 140ms", False, False),
    ],
)
def test_single_answers_of_a_chain_by_both_readings(place: int, text: str, published: bool, meant: bool) -> None:
    turn = TURNS[place]
    assert reasoning.compat_right(turn.meta["stage"], turn.reference, text) == published
    assert reasoning.strict_right(turn, reasoning.strict_said(turn, text)) == meant


def test_a_no_that_is_a_normal_counts_as_no_as_published() -> None:
    assert reasoning.compat_right("finding_identification", "No", "Normal sinus rhythm")


def test_per_stage_figures_are_over_questions(tmp_path: Path) -> None:
    task, [sample, _] = read("ecg_reasoning", tmp_path)
    found = figures(task, [said(task, sample, *RIGHT), said(task, sample, *(["?"] * 3 + RIGHT[3:]))])
    assert found["strict.criterion"] == pytest.approx(3 / 4)
    assert found["strict.lead"] == 1.0
    assert found["strict.depth"] == pytest.approx(2.0)


def test_empty_answers_are_left_out_as_published_and_count_as_wrong_in_strict(tmp_path: Path) -> None:
    task, samples = read("elm_rows", tmp_path)
    found = figures(task, [said(task, samples[0], ""), said(task, samples[1], "72 bpm", "yes")])
    assert found["compat.exact"] == 1.0
    assert found["strict.exact"] == pytest.approx(2 / 3)
    assert samples[0].ecgs[0].lead_order is not None
    assert samples[0].ecgs[0].lead_order[3:6] == ("aVL", "aVR", "aVF")


@pytest.mark.data
def test_an_answer_file_of_the_published_form_goes_through_the_harness(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A duplicate id is counted, an item without an answer is a failed row, the rest is scored: exit 3."""
    rows = [
        llava(f"q{k}", f"{k}.png", f"Which?\n{text}", answer)
        for k, (text, answer) in enumerate([("A. x\nB. y", "B. y"), ("A. x\nB. y", "A. x"), ("A. x\nB. y", "A. x")])
    ]
    (tmp_path / "set.json").write_text(json.dumps([*rows, rows[0]]), encoding="utf-8")
    answers = [{"question_id": "q0", "prompt": "Which?", "text": "The answer is B. I rule out A.", "answer_id": "1", "model_id": "m", "metadata": {}},
               {"question_id": "q1", "prompt": "Which?", "text": "(A)", "answer_id": "2", "model_id": "m", "metadata": {}}]  # fmt: skip
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(one) + "\n" for one in answers), encoding="utf-8")
    recipe = f"""
name: published
tasks: {{ecgbench_csn: {{file: {tmp_path / "set.json"}, show: nothing}}}}
model: {{kind: answers, path: {tmp_path / "answers.jsonl"}}}
output: {tmp_path / "run"}
bootstrap_iters: 50
"""
    (tmp_path / "recipe.yaml").write_text(recipe, encoding="utf-8")
    assert main([str(tmp_path / "recipe.yaml")]) == 3
    out = capsys.readouterr()
    results = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))
    mine = results["results"]["ecgbench_csn"]
    assert (mine["strict.accuracy"]["value"], mine["strict.accuracy"]["n"]) == (1.0, 2)
    assert mine["compat.accuracy"]["value"] < 1.0  # "I rule out A." is A, "(A)" is thrown
    assert "1 ids were there twice" in out.err


def parquet(path: Path, name: str) -> None:
    row = llava("q1", "", "Which superclasses?", "NORM")
    picture = {"bytes": b"\x89PNG made here", "path": None}
    pq.write_table(pa.Table.from_pylist([{"id": "q1", "image_path": name, "image": picture, "conversations": row["conversations"]}]), path)


def test_the_parquet_of_ecgbench_is_read_as_it_is_and_unpacked(tmp_path: Path) -> None:
    parquet(tmp_path / "x.parquet", "ptb_test_v4/00001_hr-0.png")
    direct = list(task_of("ecgbench_ptbxl_super", {"file": str(tmp_path / "x.parquet")}).samples(tmp_path))
    assert (direct[0].id, direct[0].turns[0].reference, direct[0].pictures[0].path) == (
        "q1",
        "NORM",
        "ECGBench/images/ptb_test_v4/00001_hr-0.png",
    )
    folder = tmp_path / "ECGBench"
    assert unpack([str(tmp_path / "x.parquet"), "-o", str(folder), "--config", "ptb-test"]) == 0
    assert (folder / "images" / "ptb_test_v4" / "00001_hr-0.png").read_bytes() == b"\x89PNG made here"
    assert [s.doc_hash for s in task_of("ecgbench_ptbxl_super").samples(tmp_path)] == [s.doc_hash for s in direct]


@pytest.mark.parametrize("name", ["../../etc/x.png", "/elsewhere/x.png", ""])
def test_a_picture_does_not_leave_the_folder(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parquet(tmp_path / "x.parquet", name)
    assert unpack([str(tmp_path / "x.parquet"), "-o", str(tmp_path / "out"), "--config", "c"]) == 2
    assert "leads out of the folder" in capsys.readouterr().err
    assert list((tmp_path / "out" / "images").rglob("*")) == []


@pytest.mark.data
def test_every_shared_question_of_ecgqa_is_right_when_answered_with_its_reference(data: Path) -> None:
    """Real files: 1,605 questions of one and two recordings, all scorings, and the people they are of."""
    samples = [one for split in ("train", "valid") for one in task_of("ecgqa", {"split": split}).samples(data)]
    assert len(samples) == 1605
    assert {sample.meta["question_type"] for sample in samples} == {"single-verify", "comparison_irrelevant-query"}
    task = task_of("ecgqa")
    for sample in samples:
        scores = said(task, sample, " / ".join(sample.turns[0].reference))
        assert all(score.value == 1.0 for key, score in scores.items() if key != "strict.soft_accuracy"), (sample.id, scores)
    assert all(ecg.age is None or ecg.age < 120 for sample in samples for ecg in sample.ecgs)  # 300 stands for above 89
    assert len({sample.patient for sample in samples}) > 500


@pytest.mark.data
def test_the_strict_scorer_is_right_about_every_known_answer_and_the_published_ones_are_not(data: Path) -> None:
    found = trial.counts(data, ["valid"])
    for phrase, (_, by_scorer) in found.items():
        true, wrong = by_scorer["strict.accuracy"]
        assert {score.value for score in true} == {1.0}, phrase
        assert {score.value for score in wrong} == {0.0}, phrase
    denied = found["another denied"][1]
    assert all(sum(score.value or 0 for score in denied[name][0]) < 0.6 * len(denied[name][0]) for name in trial.SCORERS[1:])
