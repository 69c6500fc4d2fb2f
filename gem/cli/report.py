"""gem report FILE ..."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gem.cli.common import each_file, file_arguments, model_arguments, read_file, say, say_json, talk, writer_of
from gem.errors import ConfigError, NotReadable

if TYPE_CHECKING:
    from gem.ecg.recording import Recording

_TWELVE = 12


def arguments(sub: argparse.ArgumentParser) -> None:
    file_arguments(sub)
    sub.add_argument("--markdown", action="store_true", help="Markdown instead of plain text")
    sub.add_argument("--html", metavar="PATH", help="one self-contained page; a folder when several files are given")
    sub.add_argument("--partial", action="store_true", help="also with fewer than 12 leads: what they allow, the rest not assessed")
    model_arguments(sub)


def run(args: argparse.Namespace) -> int:
    if args.html and len(args.files) > 1 and not Path(args.html).is_dir():
        raise ConfigError(f"--html {args.html}: with several files an existing folder is needed")
    writer = writer_of(args) if args.model else None

    def one(path: str) -> None:
        from gem.infer.pipeline import interpret
        from gem.report.markdown import markdown

        recording = read_file(path, args)
        _check_leads(recording, args.partial)
        report = interpret(recording, writer)
        if args.html:
            from gem.files import write_whole
            from gem.report.page import page

            target = Path(args.html) / f"{Path(path).stem}.html" if len(args.files) > 1 else Path(args.html)
            write_whole(target, page(report, recording))
            talk(f"gem report: {target} written; {report.summary}")
            if not (args.json or args.markdown):
                return
        if args.json:
            say_json(report.to_json())
        elif args.markdown:
            say(markdown(report))
        else:
            say(f"{path}\n{report.text}\nVerified: {report.summary}.\n")

    return each_file(args, one)


def _check_leads(recording: "Recording", partial: bool) -> None:
    """A report that a reader takes for one of 12 leads must be one, unless asked otherwise."""
    found = recording.standard_leads
    if len(found) < _TWELVE and not partial:
        raise NotReadable(
            f"{recording.source}: a report needs the 12 standard leads, but the recording has {len(recording.leads)} "
            f"({', '.join(recording.leads)}); read a 12-lead file, or ask for what these leads allow with --partial"
        )
