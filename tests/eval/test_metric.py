"""Figures against scikit-learn, intervals against what is known of them, and answers read strictly."""

import time

import numpy as np
import pytest
from sklearn.metrics import f1_score, hamming_loss, roc_auc_score

from eval.bootstrap import difference, draws, figure
from eval.metric import hamming, hard_auc, macro_auroc, macro_f1, mean, ratio, weighted_auroc
from eval.parse import number_in, option_of, terms_in, yes_or_no
from eval.sample import Score, scored, unparsed, unscored
from eval.superclass import TERMS, compat_labels, strict_labels

LABELS = ("NORM", "MI", "STTC", "CD", "HYP")


def made(n: int, seed: int = 0) -> list[Score]:
    rng = np.random.default_rng(seed)

    def some() -> list[str]:
        return [label for label in LABELS if rng.random() > 0.6]

    return [
        scored(
            rng.random() > 0.4,
            {"predicted": some(), "reference": some(), "soft": dict.fromkeys(LABELS, 0.0) | {x: round(rng.random(), 2) for x in LABELS}},
        )
        for _ in range(n)
    ]


def binary(scores: list[Score], name: str) -> np.ndarray:
    return np.array([[label in score.parsed[name] for label in LABELS] for score in scores], dtype=int)


def test_corpus_metrics_are_those_of_scikit_learn() -> None:
    scores = made(300)
    one = np.ones((1, 300))
    truth, guess = binary(scores, "reference"), binary(scores, "predicted")
    soft = np.array([[score.parsed["soft"][label] for label in LABELS] for score in scores])
    assert macro_f1("k", LABELS).function(scores, one)[0] == pytest.approx(f1_score(truth, guess, average="macro"), abs=1e-9)
    assert macro_auroc("k", LABELS).function(scores, one)[0] == pytest.approx(roc_auc_score(truth, soft, average="macro"), abs=1e-9)
    assert hard_auc("k", LABELS).function(scores, one)[0] == pytest.approx(roc_auc_score(truth, guess, average="macro"), abs=1e-9)
    assert hamming("k", LABELS).function(scores, one)[0] == pytest.approx(hamming_loss(truth, guess), abs=1e-9)


def test_a_weight_of_two_is_the_same_sample_twice() -> None:
    rng = np.random.default_rng(1)
    soft, truth = np.round(rng.random(40), 1), (rng.random(40) > 0.5).astype(float)
    twice = np.ones(40)
    twice[:10] = 2
    expected = roc_auc_score(np.r_[truth, truth[:10]], np.r_[soft, soft[:10]])
    assert weighted_auroc(soft, truth, twice[None])[0] == pytest.approx(expected, abs=1e-9)


def test_the_interval_of_a_mean_is_that_of_the_binomial() -> None:
    scores = [scored(k < 300) for k in range(1000)]
    one = figure(scores, [str(k) for k in range(1000)], mean("k"), 4000, 0)
    half = 1.96 * (0.3 * 0.7 / 1000) ** 0.5
    assert one.value == pytest.approx(0.3)
    assert (one.low, one.high) == pytest.approx((0.3 - half, 0.3 + half), abs=0.004)


def test_samples_of_one_patient_are_drawn_together() -> None:
    """Ten copies of each sample are no more evidence than one: the interval stays as wide."""
    scores = [scored(k < 30) for k in range(100)]
    one = figure(scores, [str(k) for k in range(100)], mean("k"), 4000, 0)
    ten = figure(scores * 10, [str(k) for k in range(100)] * 10, mean("k"), 4000, 0)
    assert ten.n == 1000
    assert ten.patients == 100
    assert (ten.low, ten.high) == pytest.approx((one.low, one.high), abs=0.02)
    assert all((w[:, :100] == w[:, 100:200]).all() for w in draws([str(k) for k in range(100)] * 2, 10, 0))


