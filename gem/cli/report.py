"""gem report FILE ..."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from gem.cli.common import default_writer, each_file, file_arguments, model_arguments, read_file, say, say_json, talk
from gem.errors import ConfigError, NotReadable
from gem.files import write_whole

if TYPE_CHECKING:
    from gem.ecg.recording import Recording
    from gem.report.report import VerifiedReport

_TWELVE = 12


def arguments(sub: argparse.ArgumentParser) -> None:
    file_arguments(sub)
    sub.add_argument("--markdown", action="store_true", help="Markdown instead of plain text")
    sub.add_argument("--html", metavar="PATH", help="one self-contained page; a folder when several files are given")
    sub.add_argument("--fhir", metavar="PATH", help="a FHIR R4 Bundle (JSON); a folder when several files are given")
    sub.add_argument("--partial", action="store_true", help="also with fewer than 12 leads: what they allow, the rest not assessed")
    sub.add_argument("--writer", choices=("model", "template"), default="model", help="who writes (default: a model)")
    model_arguments(sub, "nano")


def run(args: argparse.Namespace) -> int:
    for option, place in (("--html", args.html), ("--fhir", args.fhir)):
        if place and len(args.files) > 1 and not Path(place).is_dir():
            raise ConfigError(f"{option} {place}: with several files an existing folder is needed")
    writer = default_writer(args)

    def one(path: str) -> None:
        from gem.infer.pipeline import interpret
        from gem.report.device import device_text
        from gem.report.markdown import markdown

        recording = read_file(path, args)
        _check_leads(recording, args.partial)
        report = interpret(recording, writer)
        for target, content in _files(args, path, report, recording).items():
            write_whole(target, content)
            talk(f"gem report: {target} written; {report.summary}")
        if (args.html or args.fhir) and not (args.json or args.markdown):
            return
        if args.json:
            say_json(report.to_json() | {"device_said": recording.device_said.to_json() if recording.device_said else None})
        elif args.markdown:
            say(markdown(report))
        else:
            device = device_text(recording.device_said, report.measurements)
            say(f"{path}\n{report.shown}\nVerified: {report.summary}.\n{device}\n")

    return each_file(args, one)


def _files(args: argparse.Namespace, path: str, report: "VerifiedReport", recording: "Recording") -> dict[Path, str]:
    """What goes into which file: the place named, or a file in that folder where several ECGs were given."""
    files = {}
    if args.html:
        from gem.report.page import page

        files[_target(args, path, args.html, ".html")] = page(report, recording)
    if args.fhir:
        from gem.report.fhir import bundle

        files[_target(args, path, args.fhir, ".json")] = json.dumps(bundle(report, recording), ensure_ascii=False)
    return files


def _target(args: argparse.Namespace, path: str, place: str, suffix: str) -> Path:
    return Path(place) / f"{Path(path).stem}{suffix}" if len(args.files) > 1 else Path(place)


def _check_leads(recording: "Recording", partial: bool) -> None:
    """A report that a reader takes for one of 12 leads must be one, unless asked otherwise."""
    found = recording.standard_leads
    if len(found) < _TWELVE and not partial:
        raise NotReadable(
            f"{recording.source}: a report needs the 12 standard leads, but the recording has {len(recording.leads)} "
            f"({', '.join(recording.leads)}); read a 12-lead file, or ask for what these leads allow with --partial"
        )
