"""Files appear whole or not at all, and a folder that cannot be written is one line."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuroglot.errors import NeuroglotError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Says in one line where it failed: a full disk, no permission, a network folder that has vanished."""
    try:
        yield
    except OSError as error:
        raise NeuroglotError(
            f"cannot write {path.name!r} in the folder {str(path.parent)!r}: {error.strerror or error}"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Writes under a temporary name and renames: a killed run leaves the old file or the new one."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """The same for bytes, in a folder that must be there: one that vanished is not made anew."""
    working = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        try:
            working.write_bytes(content)
            working.replace(path)
        finally:
            working.unlink(missing_ok=True)