def test_unscored_samples_are_left_out_and_counted_and_unparsed_ones_count_as_wrong() -> None:
    one = figure([scored(1), unparsed("no letter"), unscored("no answer"), scored(1)], list("abcd"), mean("k"), 100, 0)
    assert one.value == pytest.approx(2 / 3)
    assert (one.n, one.unparsed, one.unscored) == (3, 1, 1)


def test_a_figure_without_a_case_is_not_defined_and_never_nan() -> None:
    scores = [scored(1, {"up": 0, "down": 0})] * 5
    one = figure(scores, list("abcde"), ratio("k", "up", "down"), 100, 0)
    assert one.value is None
    assert one.why


def test_a_paired_comparison_sees_what_two_intervals_hide() -> None:
    rng = np.random.default_rng(3)
    first = {str(k): scored(rng.random() > 0.5) for k in range(400)}
    second = {key: scored(1.0) if k % 10 == 0 else score for k, (key, score) in enumerate(first.items())}
    found = difference(first, second, {key: key for key in first}, mean("k"), 2000, 0)
    assert found is not None
    assert 0 < found.low < found.difference < found.high
    assert found.p < 0.01


def test_ten_thousand_draws_of_two_thousand_samples_take_seconds() -> None:
    """2 s is the aim on a free core (make bench measures it); here only that it is not a loop over draws."""
    scores, who = made(2000), [str(k) for k in range(2000)]
    begun = time.process_time()
    figure(scores, who, mean("k"), 10_000, 0)
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("NORM", ["NORM"]),
        ("ABNORMAL", []),
        ("MI; CD", ["MI", "CD"]),
        ("No MI. There is HYP.", ["HYP"]),
        ("no evidence of myocardial infarction, but hypertrophy", ["HYP"]),
        ("STTC (ST/T change)", ["STTC"]),
        ("STEMI", []),
    ],
)
def test_labels_are_whole_terms_and_negation_is_understood(text: str, said: list[str]) -> None:
    assert [label for label, there in terms_in(text, TERMS).items() if there] == said


def test_the_published_reading_takes_abnormal_for_normal_and_the_strict_one_does_not() -> None:
    assert compat_labels("ABNORMAL", ["NORM"]).value == 1.0
    assert strict_labels("ABNORMAL", ["NORM"]).outcome == "unparsed"


@pytest.mark.parametrize(
    ("text", "said"),
    [("Yes", True), ("no.", False), ("Yes, no doubt", True), ("It does not", None), ("yes or no", True), ("I say no", False), ("", None)],
)
def test_yes_or_no(text: str, said: bool | None) -> None:
    assert yes_or_no(text) is said


OPTIONS = ("A. sinus rhythm", "B. atrial fibrillation", "C. normal sinus rhythm", "D. none of these")


@pytest.mark.parametrize(
    ("text", "k"),
    [
        ("B", 1), ("B.", 1), ("(B)", 1), ("B) AF", 1), ("The answer is B. I rule out A.", 1), ("atrial fibrillation", 1), ("A. sinus rhythm", 0),
        ("normal sinus rhythm", 2), ("A rhythm that is hard to read", None), ("Answer: None of the ABOVE", None), ("It may be A or B", None), ("E", None), ("", None),
    ],
)  # fmt: skip
def test_an_option_is_read_by_position_never_by_the_first_letter_that_occurs(text: str, k: int | None) -> None:
    assert option_of(text, OPTIONS) == k


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("162 ms", "ms", 162), ("0.16 s", "ms", 160), ("PR 162 ms, rate 70 bpm", "bpm", 70), ("about 162", "ms", 162), ("70 bpm", "ms", None),
        ("160 ms or 200 ms", "ms", None), ("no number", "ms", None), ("-30 degrees", "deg", -30),
        ("recording number 9000050 in this folder cannot be interpreted at all", "ms", None),
    ],
)  # fmt: skip
def test_a_number_is_read_with_its_unit(text: str, unit: str, value: float | None) -> None:
    assert number_in(text, unit) == value
