"""A run as a folder: the recipe, what it ran with, its log, checkpoints that are whole, and what could not be made.

recipe.json      as resolved; a folder begun with another recipe is refused
run.json         commit, uncommitted changes, versions, hashes of the data, processes, machine
log.jsonl        what the Trainer logs, one line a time
failed.jsonl     rows and recordings that could not be used, each with its reason
checkpoint-N/    whole where it holds WHOLE; others are what a killed run left, and are removed
"""

import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gem.config import Config
from gem.errors import ConfigError, ModelError
from gem.files import write_whole

WHOLE = "whole.json"
_PACKAGES = ("gem-ecg", "torch", "transformers", "accelerate", "peft", "tokenizers", "safetensors", "deepspeed", "bitsandbytes", "numpy")
_FREE = ("name", "output", "save_every", "keep", "log_every", "report_to", "device", "validation")
"""Keys that a run may change when it goes on: where and how often, nothing that decides the weights."""
_FREE_DATA = ("workers", "prepare_jobs", "cache")


def begin(recipe: Config, folder: Path, data: dict[str, str]) -> None:
    """Write recipe.json and run.json, or check them. Raises `ConfigError` when the folder holds a run of another recipe or other data."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise ConfigError(f"{folder}: cannot be made ({fault.strerror}); choose another output") from fault
    now = json.loads(recipe.model_dump_json())
    path = folder / "recipe.json"
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = sorted(key for key in {*before, *now} if key not in _FREE and _decides(before.get(key)) != _decides(now.get(key)))
        if changed:
            raise ConfigError(f"{folder}: holds a run with other settings ({', '.join(changed)}); choose another output folder")
        old = json.loads((folder / "run.json").read_text(encoding="utf-8")).get("data", {}) if (folder / "run.json").is_file() else data
        if old != data:
            names = ", ".join(sorted(name for name in {*old, *data} if old.get(name) != data.get(name)))
            raise ConfigError(f"{folder}: its data have changed since ({names}); put them back, or choose another output folder")
    write_whole(path, json.dumps(now, indent=1) + "\n")
    facts: dict[str, Any] = {"commit": _git("rev-parse", "HEAD"), "dirty": bool(_git("status", "--porcelain")), "seed": now.get("seed")}
    facts |= {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    facts |= {"versions": {name: found for name in _PACKAGES if (found := _version(name))}, "data": data}
    write_whole(folder / "run.json", json.dumps(facts, indent=1) + "\n")


def _decides(value: Any) -> Any:
    """A value of the recipe without the keys of its data that may change."""
    return {key: part for key, part in value.items() if key not in _FREE_DATA} if isinstance(value, dict) and "cache" in value else value


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git(*words: str) -> str | None:
    here = Path(__file__).parent
    ran = subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=False)  # noqa: S603, S607
    return ran.stdout.strip() if ran.returncode == 0 else None


def mark_whole(checkpoint: Path, facts: dict[str, Any]) -> None:
    """The last file of a checkpoint: all others are written."""
    write_whole(checkpoint / WHOLE, json.dumps(facts, indent=1) + "\n")


def last_checkpoint(folder: Path, facts: dict[str, Any], clean: bool = True) -> Path | None:
    """The newest whole checkpoint; unfinished ones are removed (by one process: `clean`).

    facts  "architecture", "processes", "batch" of the run that wants to go on

    Raises `ModelError` when it is of another architecture, `ConfigError` when another number of processes wrote it.
    """
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    whole = [path for path in found if (path / WHOLE).is_file()]
    for path in found if clean else ():
        if path not in whole:
            shutil.rmtree(path)
    if not whole:
        return None
    before = json.loads((whole[-1] / WHOLE).read_text(encoding="utf-8"))
    if before["architecture"] != facts["architecture"]:
        raise ModelError(
            f"{whole[-1]}: a checkpoint of another architecture ({before['architecture']}, but the recipe says {facts['architecture']}); "
            "choose another output folder, or the recipe it was begun with"
        )
    if before["processes"] != facts["processes"]:
        raise ConfigError(
            f"{whole[-1]}: was written by {before['processes']} processes, but there are {facts['processes']}; the state of the optimizer "
            "and of chance is kept by process: go on with as many, or begin in another output folder from its weights"
        )
    return whole[-1]
