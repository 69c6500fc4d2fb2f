"""python -m train CONFIG [key.sub=value ...], the same under torchrun, accelerate launch and deepspeed --module."""

import os
import sys
from importlib import import_module
from pathlib import Path

from gem.config import read_yaml
from gem.errors import ConfigError, GemError

STAGES = {
    "delineator": ("train.delineator.config", "DelineatorRecipe", "train.delineator.run"),
    "language": ("train.config", "LanguageRecipe", "train.language"),
    "project": ("train.config", "ProjectRecipe", "train.project"),
    "instruct": ("train.config", "InstructRecipe", "train.instruct"),
    "grpo": ("train.grpo.config", "GrpoRecipe", "train.grpo.run"),
    "merge": ("train.config", "MergeRecipe", "train.merge"),
}
"""stage -> module and class of its recipe, module whose `run(recipe)` trains and returns how many rows failed (or a folder)."""


def main(argv: list[str]) -> int:
    """0 done, 2 a recipe that cannot be followed, 3 done but some rows or recordings could not be used (failed.jsonl)."""
    words = [word for word in argv if not word.startswith(("--local_rank=", "--local-rank="))]  # deepspeed's launcher adds it
    if not words or words[0] in ("-h", "--help"):
        sys.stderr.write(f"usage: python -m train [--plan] CONFIG [key.sub=value ...]\nstages: {', '.join(STAGES)}\n")
        sys.stderr.write("--plan says what a run needs before it runs: memory of a GPU, tokens, steps; of several CONFIGs a table\n")
        return 0 if words else 2
    try:
        if words[0] == "--plan":
            from train.plan.show import main as plan

            return plan(words[1:])
        stage = _stage(words[0], words[1:])
        module, kind, runs = STAGES[stage]
        recipe = getattr(import_module(module), kind).load(words[0], words[1:])
        out = import_module(runs).run(recipe)
    except GemError as fault:
        sys.stderr.write(f"train: {_plain(str(fault))}\n")
        return 2
    if os.environ.get("RANK", "0") == "0":
        sys.stdout.write(f"{recipe.output}\n")
    if isinstance(out, int) and out:
        sys.stderr.write(f"train: {out} rows or recordings could not be used; {recipe.output}/failed.jsonl says why\n")
        return 3 if os.environ.get("WORLD_SIZE", "1") == "1" else 0  # a launcher takes any other status for a crash
    return 0


def _plain(message: str) -> str:
    """The message of a fault in a worker process without the traceback that torch puts before it."""
    _, mark, own = message.rpartition("gem.errors.")
    return own.partition(": ")[2].strip() if mark and "Original Traceback" in message else message


def _stage(path: str, changes: list[str]) -> str:
    stage = read_yaml(Path(path)).get("stage")
    for change in changes:
        key, _, value = change.partition("=")
        stage = value if key == "stage" else stage
    if stage not in STAGES:
        raise ConfigError(f"{path}: stage {stage!r}: choose {', '.join(STAGES)}")
    return str(stage)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
