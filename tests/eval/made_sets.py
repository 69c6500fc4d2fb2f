"""Small files in the published shapes of public sets, for the contract test: task name -> a task that reads them."""

from collections.abc import Callable
from pathlib import Path

from eval.task import Task, task_of
from tests.eval.made_official import OFFICIAL

MADE: dict[str, Callable[[Path], Task]] = {
    **OFFICIAL,
    "ludb_chains": lambda _: task_of("ludb_chains", {"records": 30}),
    "simulated_chains": lambda _: task_of("simulated_chains", {"n": 24}),
    "measure_simulated": lambda _: task_of("measure_simulated", {"n": 6}),
}
"""`MADE[name](folder)` writes the files of a set into `folder` and returns the task that reads them; of our own sets a smaller one."""
