"""What a run will take, said before it begins: a little of its own work is done twice, timed and weighed.

The little is the beginning of the first piece, whose samples are the longest. How memory grows from the smaller
trial to the larger one, position by position, gives the peak of a full batch; how long the larger one took
gives the time. Nothing is assumed of the model, the scores or the machine.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from neuroglot.model.language_model import LanguageModel
from neuroglot.study.executors.piece import Piece

TRIALS = (64, 192)
"""Positions of the two trials: small beside a full batch, far enough apart for a slope."""

WORTH_IT = 20
"""Work of fewer tokens than so many times the larger trial is not estimated: it is done sooner."""


@dataclass(frozen=True)
class Estimate:
    """What is to be expected.

    Attributes:
        seconds: For all pieces.
        memory: Peak in bytes: of the process, or of the GPU; None where the system does not tell.
        room: Bytes that are there.
    """

    seconds: float
    memory: int | None
    room: int | None

    def __str__(self) -> str:
        spoken = f"about {_duration(self.seconds)}"
        if self.memory is not None and self.room is not None:
            spoken += f", about {self.memory / 1e9:.1f} of {self.room / 1e9:.0f} GB of memory"
            if self.memory > self.room:
                spoken += ": it may not fit, and batches will be halved"
        return spoken


def estimated(model: LanguageModel, pieces: Sequence[Piece]) -> Estimate | None:
    """What pieces will take on this machine with this model; None if they are so few that it hardly matters."""
    tokens = sum(piece.tokens for piece in pieces)
    if tokens < WORTH_IT * TRIALS[1]:
        return None
    work = pieces[0].work
    peaks, positions = [], []
    seconds = 0.0
    for size in TRIALS:
        trial = work.little(size)
        _forget_peak(model.device)
        began = time.perf_counter()
        trial.work(model, lambda done: None)
        seconds = (time.perf_counter() - began) / trial.tokens
        peaks.append(_peak(model.device))
        positions.append(trial.positions)
    return Estimate(seconds * tokens, _extrapolated(peaks, positions, work.positions), _room(model.device))


def _extrapolated(peaks: Sequence[int | None], positions: Sequence[int], full: int) -> int | None:
    small, large = peaks
    if small is None or large is None:
        return None
    apart = positions[1] - positions[0]
    slope = max(large - small, 0) / apart if apart else 0.0
    return int(large + slope * max(full - positions[1], 0))


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif Path("/proc/self/clear_refs").exists():
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:  # not allowed: the peak so far is a bound all the same
            return


def _peak(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if not status.exists():  # only Linux tells
        return None
    return next(
        int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM")
    )


def _room(device: torch.device) -> int | None:
    """Memory that there is in all."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    table = Path("/proc/meminfo")
    if not table.exists():
        return None
    return next(
        int(line.split()[1]) * 1024 for line in table.read_text().splitlines() if line.startswith("MemTotal")
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
