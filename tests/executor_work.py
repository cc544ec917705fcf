"""Pieces of work for the tests of executors, where a worker's process can find them."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any
from unittest.mock import patch

import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.study import reading
from neuroglot.study.config import load_study
from tiny_study import run_stages


@dataclass(frozen=True)
class WaitsOnce:
    """The first time it is done it says by whom, and goes no further; the second time it is done."""

    work: Any
    mark: Path

    def __call__(self, model, advance) -> xr.DataTree:
        advance(1)
        if not self.mark.exists():
            self.mark.write_text(str(os.getpid()))
            time.sleep(600)
        return self.work(model, advance)


@dataclass(frozen=True)
class Kills:
    """Kills whoever does it."""

    def __call__(self, model, advance) -> xr.DataTree:
        os.kill(os.getpid(), SIGKILL)
        raise AssertionError


@dataclass(frozen=True)
class Refuses:
    """Raises a user's mistake, or a bug of ours."""

    ours: bool

    def __call__(self, model, advance) -> xr.DataTree:
        if self.ours:
            raise ZeroDivisionError
        raise NeuroglotError("too short", "en, document 3")


class SlowChunk(reading.Chunk):
    """A chunk that takes long enough to be killed in."""

    def __call__(self, model, advance) -> xr.DataTree:
        time.sleep(0.4)
        return super().__call__(model, advance)


def run_slowly(study: str, folder: str) -> None:
    """A run with many slow shards, by the driver of this process."""
    with patch.object(reading, "SHARD_TOKENS", 60), patch.object(reading, "Chunk", SlowChunk):
        run_stages(Path(folder), load_study(study))
