"""What a data set was made with."""

import json
import subprocess
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

from gem.files import write_whole

MADE_WITH = "_made_with.json"
_PACKAGES = ("gem-ecg", "numpy", "scipy", "wfdb", "opencv-python-headless", "pillow")


def write_provenance(folder: Path) -> None:
    """Commit, uncommitted changes and versions of the run that is about to begin; the recipe stands in the manifest."""
    facts: dict[str, Any] = {"commit": _git("rev-parse", "HEAD"), "dirty": bool(_git("status", "--porcelain")), "python": python_version()}
    facts |= {name: version(name) for name in _PACKAGES}
    write_whole(folder / MADE_WITH, json.dumps(facts, indent=1) + "\n")


def _git(*words: str) -> str | None:
    """What git says of the checkout; None where there is none."""
    here = Path(__file__).parent
    ran = subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=False)  # noqa: S603, S607
    return ran.stdout.strip() if ran.returncode == 0 else None
