"""gem data: the workshop `data_gen` of the checkout."""

import argparse

from gem.cli.workshop import run_workshop, workshop_arguments


def arguments(sub: argparse.ArgumentParser) -> None:
    workshop_arguments(sub, "data_gen")


def run(args: argparse.Namespace) -> int:
    return run_workshop("data_gen", args.words)
