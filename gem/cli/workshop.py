"""The workshops data_gen, train and eval: packages of the checkout, which the wheel does not hold."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from gem.errors import ConfigError


def workshop_arguments(sub: argparse.ArgumentParser, package: str) -> None:
    """CONFIG and what follows it, handed on as it is."""
    sub.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="CONFIG ...",
        help=f"a recipe and key.sub=value settings, as python -m {package} takes them",
    )


def run_workshop(package: str, words: list[str]) -> int:
    """Run `python -m PACKAGE WORDS` with the checkout on the path; its exit code. Raises `ConfigError` where there is no checkout."""
    checkout = checkout_of(package)
    paths = [str(checkout), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run([sys.executable, "-m", package, *words], env=env, check=False).returncode  # noqa: S603 (our own package)


def checkout_of(package: str) -> Path:
    """The checkout this gem belongs to, or that of the current folder. Raises `ConfigError` from a bare wheel."""
    for folder in (Path(__file__).resolve().parents[2], Path.cwd()):
        if (folder / package / "__main__.py").is_file() and (folder / "gem" / "__init__.py").is_file():
            return folder
    raise ConfigError(
        f"{package} is part of the checkout, not of the wheel; clone the repository and run this from its folder, or pip install -e it"
    )
