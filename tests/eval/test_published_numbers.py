"""Every published figure stands under a task and a metric that exist, once, with its source."""

from collections import Counter

from eval.judge.rubrics import RUBRICS
from eval.published import published
from eval.task import tasks
from tests.eval.made_official import OFFICIAL

ROWS = published()


def test_every_figure_belongs_to_a_task_and_a_metric_of_ours() -> None:
    judged = {f"compat.{r.name}_{c.name}" for r in RUBRICS.values() for c in r.criteria} | {f"compat.{name}" for name in RUBRICS}
    for row in ROWS:
        assert row["task"] in OFFICIAL, row
        task = tasks()[row["task"]].model_construct()
        assert row["metric"] in task.metrics() or row["metric"] in judged, row
        assert row["source"]
        assert row["scoring"]


def test_no_figure_stands_twice_and_none_is_outside_its_scale() -> None:
    counts = Counter((row["task"], row["metric"], row["model"]) for row in ROWS)
    assert [key for key, count in counts.items() if count > 1] == []
    assert all(isinstance(row["value"], str) or 0 <= row["value"] <= 100 for row in ROWS)
    assert len(ROWS) > 200


def test_three_figures_that_are_known_by_heart() -> None:
    value = {(row["task"], row["metric"], row["model"]): row["value"] for row in ROWS}
    assert value["ecgbench_ptbxl_super", "compat.hard_auc", "PULSE-7B"] == 82.4
    assert value["grounded_gem_mimic", "compat.gem_DiagnosisAccuracy", "GEM (SFT LLaVA)"] == 87.24
    assert value["grounded_ecgr1_mimic", "compat.ecg_r1_DiagnosisAccuracy", "GEM"] == 74.7
