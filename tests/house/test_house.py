"""The wheel, the public surface, start-up, and words that agree with the disk."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import gem
from gem.cli import parser

ROOT = Path(__file__).parents[2]
TOP = {"gem", "data_gen", "train", "eval", "configs", "tests", "README.md", "pyproject.toml", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"}
TOP |= {"Makefile", "constraints.txt", ".ci", ".gitignore"}


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT).stdout


def tracked() -> list[str]:
    out = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return [line for line in out.splitlines() if (ROOT / line).exists()]


def test_the_top_level_is_the_one_of_the_plan() -> None:
    assert {line.split("/")[0] for line in tracked()} <= TOP


def test_the_wheel_holds_gem_and_what_gem_reads(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--quiet", "-w", str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.name.startswith("gem_ecg-")
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"gem"}
    for needed in tracked():
        if needed.startswith("gem/") and not needed.endswith("README.md"):
            assert needed in names


def test_public_names_are_a_dozen_and_resolve() -> None:
    assert 10 <= len(gem.__all__) <= 14
    for name in gem.__all__:
        assert getattr(gem, name) is not None


def test_import_and_help_load_nothing_heavy_and_measuring_no_torch() -> None:
    heavy = ["torch", "transformers", "numpy", "scipy", "pandas", "wfdb", "neurokit2", "pydantic"]
    listed = f"import sys, json; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    assert json.loads(python(f"import gem; {listed}")) == []
    assert json.loads(python(f"import gem.cli; gem.cli.parser().format_help(); {listed}")) == []
    assert "torch" not in json.loads(python(f"import gem.infer.pipeline, gem.infer.batch, gem.simulate; {listed}"))


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == "gem-ecg"
    assert re.search(rf"^## {re.escape(gem.__version__)}", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_every_dependency_is_pinned_by_the_constraints() -> None:
    pinned = {
        re.split(r"[=<>]", line)[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines() if line and line[0] != "#"
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    names = {re.split(r"[\[=<>!~; ]", text)[0].lower() for text in wanted}
    assert names - {project["name"]} <= pinned


def test_the_tree_in_the_readme_is_the_tree_on_disk() -> None:
    """Every folder of gem and of the workshops stands in README's tree, and nothing else does."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.split("```tree")[1].split("```")[0]
    said = set()
    stack: list[str] = []
    for line in block.splitlines():
        m = re.match(r"(?P<indent> *)(?P<name>[\w./]+/)\s", line + " ")
        if m:
            depth = len(m["indent"]) // 2
            stack = [*stack[:depth], m["name"].rstrip("/")]
            said.add("/".join(stack))
    on_disk = {str(Path(name).parent) for name in tracked() if name.endswith((".py", ".yaml", ".sh", ".json"))}
    on_disk |= {str(parent) for folder in on_disk for parent in Path(folder).parents if str(parent) != "."}
    on_disk = {folder for folder in on_disk if not folder.startswith(("tests/", ".")) and folder != "."}
    assert said == on_disk


def test_help_and_readme_name_the_same_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    said = set(re.findall(r"^gem (\w+)", text, re.MULTILINE))
    actions = next(a for a in parser()._actions if a.dest == "command")
    assert said == set(actions.choices or {})


def test_every_option_in_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    actions = next(a for a in parser()._actions if a.dest == "command")
    for command, rest in re.findall(r"^gem (\w+)([^\n#]*)", text, re.MULTILINE):
        known = {option for action in actions.choices[command]._actions for option in action.option_strings}
        assert set(re.findall(r"(?<!\S)(--[\w-]+|-\w)\b", rest)) <= known, command


@pytest.mark.parametrize("name", [n for n in tracked() if n.endswith(".py")])
def test_a_file_stays_under_the_wall(name: str) -> None:
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 400


def test_no_tracked_file_names_a_path_of_one_machine() -> None:
    pattern = re.compile(r"(?:^|[^A-Za-z0-9._-])/(?:work|farm|root|home)/")
    for name in tracked():
        path = ROOT / name
        if path.suffix in (".py", ".md", ".yaml", ".toml", ".txt", ".html", "") and path.is_file():
            assert not pattern.search(path.read_text(encoding="utf-8", errors="ignore")), name
