"""Here, with one model, a piece after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import xarray as xr

from neuroglot.files import writing
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.memory import release
from neuroglot.statistics.shard import save_shard
from neuroglot.study.executors.estimate import Estimate, estimated
from neuroglot.study.executors.piece import Advance, Piece


@dataclass(frozen=True)
class Local:
    """The executor of whoever has a model in hand.

    Attributes:
        model: What every piece is done with.
        announce: Told what to expect before long work; None: nobody wants to know.
    """

    model: LanguageModel
    announce: Callable[[Estimate], None] | None = None

    def expect(self, pieces: Sequence[Piece]) -> None:
        """Tries a little of the work, if there is much of it."""
        if self.announce is not None and (expected := estimated(self.model, pieces)) is not None:
            self.announce(expected)

    def run(self, pieces: Sequence[Piece], advance: Advance) -> Iterator[tuple[int, xr.DataTree]]:
        """Each piece in turn (see `Executor.run`)."""
        for number, piece in enumerate(pieces):
            shard = piece.work(self.model, advance)
            if piece.path is not None:
                with writing(piece.path):
                    save_shard(shard, piece.path)
            yield number, shard
            release()

    def close(self) -> None:
        """Nobody to send home."""
