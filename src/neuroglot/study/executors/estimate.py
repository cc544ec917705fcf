"""What a run will take, said before it begins: a little of its own work is done, timed and weighed.

The little is the beginning of the first piece, whose samples are the longest. How memory grows from the
smaller trial to the larger one, position by position, gives the peak of a full batch; how time grows gives
the whole time. Nothing is assumed of the model, the scores or the machine.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from neuroglot.model.batch import default_budget
from neuroglot.model.language_model import LanguageModel
from neuroglot.study.executors.piece import Piece, Trial

TRIALS = (64, 384)
"""Positions of the two trials: small beside a full batch, far enough apart for a slope."""

WORTH_IT = 10
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
        spoken = f"about {duration(self.seconds)}"
        if self.memory is not None and self.room is not None:
            spoken += f", about {self.memory / 1e9:.1f} of {self.room / 1e9:.0f} GB of memory"
            if self.memory > self.room:
                spoken += ": it may not fit, and batches will be halved"
        return spoken


def estimated(model: LanguageModel, pieces: Sequence[Piece]) -> Estimate | None:
    """What pieces will take here, with this model; None if they are so few that it hardly matters."""
    tokens = sum(piece.tokens for piece in pieces)
    if tokens < WORTH_IT * TRIALS[1]:
        return None
    work = pieces[0].work
    small, large = (work.little(size) for size in TRIALS)
    # The first time weighs: no freed memory lies about yet. The second time counts: weights have been read
    # from disk, and kernels chosen for these shapes.
    (_, low), (_, high) = _tried(model, small), _tried(model, large)
    (quick, _), (slow, _) = _tried(model, small), _tried(model, large)
    apart = large.positions - small.positions
    seconds, memory = slow / large.tokens, high
    if apart:  # else one sample fills the smaller trial already
        # What a trial takes whatever its size, such as the proof of a mask, a full piece hardly notices.
        seconds = max((slow - quick) / (large.tokens - small.tokens), seconds / 2)
        if low is not None and high is not None:
            further = max(work.largest_batch(default_budget(model.device)) - large.positions, 0)
            memory = int(high + max(high - low, 0) / apart * further)
    if memory is not None and model.device.type == "cpu":
        memory += work.held(model)
    return Estimate(seconds * tokens, memory, room(model.device))


def _tried(model: LanguageModel, trial: Trial) -> tuple[float, int | None]:
    """Seconds and peak of a trial."""
    forget_peak(model.device)
    began = time.perf_counter()
    trial.work(model, lambda done: None)
    return time.perf_counter() - began, peak(model.device)


def forget_peak(device: torch.device) -> None:
    """Peaks are measured from here on."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif Path("/proc/self/clear_refs").exists():
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:  # not allowed: the peak so far is a bound all the same
            return


def peak(device: torch.device) -> int | None:
    """Bytes at most since then: of the process, or of the GPU; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if not status.exists():  # only Linux tells
        return None
    return next(
        int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM")
    )


def room(device: torch.device) -> int | None:
    """Memory that there is in all."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    table = Path("/proc/meminfo")
    if not table.exists():
        return None
    return next(
        int(line.split()[1]) * 1024 for line in table.read_text().splitlines() if line.startswith("MemTotal")
    )


def duration(seconds: float) -> str:
    """In the unit that people would take."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
