"""Progress on long work: what is being done, and how long is left."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Track = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""(what is being done, how much there is) → a context that yields ``advance(done)``."""


@contextmanager
def silent(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """No bar at all: the default in Python, where the caller owns the screen."""
    yield lambda done: None


@contextmanager
def bar(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error with the time that is left; one line a bar where there is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(description, total=total)
        yield lambda done: progress.advance(task, done)
