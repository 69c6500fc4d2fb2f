"""python -m train CONFIG [key.sub=value ...]"""

import sys

from gem.errors import GemError
from train.config import DelineatorRecipe


def main(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help"):
        sys.stderr.write("usage: python -m train CONFIG [key.sub=value ...]\n")
        return 0 if argv else 2
    try:
        if argv[0] == "--plan":
            from train.plan.show import main as plan

            return plan(argv[1:])
        recipe = DelineatorRecipe.load(argv[0], argv[1:])
        from train.delineator.run import run

        sys.stdout.write(f"{run(recipe)}\n")
    except GemError as fault:
        sys.stderr.write(f"train: {fault}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
