"""Here, with one model, a piece after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import xarray as xr

from neuroglot.files import writing
from neuroglot.model.language_model import LanguageModel
from neuroglot.statistics.shard import save_shard
from neuroglot.study.executors.piece import Advance, Piece


@dataclass(frozen=True)
class Local:
    """The executor of whoever has a model in hand.

    Attributes:
        model: What every piece is done with.
    """

    model: LanguageModel

    def run(self, pieces: Sequence[Piece], advance: Advance) -> Iterator[tuple[int, xr.DataTree]]:
        """Each piece in turn (see `Executor.run`)."""
        for number, piece in enumerate(pieces):
            shard = piece.work(self.model, advance)
            if piece.path is not None:
                with writing(piece.path):
                    save_shard(shard, piece.path)
            yield number, shard

    def close(self) -> None:
        """Nobody to send home."""
