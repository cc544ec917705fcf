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

Work = Callable[[LanguageModel, Advance], xr.DataTree]
"""What is done with a model. It travels to workers, so it holds plain values only, and never the model."""


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

    def run(self, pieces: Sequence[Piece], advance: Advance) -> Iterator[tuple[int, xr.DataTree]]:
        """The index of each piece with its shard, as they get finished; by then the shard is on disk.

        Raises:
            NeuroglotError: What a piece raised, whichever machine it was done on.
        """

    def close(self) -> None:
        """Sends the workers home."""
