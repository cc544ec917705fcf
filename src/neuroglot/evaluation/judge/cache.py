"""Replies on disk: one line each, written as soon as it is there, so that nothing is judged twice."""

import json
from pathlib import Path
from threading import Lock

from neuroglot.files import write_text, writing


class Replies:
    """What a judge wrote, by the checksum of what it was asked.

    The reply is kept, not the score: whoever doubts a mark can read how it came about.

    Attributes:
        path: A JSON lines file. A line that was cut by a full disk or a kill is forgotten, and asked again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._known: dict[str, str] = {}
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.is_file() else [""]
        whole = [line for line in lines if self._take(line)]
        if len(whole) != len(lines) - 1 or lines[-1]:  # else the next line would be written behind half a one
            write_text(path, "".join(f"{line}\n" for line in whole))

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def __getitem__(self, key: str) -> str:
        return self._known[key]

    def add(self, key: str, reply: str) -> None:
        """Keeps a reply, from whichever thread."""
        line = json.dumps({"key": key, "reply": reply}, ensure_ascii=False)
        with self._lock, writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(f"{line}\n")
            self._known[key] = reply

    def _take(self, line: str) -> bool:
        try:
            entry = json.loads(line)
            key, reply = entry["key"], entry["reply"]
        except (ValueError, TypeError, KeyError):
            return False
        if not isinstance(key, str) or not isinstance(reply, str):
            return False
        self._known[key] = reply
        return True
