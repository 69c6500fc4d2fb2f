"""One split by patient over PTB-XL, ECG-QA and the benchmarks."""

from pathlib import Path

import pytest

from data_gen.corpora.record import Record
from data_gen.split import EcgQa, LeakError, assigned, check, report
from gem.conversation import Origin
from gem.errors import ConfigError
from tests.data_gen import made_corpora as made


def record(number: int, patient: int, fold: int | None = 1, corpus: str = "ptbxl") -> Record:
    return Record(
        id=f"{corpus}/{number:05d}_hr",
        corpus=corpus,
        path=f"{number}",
        patient=f"{corpus}/{patient}",
        fold=fold,
        author=Origin(kind="clinician", name="x"),
        licence="x",
        data_class="open",
    )


QA = EcgQa(frozenset({1, 9}), frozenset({2}), frozenset({3}))


def test_folds_and_ecg_qa_split_together() -> None:
    records = [record(1, 1), record(2, 2), record(3, 3), record(4, 4, 9), record(5, 5, 10), record(6, 6, 8)]
    assert [r.split for r in assigned(records, QA)] == ["train", "held out", "held out", "valid", "test", "train"]


def test_a_patient_goes_where_his_strictest_record_goes() -> None:
    records = [record(6, 3), record(3, 3), record(7, 4, 2), record(8, 4, 10)]
    assert [r.split for r in assigned(records, QA)] == ["held out", "held out", "test", "test"]


@pytest.mark.parametrize("corpus", ["cpsc2018", "georgia", "csn"])
def test_out_of_domain_corpora_are_never_trained_on(corpus: str) -> None:
    assert {r.split for r in assigned([record(k, k, None, corpus) for k in range(50)], QA)} == {"test"}


def test_other_corpora_split_by_patient_in_the_shares_stated_and_the_same_every_time() -> None:
    records = [record(k, k // 2, None, "code15") for k in range(4000)]
    once = assigned(records, QA, seed=1)
    assert [r.split for r in once] == [r.split for r in assigned(records, QA, seed=1)]
    shares = {name: counts["patients"] / 2000 for name, counts in report(once, QA).items()}
    assert shares["train"] == pytest.approx(0.90, abs=0.02)
    assert shares["valid"] == pytest.approx(0.05, abs=0.015)
    assert shares["test"] == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(
    ("faulty", "says"),
    [
        ([record(1, 1).model_copy(update={"split": "train"}), record(6, 1).model_copy(update={"split": "valid"})], "in train and in valid"),
        ([record(4, 4, 9).model_copy(update={"split": "train"})], "of fold 9 is in train"),
        ([record(3, 3).model_copy(update={"split": "train"})], "ECG-QA's test asks about it"),
        ([record(1, 1, None, "csn").model_copy(update={"split": "train"})], "tested out of domain"),
    ],
)
def test_a_leak_is_loud(faulty: list[Record], says: str) -> None:
    with pytest.raises(LeakError, match=says):
        check(faulty, QA)


def test_lists_that_are_not_there_or_no_lists_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="train_ecgs"):
        EcgQa.read(tmp_path)
    folder = made.ecgqa(tmp_path, train="1 2")
    (folder / "test_ecgs.tsv").write_text("a\tb\n")
    with pytest.raises(ConfigError, match="two numbers"):
        EcgQa.read(folder)
