"""What the commands share: options of a recording, and one loop over files."""

import argparse
import json
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gem.errors import ConfigError, GemError

if TYPE_CHECKING:
    from gem.ecg.recording import Recording
    from gem.infer.writer import Writer


FORMATS = (
    "WFDB", "NumPy", "Parquet", "DICOM", "SCP-ECG", "EDF, EDF+, BDF", "ISHNE (experimental: no recorder's own file read yet)",
    "zip of one ECG", "HL7 aECG", "GE MUSE XML", "Philips XML", "FHIR SampledData", "Apple Watch CSV", "CSV and other text",
)  # fmt: skip
"""For `--help`, which imports no reader; in the order in which they are asked (`gem.ecg.io`)."""


def file_arguments(sub: argparse.ArgumentParser, many: bool = True, optional: bool = False) -> None:
    """The files and what the caller knows of them.

    many, optional  several files; one file or none, and no --json
    """
    sub.epilog = f"Formats: {'; '.join(FORMATS)}. The content decides, not the suffix. {sub.epilog}"
    if many:
        sub.add_argument("files", nargs="+", metavar="FILE", help="ECG file, or WFDB record name; several at once are rows")
    else:
        sub.add_argument("file", metavar="FILE", nargs="?" if optional else None, help="ECG file, or WFDB record name")
    known = sub.add_argument_group("what the file may not say")
    known.add_argument("--fs", type=float, metavar="HZ", help="sampling rate")
    known.add_argument("--unit", metavar="UNIT", help="mV, uV, nV or V")
    known.add_argument("--leads", metavar="NAMES", help="column names, e.g. I,II,V5")
    known.add_argument("--age", type=float, metavar="YEARS", help="age of the patient")
    known.add_argument("--sex", choices=("female", "male"), help="sex of the patient")
    known.add_argument("--start", type=float, default=0.0, metavar="S", help="first second to read")
    known.add_argument("--duration", type=float, metavar="S", help="seconds to read (default: all, at most 60)")
    if not optional:
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


def model_arguments(sub: argparse.ArgumentParser, default: str) -> None:
    """A model that writes, and how it is asked.

    default  who writes where nothing is said, in words for `--help`
    """
    model = sub.add_argument_group("the model")
    model.add_argument("--model", metavar="DIR", help=f"a checkpoint folder (see gem convert), or nano, which ships (default: {default})")
    model.add_argument("--adapter", metavar="DIR", help="LoRA adapters on it")
    model.add_argument("--facts", action="store_true", help="it is told what was measured")
    model.add_argument("--page", default="", metavar="NAME", help="layout of the page drawn for it, or none (default: the checkpoint's)")
    model.add_argument("--length", type=int, default=512, metavar="N", help="longest answer in tokens (default: 512)")
    model.add_argument("--temperature", type=float, default=0.0, metavar="T", help="0 is greedy, the same every time (default)")
    model.add_argument("--seed", type=int, default=0, metavar="N", help="of sampling")
    model.add_argument("--device", metavar="NAME", help="cpu, cuda, auto, ... (default: a GPU where there is one)")
    model.add_argument("--dtype", choices=("auto", "float32", "bfloat16", "float16"), default="auto", help="default: the checkpoint's")
    model.add_argument("--bits", type=int, choices=(8, 4), help="quantise the LLM")


def default_writer(args: argparse.Namespace) -> "Writer | None":
    """Who writes where the command line may leave it open: the model it names, else the one that ships; None stands for the template.

    Without the extra [model] the template writes, and stderr says so. Raises `GemError` when a model cannot be loaded.
    """
    if args.writer == "template":
        if args.model:
            raise ConfigError(f"--writer template and --model {args.model}: choose one")
        return None
    if args.model is None and any(find_spec(name) is None for name in ("torch", "transformers")):
        talk("gem: the template writes; for the model that ships install the extra: pip install -c constraints.txt 'gem-ecg[model]'")
        return None
    return writer_of(args)


def writer_of(args: argparse.Namespace) -> "Writer":
    """The model that the command line names, or nano. Raises `GemError` when it cannot be loaded."""
    try:
        from gem.infer.engine import SHIPPED, Decoding, Engine
        from gem.infer.writer import Writer
    except ModuleNotFoundError as fault:
        raise ConfigError(f"--model needs {fault.name}; install the extra: pip install -c constraints.txt 'gem-ecg[model]'") from fault
    if args.length < 1:
        raise ConfigError(f"--length {args.length}: at least one token is needed")
    engine = Engine.load(SHIPPED if args.model in (None, "nano") else args.model, args.adapter, args.device, args.dtype, args.bits)
    decoding = Decoding(args.length, args.temperature, seed=args.seed)
    return Writer(engine, page=args.page, facts=args.facts, decoding=decoding)


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
