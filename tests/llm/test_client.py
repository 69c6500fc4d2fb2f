"""The client against a real HTTP server that limits, fails, cuts, refuses and redirects."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from gem.errors import ConfigError
from gem.llm.client import Client
from gem.llm.endpoint import Endpoint, check_egress, retry_after
from gem.llm.journal import Cache, Journal, Prices
from gem.llm.message import Ask, CeilingReached, EgressRefused, ModelDown, Unanswered

Step = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


class Form(BaseModel):
    answer: str


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for key, value in headers.items():
        handler.send_header(key.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def says(content: str | None, finish: str = "stop", refusal: str | None = None) -> Step:
    """A chat completion."""

    def step(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        message = {"role": "assistant", "content": content, "refusal": refusal}
        choice = {"message": message, "finish_reason": finish}
        usage = {"prompt_tokens": 100, "completion_tokens": 20}
        send(handler, 200, json.dumps({"model": "m-1", "choices": [choice], "usage": usage}).encode())

    return step


def status(code: int, **headers: str) -> Step:
    return lambda handler, body: send(handler, code, b'{"error": "no"}', **headers)


def raw(data: bytes) -> Step:
    return lambda handler, body: send(handler, 200, data)


def silent(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    time.sleep(1.0)


def hangs_up(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    handler.connection.close()


class Server:
    """Answers with its steps one after the other, the last again and again."""

    def __init__(self, *steps: Step) -> None:
        self.steps, self.bodies, self.at, self.headers = list(steps), [], [], []
        lock, server = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    server.bodies.append(body)
                    server.at.append(time.monotonic())
                    server.headers.append(dict(self.headers))
                    step = server.steps.pop(0) if len(server.steps) > 1 else server.steps[0]
                step(self, body)

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(*steps: Step) -> Server:
        made.append(Server(*steps))
        return made[-1]

    yield start
    for server in made:
        server.http.shutdown()
        server.http.server_close()


ASK = Ask("m", (("user", "hello"),), Form.model_json_schema(), max_tokens=50)
GOOD = says('{"answer": "yes"}')


def client(server: Server, folder: Path, prices: Prices = Prices(), tries: int = 4, timeout_s: float = 5.0) -> Client:  # noqa: B008
    return Client(Endpoint(server.url, timeout_s=timeout_s, tries=tries), Cache(folder / "cache"), Journal(folder / "j.jsonl", prices))


def test_an_answer_is_asked_for_once_and_then_cached(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve(GOOD)
    answer, reply = client(server, tmp_path).ask_as(ASK, Form)
    again, _ = client(server, tmp_path).ask_as(ASK, Form)
    assert (answer.answer, again.answer, reply.model, len(server.bodies)) == ("yes", "yes", "m-1", 1)
    assert server.bodies[0]["response_format"]["json_schema"]["schema"] == Form.model_json_schema()
    assert Journal(tmp_path / "j.jsonl", Prices()).totals() == (120, 0.0)


def test_a_rate_limit_waits_as_long_as_the_server_says(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve(status(429, Retry_After="1"), GOOD)
    client(server, tmp_path).ask_as(ASK, Form)
    assert 1.0 <= server.at[1] - server.at[0] < 2.5


@pytest.mark.parametrize("fault", [status(503), status(500), raw(b"<html>"), hangs_up, raw(b"")])
def test_a_passing_fault_is_tried_again(serve: Callable[..., Server], tmp_path: Path, fault: Step) -> None:
    server = serve(fault, GOOD)
    assert client(server, tmp_path).ask_as(ASK, Form)[0].answer == "yes"
    assert len(server.bodies) == 2


def test_a_server_that_never_answers_is_down_and_nothing_stays_booked(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve(silent)
    with pytest.raises(ModelDown, match="no answer after 2 tries"):
        client(server, tmp_path, tries=2, timeout_s=0.2).ask_as(ASK, Form)
    assert Journal(tmp_path / "j.jsonl", Prices()).totals() == (0, 0.0)


def test_a_wait_longer_than_two_minutes_is_not_waited_for(serve: Callable[..., Server], tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(ModelDown, match="429"):
        client(serve(status(429, Retry_After="3600")), tmp_path).ask_as(ASK, Form)
    assert time.monotonic() - start < 5


def test_a_wrong_key_is_not_tried_again(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve(status(401))
    with pytest.raises(ModelDown, match="HTTP 401"):
        client(server, tmp_path).ask_as(ASK, Form)
    assert len(server.bodies) == 1


def test_a_redirect_is_not_followed(serve: Callable[..., Server], tmp_path: Path) -> None:
    other = serve(GOOD)
    server = serve(status(307, Location=f"{other.url}/chat/completions"))
    with pytest.raises(ModelDown, match="HTTP 307"):
        client(server, tmp_path).ask_as(ASK, Form)
    assert other.bodies == []


def test_rubbish_gets_one_repair_and_no_more(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve(says("Sure! The answer is yes."), says('```json\n{"answer": "yes"}\n```'))
    assert client(server, tmp_path).ask_as(ASK, Form)[0].answer == "yes"
    assert "That is not the JSON" in server.bodies[1]["messages"][-1]["content"]
    stubborn = serve(says("no JSON"))
    with pytest.raises(Unanswered, match="twice"):
        client(stubborn, tmp_path / "b").ask_as(ASK, Form)
    assert len(stubborn.bodies) == 2


@pytest.mark.parametrize(
    ("step", "says_why"),
    [
        (says(None, refusal="I will not"), "I will not"),
        (says("{", "length"), "cut off"),
        (says(""), "empty"),
        (raw(b'{"a": 1}'), "no chat"),
    ],
)
def test_an_answer_of_no_use_says_why(serve: Callable[..., Server], tmp_path: Path, step: Step, says_why: str) -> None:
    with pytest.raises(Unanswered, match=says_why):
        client(serve(step), tmp_path).ask_as(ASK, Form)


def test_the_ceiling_is_not_passed(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve(GOOD)
    prices = Prices((1000.0, 1000.0), ceiling_usd=1.6)
    asked = client(server, tmp_path, prices)
    asks = [Ask("m", (("user", f"{k}"),), {}, max_tokens=50) for k in range(100)]
    with pytest.raises(CeilingReached, match="ceiling of"):
        list(map(asked.ask, asks))
    assert 0 < len(server.bodies) < 100
    spent = Journal(tmp_path / "j.jsonl", prices).totals()[1]
    assert spent == pytest.approx(0.12 * len(server.bodies))
    assert spent <= prices.ceiling_usd


def test_what_was_under_way_at_a_kill_stays_booked_and_a_torn_line_is_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path, Prices())
    journal.book(ASK)
    booked = journal.totals()[0]
    path.write_bytes(path.read_bytes() + b'{"event": "ans')
    assert booked > ASK.max_tokens
    assert Journal(path, Prices()).totals()[0] == booked
    assert path.read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1", "http://localhost/v1", "http://[::1]:8/v1"])
def test_guarded_data_may_go_to_loopback(url: str) -> None:
    check_egress(url, "private", ("localhost", "127.0.0.1", "::1"))


@pytest.mark.parametrize("url", ["https://api.example.com/v1", "http://localhost@evil.example/v1", "http://127.0.0.1.evil.example/v1"])
@pytest.mark.parametrize("data_class", ["credentialed", "private"])
def test_guarded_data_may_go_nowhere_else(url: str, data_class: str) -> None:
    with pytest.raises(EgressRefused, match=data_class):
        check_egress(url, data_class, ("localhost", "127.0.0.1", "::1"))
    check_egress(url, "open", ())


def test_a_key_comes_from_the_environment_and_is_asked_for(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="TEACHER_KEY"):
        Endpoint("https://api.example.com/v1", "TEACHER_KEY")
    monkeypatch.setenv("TEACHER_KEY", "k")
    server = serve(GOOD)
    Endpoint(server.url, "TEACHER_KEY").send(ASK)
    assert server.headers[0]["Authorization"] == "Bearer k"


@pytest.mark.parametrize("url", ["ftp://x/v1", "localhost:8000", "file:///etc/passwd"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="http or https"):
        Endpoint(url)


def test_retry_after_reads_seconds_and_dates() -> None:
    assert retry_after({"Retry-After": "3"}) == 3.0
    assert retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert retry_after({"Retry-After": "soon"}) is None
    assert retry_after({}) is None
