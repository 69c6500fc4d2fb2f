"""A judge without a model, as a real HTTP endpoint, with the faults of real ones: for trials of a recipe, and for the tests.

    python -m eval.judge.stand_in [--port 8000] [--faults]

It scores by the words that answer and reference share, so it says nothing about an ECG. With faults every seventh request gets a 500,
and by its hash every ninth prompt gets words instead of JSON, every eleventh JSON that is cut off, every thirteenth no answer in time.
"""

import argparse
import hashlib
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eval.official.words import token_f1

_BLOCK = "<{0}>\n(.*?)\n</{0}>"


def verdict(body: dict[str, Any], generous: float = 0.0) -> dict[str, Any]:
    """Scores from token F1 of answer and reference, in the form of the request's prompt.

    generous  added for every 100 words of the answer: a judge that likes length
    """
    prompt = next(one["content"] for one in body["messages"] if one["role"] == "user")
    texts = {name: (re.search(_BLOCK.format(name), prompt, re.DOTALL) or ["", ""])[1] for name in ("answer", "reference")}
    worth = min(1.0, token_f1(texts["answer"], texts["reference"]) + generous * len(texts["answer"].split()) / 100)
    out: dict[str, Any] = {}
    for name, many, top in re.findall(
        r"^- (\w+): (a list, each entry with a score of [\d, ]*?|one whole number from 0 to )(\d+)\.", prompt, re.MULTILINE
    ):
        score = round(worth * int(top))
        why = "words shared with the reference"
        out[name] = [{"about": "the text", "score": score, "why": why}] if many.startswith("a list") else {"score": score, "why": why}
    return out


class StandIn:
    """Serves on `port` (0: a free one) until `close`. `requests` counts what came in."""

    def __init__(self, port: int = 0, faults: bool = False, generous: float = 0.0, slow_s: float = 3.0) -> None:
        self.requests, self.faults, self.generous, self.slow_s = 0, faults, generous, slow_s
        self.down = False
        lock, server = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    server.requests += 1
                    number = server.requests
                server.answer(self, body, number)

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any], number: int) -> None:
        """One request; which fault it meets is by its number (a 500) or by its words, so the same text always meets the same."""
        text, finish = json.dumps(verdict(body, self.generous)), "stop"
        dice = int(hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:8], 16)
        if self.down or (self.faults and number % 7 == 3):
            _send(handler, 500, b'{"error": "overloaded"}')
            return
        if self.faults and dice % 9 == 0:
            text = "It looks quite good to me overall: 8/10!"
        elif self.faults and dice % 11 == 0:
            text, finish = text[: len(text) // 2], "length"
        elif self.faults and dice % 13 == 0:
            time.sleep(self.slow_s)
        usage = {"prompt_tokens": sum(len(one["content"]) for one in body["messages"]) // 4, "completion_tokens": len(text) // 4}
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish}
        _send(handler, 200, json.dumps({"model": f"{body['model']}-stand-in", "choices": [choice], "usage": usage}).encode())


def _send(handler: BaseHTTPRequestHandler, status: int, data: bytes) -> None:
    try:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
    except OSError:
        handler.close_connection = True  # the client gave up waiting, which is one of the faults


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m eval.judge.stand_in", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--faults", action="store_true")
    args = parser.parse_args()
    StandIn(args.port, args.faults)
    threading.Event().wait()


if __name__ == "__main__":
    main()
