"""One process a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from neuroglot.errors import NeuroglotError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps a second process out of the folder, and sweeps up what a killed one left half-written."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise NeuroglotError(f"another process is working in {str(folder)!r}") from error
    try:
        for working in folder.rglob(".*.*.*"):
            working.unlink()
        yield
    finally:
        lock.release()
