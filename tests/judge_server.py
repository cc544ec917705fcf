"""A small server that says what a judge says, and misbehaves as it is told."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

GOOD = '{"reason": "Right.", "score": 7}'

Act = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """One request: kept, then handed to whatever the judge does next."""

    def do_POST(self):
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        judge: Judge = self.server.judge
        with judge.lock:
            judge.requests.append(self.body)
            judge.headers.append({name.lower(): value for name, value in self.headers.items()})
            judge.times.append(time.monotonic())
            act = judge.script.pop(0) if judge.script else judge.usual
        act(self)

    def reply(self, status: int, text: str, kind: str = "application/json", **headers: str) -> None:
        content = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


class Judge:
    """What the server was asked, and what it does: the script first, then the usual."""

    def __init__(self) -> None:
        self.requests: list[dict] = []
        self.headers: list[dict] = []
        self.times: list[float] = []
        self.script: list[Act] = []
        self.usual: Act = says(GOOD)
        self.lock = Lock()
        self.base_url = ""


def says(content: Any) -> Act:
    """A chat completion with this text."""
    message = {"role": "assistant", "content": content}
    body = {"id": "1", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}
    return lambda handler: handler.reply(200, json.dumps(body))


def sends(status: int, text: str = "", kind: str = "application/json", **headers: str) -> Act:
    """Any response at all."""
    return lambda handler: handler.reply(status, text, kind, **headers)


def refuses(status: int, message: str) -> Act:
    """An error as the protocol has it."""
    return sends(status, json.dumps({"error": {"message": message}}))


def sleeps(seconds: float) -> Act:
    """Answers when nobody waits any more."""

    def act(handler: Handler) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return act


def hangs_up(handler: Handler) -> None:
    """Closes the connection without a word."""
    handler.close_connection = True
    handler.connection.close()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        pass  # a client that went away, or a connection that we closed ourselves


@contextmanager
def judge_server() -> Iterator[Judge]:
    """The server on a free port."""
    server = Server(("127.0.0.1", 0), Handler)
    server.judge = Judge()
    server.judge.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.judge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
