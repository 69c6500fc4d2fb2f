"""Small files in the published shapes of public sets, for the contract test: task name -> a task that reads them."""

from collections.abc import Callable
from pathlib import Path

from eval.task import Task
from tests.eval.made_official import OFFICIAL

MADE: dict[str, Callable[[Path], Task]] = {**OFFICIAL}
"""`MADE[name](folder)` writes the files of a set into `folder` and returns the task that reads them."""
