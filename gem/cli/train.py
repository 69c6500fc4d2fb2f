"""gem train: the workshop `train` of the checkout."""

import argparse

from gem.cli.workshop import run_workshop, workshop_arguments


def arguments(sub: argparse.ArgumentParser) -> None:
    workshop_arguments(sub, "train")


def run(args: argparse.Namespace) -> int:
    return run_workshop("train", args.words)
