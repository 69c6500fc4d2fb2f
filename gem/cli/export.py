"""gem export FILE -o X"""

import argparse
from pathlib import Path

from gem.cli.common import file_arguments, read_file, say_json, talk


def arguments(sub: argparse.ArgumentParser) -> None:
    file_arguments(sub, many=False)
    sub.add_argument("-o", "--output", metavar="X", required=True, help="X.hea (with X.dat), X.csv, X.edf or X.dcm")
    sub.add_argument("--overwrite", action="store_true", help="replace files that are there")


def run(args: argparse.Namespace) -> int:
    from gem.ecg.io.write import write_recording

    written = [str(path) for path in write_recording(read_file(args.file, args), Path(args.output), overwrite=args.overwrite)]
    talk(f"gem export: {', '.join(written)} written")
    if args.json:
        say_json({"source": args.file, "written": written})
    return 0
