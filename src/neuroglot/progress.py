"""Progress on long work: what is being done, and how long is left."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Track = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""(what is being done, how much there is) → a context that yields ``advance(done)``."""


SECONDS_A_LINE = 10


@contextmanager
def silent(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """No bar at all: the default in Python, where the caller owns the screen."""
    yield lambda done: None


@contextmanager
def bar(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error with the time that is left; in a log, a line every ten seconds."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(description, total)
        return
    columns = (
        TextColumn("{task.description:<32}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(description, total=total)
        yield lambda done: progress.advance(task, done)


def _lines(description: str, total: int) -> Callable[[int], None]:
    began = said = time.monotonic()
    reached = 0

    def advance(done: int) -> None:
        nonlocal reached, said
        reached += done
        now = time.monotonic()
        if now - said >= SECONDS_A_LINE or reached >= total:
            left = (now - began) * (total - reached) / max(reached, 1)
            sys.stderr.write(f"{description}: {reached}/{total}, {now - began:.0f} s, {left:.0f} s left\n")
            said = now

    return advance
