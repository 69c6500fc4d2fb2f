"""The mutation corpus: a fixed 2,000 files in every run, 20,000 others when asked for (`-m slow`)."""

import random

import pytest

from tests.ecg.mutate import damaged, run_format, seeds

FORMATS = list(seeds())


def holds(name: str, count: int, seed: int) -> None:
    row = run_format(name, count, seed)
    assert row.broken == []
    assert row.files == row.read + row.errors.total() == count


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_reads_or_is_one_typed_error(name: str) -> None:
    holds(name, -(-2000 // len(FORMATS)), seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_twenty_thousand_damaged_files_read_or_are_typed_errors(name: str) -> None:
    holds(name, -(-20_000 // len(FORMATS)), seed=2)


def test_damage_is_seeded_and_real() -> None:
    content = b"The quick brown fox 123 jumps over 4.56 lazy dogs" * 20
    made = [damaged(content, random.Random(7)) for _ in range(2)]
    assert made[0] == made[1]
    assert sum(damaged(content, random.Random(k)) != content for k in range(100)) > 90
