"""Where the real ECGs are, and a run that must have used them (`.ci/run`)."""

import os
from pathlib import Path

import pytest

_DATA = Path(os.environ.get("GEM_DATA", Path(__file__).parents[2] / "shared" / "data"))
_REQUIRED = os.environ.get("GEM_REQUIRE_DATA") == "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without being asked for, `slow`, `gpu` and `net` do not run; `data` needs the data."""
    asked = config.getoption("-m")
    for item in items:
        for marker in ("slow", "gpu", "net"):
            if item.get_closest_marker(marker) and marker not in asked:
                item.add_marker(pytest.mark.skip(reason=f"run with -m {marker}"))
        if item.get_closest_marker("data") and not _DATA.is_dir():
            item.add_marker(pytest.mark.skip(reason=f"no real ECGs in {_DATA}; set GEM_DATA"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real ECGs."""
    return _DATA


def pytest_terminal_summary(terminalreporter) -> None:  # type: ignore[no-untyped-def]
    ran = [r for r in terminalreporter.stats.get("passed", []) if "data" in r.keywords]
    terminalreporter.write_line(f"{len(ran)} tests on real data passed")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not _REQUIRED or reporter is None or hasattr(session.config, "workerinput"):
        return
    ran = [r for r in reporter.stats.get("passed", []) if "data" in r.keywords]
    if not ran:
        reporter.write_line(f"GEM_REQUIRE_DATA=1, but no test on real data ran ({_DATA})")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny model (configs/model/tiny.yaml)."""
    from gem.model.build import ModelRecipe, build, save

    folder = tmp_path_factory.mktemp("model") / "tiny"
    save(*build(ModelRecipe.load(Path(__file__).parents[1] / "configs" / "model" / "tiny.yaml")), folder)
    return folder
