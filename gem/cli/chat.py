"""gem chat [FILE]"""

import argparse
import sys

from gem.cli.common import file_arguments, known_of, model_arguments, talk, writer_of


def arguments(sub: argparse.ArgumentParser) -> None:
    file_arguments(sub, many=False, optional=True)
    model_arguments(sub, "nano")


def run(args: argparse.Namespace) -> int:
    from gem.infer.chat import Chat

    def said(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    chat = Chat(writer_of(args), said, known_of(args))
    if args.file:
        chat.load(args.file)
    talk("/help shows the commands. Research use only: not a medical device.")
    while True:
        if sys.stdin.isatty():
            sys.stderr.write("> ")
            sys.stderr.flush()
        line = sys.stdin.readline()
        if not line or not chat.line(line):
            return 0
