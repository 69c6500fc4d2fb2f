"""What the commands share: options of a recording, and one loop over files."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gem.errors import GemError

if TYPE_CHECKING:
    from gem.ecg.recording import Recording


FORMATS = (
    "WFDB", "NumPy", "Parquet", "DICOM", "SCP-ECG", "EDF, EDF+, BDF", "ISHNE (experimental: no recorder's own file read yet)",
    "zip of one ECG", "HL7 aECG", "GE MUSE XML", "Philips XML", "FHIR SampledData", "Apple Watch CSV", "CSV and other text",
)  # fmt: skip
"""For `--help`, which imports no reader; in the order in which they are asked (`gem.ecg.io`)."""


def file_arguments(sub: argparse.ArgumentParser, many: bool = True) -> None:
    """The files and what the caller knows of them."""
    sub.epilog = f"Formats: {'; '.join(FORMATS)}. The content decides, not the suffix. {sub.epilog}"
    if many:
        sub.add_argument("files", nargs="+", metavar="FILE", help="ECG file, or WFDB record name; several at once are rows")
    else:
        sub.add_argument("file", metavar="FILE", help="ECG file, or WFDB record name")
    known = sub.add_argument_group("what the file may not say")
    known.add_argument("--fs", type=float, metavar="HZ", help="sampling rate")
    known.add_argument("--unit", metavar="UNIT", help="mV, uV, nV or V")
    known.add_argument("--leads", metavar="NAMES", help="column names, e.g. I,II,V5")
    known.add_argument("--age", type=float, metavar="YEARS", help="age of the patient")
    known.add_argument("--sex", choices=("female", "male"), help="sex of the patient")
    known.add_argument("--start", type=float, default=0.0, metavar="S", help="first second to read")
    known.add_argument("--duration", type=float, metavar="S", help="seconds to read (default: all, at most 60)")
    sub.add_argument("--json", action="store_true", help="one JSON object a file, one a line")


def read_file(path: str, args: argparse.Namespace) -> "Recording":
    """Read one file with the options of the command line."""
    from gem.ecg.io import read

    return read(path, **known_of(args))


def known_of(args: argparse.Namespace) -> dict[str, Any]:
    """What the command line says of a file, as arguments of `gem.ecg.io.read`."""
    leads = tuple(args.leads.split(",")) if args.leads else None
    said = {"fs": args.fs, "unit": args.unit, "leads": leads, "duration_s": args.duration, "age": args.age, "sex": args.sex}
    return {"start_s": args.start} | {name: value for name, value in said.items() if value is not None}


def say(text: str) -> None:
    """Data: one text to stdout."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def say_json(value: object, pretty: bool = False) -> None:
    """Data: one JSON object to stdout."""
    say(json.dumps(value, ensure_ascii=False, indent=2 if pretty else None))


def talk(text: str) -> None:
    """Talk: one line to stderr."""
    sys.stderr.write(f"{text}\n")


def each_file(args: argparse.Namespace, one: Callable[[str], None]) -> int:
    """Run `one` on every file; a failed one is a row with its reason. Exit code 0, or 3 when some failed.

    With a single file the fault goes up and the command ends with 2.
    """
    if len(args.files) == 1:
        one(args.files[0])
        return 0
    failed = 0
    for number, path in enumerate(args.files, start=1):
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number}/{len(args.files)} {path[-60:]:<60}")
        try:
            one(path)
        except GemError as fault:
            failed += 1
            row = {"source": path, "error": {"code": fault.code, "message": str(fault)}}
            say_json(row) if args.json else say(f"{path}\n  not done ({fault.code}): {fault}\n")
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    if failed:
        talk(f"gem {args.command}: {failed} of {len(args.files)} files failed; their rows say why")
    return 3 if failed else 0
