"""The figures of public benchmarks against scikit-learn, nltk, sacrebleu and rouge-score."""

import random
import warnings

import numpy as np
import pytest
from nltk.translate.bleu_score import SmoothingFunction
from nltk.translate.bleu_score import corpus_bleu as nltk_bleu
from nltk.translate.meteor_score import exact_match
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU
from sklearn.metrics import f1_score, hamming_loss, roc_auc_score
from sklearn.preprocessing import MultiLabelBinarizer

from eval.metric import Metric
from eval.official import compat, figures, words
from eval.sample import Score, scored

WORDS = tuple("sinus rhythm normal ecg left axis deviation st depression in v4 v5 v6 t wave inversion no acute changes rate 72".split())  # noqa: SIM905


def point(metric: Metric, scores: list[Score]) -> float:
    return float(metric.function(scores, np.ones((1, len(scores))))[0])


def made_labels(seed: int, n: int = 200) -> list[Score]:
    rng = random.Random(seed)
    space = compat.CPSC
    rows = [([x for x in space if rng.random() < 0.3], [x for x in space[:-1] if rng.random() < 0.25]) for _ in range(n)]
    return [scored(0.0, {"predicted": said, "reference": true}) for said, true in rows]


def made_texts(seed: int, n: int = 60) -> tuple[list[str], list[str]]:
    rng = random.Random(seed)
    texts = [[" ".join(rng.choices(WORDS, k=rng.randint(1, 25))) for _ in range(n)] for _ in range(2)]
    return texts[0], texts[1]


@pytest.mark.parametrize("seed", range(5))
def test_multi_label_figures_are_scikit_learns_with_the_labels_of_the_reference(seed: int) -> None:
    scores = made_labels(seed)
    said, true = [s.parsed["predicted"] for s in scores], [s.parsed["reference"] for s in scores]
    binarizer = MultiLabelBinarizer()
    gold = binarizer.fit_transform(true)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a label that is in no reference is dropped with a warning
        guess = binarizer.transform(said)
    assert "STE" not in binarizer.classes_
    assert point(figures.macro_f1("k"), scores) == pytest.approx(np.mean(f1_score(gold, guess, average=None, zero_division=0)), abs=1e-12)
    assert point(figures.hamming_loss("k"), scores) == pytest.approx(hamming_loss(gold, guess), abs=1e-12)
    areas = [roc_auc_score(gold[:, k], guess[:, k]) for k in range(gold.shape[1])]
    assert point(figures.hard_auc("k"), scores) == pytest.approx(np.mean(areas), abs=1e-12)


def test_the_published_area_is_not_defined_when_every_item_has_a_label() -> None:
    scores = [scored(0.0, {"predicted": ["NORM"], "reference": ["NORM"]}) for _ in range(3)]
    assert np.isnan(point(figures.hard_auc("k"), scores))


def test_weights_count_an_item_as_often_as_it_is_drawn() -> None:
    scores = made_labels(7, 20)
    weights = np.array([[2.0] * 5 + [0.0] * 5 + [1.0] * 10])
    drawn = [*scores[:5], *scores[:5], *scores[10:]]
    space = [x for x in compat.CPSC if x != "STE"]
    for make in (figures.macro_f1, figures.hamming_loss, figures.hard_auc):
        metric = make("k", space)
        assert float(metric.function(scores, weights)[0]) == pytest.approx(point(metric, drawn))


def test_dice_are_thrown_in_the_order_of_the_file() -> None:
    read = [None, "A", None, "C", None]
    thrown = compat.with_dice(read, compat.LETTERS)
    scores = [scored(0.0, {"letter": one, "reference": gold}) for one, gold in zip(read, thrown, strict=True)]
    assert point(figures.dice_accuracy("k", compat.LETTERS), scores) == 1.0


def test_only_the_last_report_of_a_key_counts_as_published() -> None:
    scores = [scored(value, {"key": key}) for value, key in ((10, "0"), (50, "1"), (90, "0"))]
    assert point(figures.survivors("k"), scores) == 70.0


@pytest.mark.parametrize("seed", range(8))
def test_bleu_is_nltks_with_method_1(seed: int) -> None:
    said, true = made_texts(seed)
    expected = nltk_bleu([[t.split()] for t in true], [s.split() for s in said], smoothing_function=SmoothingFunction().method1)
    assert words.bleu_of(said, true) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_bleu_without_an_empty_order_is_sacrebleus(seed: int) -> None:
    true = [f"{text} is all there is" for text in made_texts(seed, 400)[0]]  # four tokens or more: see words.py
    rng = random.Random(seed)
    said = [" ".join(word if rng.random() < 0.8 else "other" for word in text.split()) for text in true]
    expected = BLEU(tokenize="none", smooth_method="none", force=True).corpus_score(said, [true]).score
    assert expected > 0
    assert words.bleu_of(said, true) * 100 == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_rouge_l_is_rouge_scores(seed: int) -> None:
    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    for said, true in zip(*made_texts(seed), strict=True):
        assert words.rouge_l(said, true) == pytest.approx(scorer.score(true, said)["rougeL"].fmeasure, abs=1e-12)


def test_meteor_pairs_tokens_as_nltk_does_and_rewards_order() -> None:
    for said, true in zip(*made_texts(3), strict=True):
        matched, _, _ = exact_match(said.split(), true.split())
        assert words._aligned(said.split(), true.split()) == sorted(matched)
    assert words.meteor("sinus rhythm normal ecg", "sinus rhythm normal ecg") > words.meteor(
        "ecg normal rhythm sinus", "sinus rhythm normal ecg"
    )


@pytest.mark.parametrize("function", [words.rouge_l, words.token_f1, words.meteor])
def test_texts_without_a_word_are_worth_nothing(function: object) -> None:
    assert [function(a, b) for a, b in (("", "a"), ("a", ""), ("", ""))] == [0.0, 0.0, 0.0]  # type: ignore[operator]


def test_token_f1_counts_each_token_once() -> None:
    assert words.token_f1("a a b", "a b c") == pytest.approx(2 * 2 / 6)
