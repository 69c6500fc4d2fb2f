"""What a run was made with."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Any

_PACKAGES = ("gem-ecg", "numpy", "scipy", "pydantic", "wfdb", "torch", "transformers", "pillow")


def made_with() -> dict[str, Any]:
    """Commit, whether anything is uncommitted, versions."""
    facts: dict[str, Any] = {"commit": _git("rev-parse", "HEAD"), "dirty": bool(_git("status", "--porcelain"))}
    return facts | {"python": python_version()} | {name: _version(name) for name in _PACKAGES}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git(*words: str) -> str | None:
    """What git says of the checkout; None where there is none."""
    ran = subprocess.run(["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True, check=False)  # noqa: S603, S607
    return ran.stdout.strip() if ran.returncode == 0 else None
