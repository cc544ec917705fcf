"""A piece of work, and what does pieces of work.

`Reading` and `Ablating` say *what* pieces there are, an executor *where* they are done. A piece gives one
shard and depends on nothing but the model: it can be done anywhere, in any order, and again after a death.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import xarray as xr

from neuroglot.model.language_model import LanguageModel

Advance = Callable[[int], None]
"""Told the number of tokens done; a negative one takes back what a dead worker had done."""


class Work(Protocol):
    """What is done with a model. It travels to workers: plain values only, and never the model."""

    def largest_batch(self, token_budget: int) -> int:
        """Positions of its largest batch: what its memory grows with."""

    def held(self, model: LanguageModel) -> int:
        """Bytes of what it has found and keeps, beside what the batch in hand takes."""

    def __call__(self, model: LanguageModel, advance: Advance) -> xr.DataTree:
        """Does it."""

    def little(self, positions: int) -> "Trial":
        """A little of it, about so many positions, to be timed and weighed."""


@dataclass(frozen=True)
class Trial:
    """A little of some work.

    Attributes:
        work: What is done.
        positions: Positions of its one batch.
        tokens: How much it is.
    """

    work: Work
    positions: int
    tokens: int


@dataclass(frozen=True)
class Piece:
    """Some work, and where its result is kept.

    Attributes:
        name: What errors call it.
        tokens: How much it is, for the progress bar.
        work: What is done.
        path: The file of its shard; None keeps it in memory only.
    """

    name: str
    tokens: int
    work: Work
    path: Path | None


class Executor(Protocol):
    """Does pieces of work."""

    def expect(self, pieces: Sequence[Piece]) -> None:
        """Says how long pieces will take and how much memory, to whoever wants to know, if it can tell."""

    def run(self, pieces: Sequence[Piece], advance: Advance) -> Iterator[tuple[int, xr.DataTree]]:
        """The index of each piece with its shard, as they get finished; by then the shard is on disk.

        Raises:
            NeuroglotError: What a piece raised, whichever machine it was done on.
        """

    def close(self) -> None:
        """Sends the workers home."""
