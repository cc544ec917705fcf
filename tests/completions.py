"""A small server of the completions protocol, well-behaved or not."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fields = dict[str, Any]


def completion(text: str, finish: str = "stop", tokens: int = 3) -> bytes:
    choice = {"index": 0, "text": text, "finish_reason": finish, "logprobs": None}
    usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": 1 + tokens}
    return json.dumps(
        {
            "id": "c",
            "object": "text_completion",
            "created": 0,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        }
    ).encode()


@contextmanager
def serving(reply) -> Iterator[tuple[str, list[Fields]]]:
    """A server whose ``reply(fields, number)`` is (status, body, headers), and what it was asked."""
    asked: list[Fields] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fields["path"], fields["authorization"] = self.path, self.headers.get("Authorization")
            asked.append(fields)
            status, body, headers = reply(fields, len(asked))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()


def engine(*known: str):
    """One that repeats what it was asked, unless a penalty of a known name is large."""

    def reply(fields: Fields, number: int):
        hard = any(fields.get(name, 1) > 1.5 for name in known)
        return 200, completion("something else" if hard else f" {fields['prompt']} again"), {}

    return reply
