"""python -m eval.judge CONFIG [key.sub=value ...]: judge the free texts of a run, or of a file of answers."""

import argparse
import sys
from pathlib import Path

from eval.judge.config import Judging
from eval.judge.run import judge_all
from eval.table import table
from gem.errors import GemError


def main(argv: list[str]) -> int:
    """0 done, 2 something you can put right, 3 done but some verdicts are missing or unscored."""
    parser = argparse.ArgumentParser(prog="python -m eval.judge", description=__doc__)
    parser.add_argument("config", metavar="CONFIG", help="a recipe, e.g. configs/eval/judge.yaml")
    parser.add_argument("changes", nargs="*", metavar="key.sub=value", help="settings that override it")
    args = parser.parse_args(argv)
    try:
        recipe = Judging.load(args.config, args.changes)
        code = judge_all(recipe)
        sys.stdout.write(table([Path(recipe.output)]))
    except GemError as fault:
        sys.stderr.write(f"judge: {fault}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("judge: stopped; what was answered is kept, start again to go on\n")
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
