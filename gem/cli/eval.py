"""gem eval: the workshop `eval` of the checkout."""

import argparse

from gem.cli.workshop import run_workshop, workshop_arguments


def arguments(sub: argparse.ArgumentParser) -> None:
    workshop_arguments(sub, "eval")


def run(args: argparse.Namespace) -> int:
    return run_workshop("eval", args.words)
