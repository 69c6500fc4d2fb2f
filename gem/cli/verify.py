"""gem verify TEXT FILE"""

import argparse
import sys
from pathlib import Path

from gem.cli.common import file_arguments, read_file, say, say_json
from gem.errors import ConfigError

_MARK = {"supported": "+", "contradicted": "x", "not measured": "?", "not checkable": "-"}


def arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("text", metavar="TEXT", help="a text file, - for standard input, or the text itself in quotes")
    file_arguments(sub, many=False)


def run(args: argparse.Namespace) -> int:
    from gem.measure.measure import measure_recording
    from gem.report.report import NOTICE
    from gem.report.verify import verify

    text = _text(args.text)
    checked = verify(text, measure_recording(read_file(args.file, args)))
    if args.json:
        say_json({"source": args.file, "notice": NOTICE, **checked.to_json()})
        return 0
    for number, (start, end) in enumerate(checked.sentences):
        say(f"{checked.of_sentence(number):<14} {text[start:end]}")
        for verdict in checked.verdicts:
            if verdict.claim.sentence == number:
                say(f"    {_MARK[verdict.verdict]} {verdict.claim.text} | {verdict.verdict}: {verdict.why}")
    say(f"\n{NOTICE}")
    return 0


def _text(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    path = Path(given)
    try:
        if path.is_file():
            return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        raise ConfigError(f"{given}: not a UTF-8 text file") from fault
    except OSError:
        pass
    if " " not in given.strip():
        raise ConfigError(f"{given}: no such text file; name a file, - for standard input, or give the text itself in quotes")
    return given
