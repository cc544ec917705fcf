"""What runs in a worker's process: a replica of the model, and one piece of work at a time."""

import socket
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from neuroglot.errors import NeuroglotError
from neuroglot.files import writing
from neuroglot.model.language_model import LanguageModel
from neuroglot.statistics.shard import save_shard
from neuroglot.study.executors.piece import Work


class Worker:
    """A replica and what it is doing. Two threads: one works, the other says how far it is.

    Args:
        loading: How the model is loaded (`LanguageModel.load`).
        fingerprint: What its weights must be.
        threads: Processor threads.
    """

    def __init__(self, loading: Mapping[str, Any], fingerprint: str, threads: int) -> None:
        self._loading = loading
        self._fingerprint = fingerprint
        self._model: LanguageModel | None = None
        self._number = -1
        self._done = 0
        torch.set_num_threads(threads)

    def work(self, number: int, work: Work, name: str) -> bytes:
        """Does a piece and returns its shard as the bytes of its file, which knows its name."""
        if self._model is None:  # here and not at the start, where an error would be a death
            self._model = self._load()
        self._number, self._done = number, 0
        shard = work(self._model, self._advance)
        with TemporaryDirectory() as folder:
            path = Path(folder) / name
            with writing(path):
                save_shard(shard, path)
            return path.read_bytes()

    def done(self, number: int) -> int:
        """Tokens done of a piece; 0 if another is in hand."""
        return self._done if self._number == number else 0

    def _advance(self, tokens: int) -> None:
        self._done += tokens

    def _load(self) -> LanguageModel:
        model = LanguageModel.load(**self._loading)
        if model.fingerprint != self._fingerprint:
            raise NeuroglotError(
                f"the worker on {socket.gethostname()} loaded other weights from {model.name!r} "
                f"({model.fingerprint}) than the run ({self._fingerprint})"
            )
        return model
