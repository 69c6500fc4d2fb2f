"""The arithmetic of the tables, by cases whose answer is known."""

from pathlib import Path

import numpy as np
import pytest

from eval.bench import network_multiply_adds
from eval.delineation import spread
from eval.devices import pairs_of, summary
from eval.fibrillation import FIBRILLATION, Case, ludb_cases, ptbxl_cases, scored
from eval.findings import wilson
from eval.noise import figures, plot
from eval.simulated import Compared


def test_wilson_agrees_with_the_textbook() -> None:
    share, low, high = wilson(45, 50)
    assert (share, round(low, 3), round(high, 3)) == (0.9, 0.786, 0.957)
    assert wilson(0, 10)[1] == pytest.approx(0.0, abs=1e-12)
    assert all(np.isnan(wilson(0, 0)))


def test_the_bootstrap_interval_holds_the_spread_and_narrows_with_n() -> None:
    rng = np.random.default_rng(1)
    few, many = (spread(rng.normal(0, 5, n)) for n in (30, 3000))
    assert few[0] < 5 < few[1]
    assert many[1] - many[0] < 0.3 * (few[1] - few[0])


def test_sensitivity_counts_fibrillation_and_specificity_the_rest() -> None:
    cases = [Case(Path("a"), True)] * 4 + [Case(Path("b"), False)] * 6
    called = [FIBRILLATION] * 3 + ["sinus rhythm"] + [FIBRILLATION] + ["not read: x"] * 5
    out = scored(cases, called)
    assert out["sensitivity"][:3] == (3, 4, 0.75)
    assert out["specificity"][:2] == (5, 6)


@pytest.mark.data
def test_both_corpora_have_cases_of_both_kinds(data: Path) -> None:
    for cases in (ptbxl_cases(data), ludb_cases(data)):
        assert {case.fibrillates for case in cases} == {True, False}
        assert len({case.path for case in cases}) == len(cases) > 100


def test_an_interval_under_noise_is_judged_where_the_truth_has_it(tmp_path: Path) -> None:
    def one(truth: float | None, found: float | None) -> Compared:
        return Compared({"qt_interval": truth}, {"qt_interval": found}, (), ())

    row = figures("qt_interval", [one(400, 404), one(400, 396), one(400, None), one(None, 380), one(400, 412)])
    assert (row["n"], row["kept"], row["bias"]) == (4, 0.75, 4)
    assert row["spread"] == pytest.approx(1.4826 * 4)
    assert figures("qt_interval", [one(400, None)])["kept"] == 0.0
    curve = {name: [row] * 7 for name in ("p_duration", "pr_interval", "qrs_duration", "qt_interval")}
    plot({"gem": curve, "neurokit": curve}, 5, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"


def test_the_multiply_adds_of_the_network_grow_with_leads_and_length() -> None:
    twelve = network_multiply_adds()
    assert 1e8 < twelve < 5e9
    assert network_multiply_adds(leads=6) < 0.6 * twelve
    assert network_multiply_adds(samples=5000) == pytest.approx(2 * twelve, rel=0.05)


def test_axes_are_compared_around_the_circle_and_what_is_absent_is_left_out() -> None:
    files = {"a": {"qrs_axis": (175.0, -175.0), "pr_interval": (150.0, None)}, "b": {"qrs_axis": (10.0, 4.0)}}
    assert summary(files) == {"qrs_axis": (2.0, 8.0, 2)}


@pytest.mark.data
def test_a_device_and_we_agree_on_the_rate_and_a_file_without_device_numbers_is_left_out(data: Path) -> None:
    theirs, ours = pairs_of(data / "formats" / "muse_xml" / "braveheart_example1.xml")["heart_rate"]
    assert ours == pytest.approx(theirs, abs=2)
    assert pairs_of(data / "formats" / "wfdb" / "made12.hea") == {}
