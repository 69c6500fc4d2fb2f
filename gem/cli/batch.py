"""gem batch LIST ... -o out.jsonl"""

import argparse
from pathlib import Path

from gem.cli.common import model_arguments, talk, writer_of
from gem.errors import ConfigError


def arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("lists", nargs="+", metavar="LIST", help="folders, lists of paths (.txt), a CSV with a column `path`, or records")
    sub.add_argument("-o", "--output", required=True, metavar="PATH", help="out.jsonl; what is in it is not done again")
    sub.add_argument("--batch", type=int, default=8, metavar="N", help="records that a model answers together (default: 8)")
    model_arguments(sub, "the template writes")


def run(args: argparse.Namespace) -> int:
    from gem.infer.batch import batch
    from gem.measure.batch import items_of

    if args.batch < 1:
        raise ConfigError(f"--batch {args.batch}: at least one record is needed")
    items = items_of(args.lists)
    tally = batch(items, Path(args.output), writer_of(args) if args.model else None, args.batch)
    talk(f"gem batch: {args.output} holds {tally.rows} rows, {tally.new} of them new, {tally.failed} of records that failed (key error)")
    return 3 if tally.failed else 0
