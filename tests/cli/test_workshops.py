"""gem data, train, eval: the workshops of the checkout, and one clear message where there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def gem(*words: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gem", *words], cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize(("word", "package"), [("data", "data_gen"), ("train", "train"), ("eval", "eval")])
def test_a_workshop_says_of_a_recipe_that_is_not_there(word: str, package: str, tmp_path: Path) -> None:
    ran = gem(word, "none.yaml", cwd=tmp_path)
    assert ran.returncode == 2
    assert "none.yaml: cannot be read" in ran.stderr
    assert ran.stdout == ""


def test_options_reach_the_workshop_and_its_exit_code_comes_back(tmp_path: Path) -> None:
    ran = gem("eval", "none.yaml", "--shard", "7/3", cwd=tmp_path)
    assert ran.returncode == 2
    assert gem("eval", "tasks", cwd=tmp_path).returncode == 0


def test_a_bare_wheel_says_that_it_holds_no_workshop(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "gem", tmp_path / "site" / "gem", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "elsewhere").mkdir()
    ran = gem("eval", "x.yaml", cwd=tmp_path / "elsewhere", PYTHONPATH=str(tmp_path / "site"))
    assert ran.returncode == 2
    assert "part of the checkout, not of the wheel" in ran.stderr
