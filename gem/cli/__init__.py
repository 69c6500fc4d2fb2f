"""The command line: `gem COMMAND ...`.

stdout is data, stderr is talk. Exit 0 done, 1 our bug, 2 you can fix it (one message), 3 finished but
some rows failed. Nothing heavy is imported before a command runs.
"""

import argparse
import os
import sys
from importlib import import_module

from gem import __version__
from gem.errors import GemError

COMMANDS = {
    "look": "what a file holds: leads, rate, length, quality",
    "draw": "the ECG on paper: layouts, scans and photographs of it, with exact labels",
    "measure": "the numbers, with units, methods and reasons for what is absent",
    "report": "write a report and verify every claim in it",
    "verify": "check anybody's report against the trace",
    "export": "the same ECG in another format: WFDB, CSV, EDF, DICOM",
    "simulate": "make an ECG whose every fiducial and finding is known",
    "chat": "a conversation with a model about an ECG; every answer is verified",
    "batch": "reports of many ECGs, one JSON object a line; goes on where it stopped",
    "convert": "published weights, or a recipe, as a folder that the other commands read",
    "data": "make the data set that a recipe describes (from a checkout)",
    "train": "train what a recipe describes (from a checkout)",
    "eval": "benchmarks: tasks x a model, as a recipe says (from a checkout)",
    "doctor": "versions, readers and data found here",
}

NOTICE = "Research use only: not a medical device. A clinician must over-read every output."


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="gem", description="ECG interpretation you can check.", epilog=NOTICE)
    top.add_argument("--version", action="version", version=f"gem {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, what in COMMANDS.items():
        sub = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.", epilog=NOTICE)
        module = import_module(f"gem.cli.{name}")
        module.arguments(sub)
        sub.set_defaults(run=module.run)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; the return value is the exit code."""
    args = parser().parse_args(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except GemError as fault:
        sys.stderr.write(f"gem {args.command}: {fault}\n")
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        sys.stderr.write(f"gem {args.command}: stopped\n")
        return 130
