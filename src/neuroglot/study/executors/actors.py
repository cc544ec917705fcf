"""Ray: workers that each hold a replica of the model, on as many machines as the cluster has.

The driver hands a worker one piece at a time. The shard comes back through Ray's object store as the bytes
of its file, and the driver alone writes the run folder: no file system needs to be shared, and a driver that
is killed continues from there. A worker that dies is replaced and its piece done again; nothing of the dead
one's was kept. A piece that kills two workers by the same cause is an error.
"""

import logging
import os
import re
import socket
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
import xarray as xr
from ray import exceptions

from neuroglot.errors import NeuroglotError
from neuroglot.files import write_bytes
from neuroglot.statistics.shard import load_shard
from neuroglot.study.executors.piece import Advance, Piece
from neuroglot.study.executors.room import Machine, Room, room_for
from neuroglot.study.executors.worker import Worker

SECONDS_A_LOOK = 0.5
"""How often the bar moves while nothing is finished."""

SECONDS_TO_ANSWER = 10

DEATHS = (
    exceptions.RayActorError,
    exceptions.NodeDiedError,
    exceptions.ObjectLostError,
    exceptions.OutOfMemoryError,
    exceptions.WorkerCrashedError,
)


class Actors:
    """The executor of a cluster; workers start with the first piece and stay until `close`.

    Args:
        loading: How a worker loads the model (`LanguageModel.load`).
        fingerprint: Of the driver's model, which the workers' must have too.
        precision: Of its products, which those of workers without GPU have too.
        workers: How many; None: one a GPU, without GPUs one a machine.
        gpus: GPUs a worker; None: 1 where there are any.
        address: ``local``, ``auto``, ``host:port`` or ``ray://host:port``.
    """

    def __init__(
        self,
        loading: Mapping[str, Any],
        fingerprint: str,
        precision: str,
        workers: int | None = None,
        gpus: float | None = None,
        address: str = "local",
    ) -> None:
        path = Path(str(loading["name"])).expanduser()  # a worker stands in another folder
        self._loading = {**loading, "name": str(path.resolve()) if path.exists() else loading["name"]}
        self._fingerprint = fingerprint
        self._precision = precision
        self._asked = (workers, gpus)
        self._address = address
        self._workers: list[Any] = []
        self._ours = False

    def expect(self, pieces: Sequence[Piece]) -> None:
        """Nothing: a trial here would tell nothing of the workers' machines."""

    def run(self, pieces: Sequence[Piece], advance: Advance) -> Iterator[tuple[int, xr.DataTree]]:
        """Each piece as it gets finished (see `Executor.run`)."""
        if not pieces:
            return
        self._connect()
        room = _threads_allowed(room_for(_machines(), *self._asked))
        while len(self._workers) < room.workers:
            self._workers.append(self._worker(room))
        shift = _Shift(pieces, advance, deque(self._workers))
        try:
            for job, content in shift.finished():
                if content is None:
                    self._dismiss(job.worker)
                    self._workers.append(self._worker(room))
                    shift.idle.append(self._workers[-1])
                else:
                    yield job.number, _kept(content, job.path)
        finally:
            for worker in [worker for worker in self._workers if worker not in shift.idle]:
                self._dismiss(worker)  # dead, or at work for somebody who has stopped

    def close(self) -> None:
        """Ends the workers, and Ray where it was started here."""
        for worker in list(self._workers):
            self._dismiss(worker)
        if self._ours:
            ray.shutdown()
            self._ours = False

    def _connect(self) -> None:
        if ray.is_initialized():
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        local: dict[str, Any] = {"include_dashboard": False} if self._address == "local" else {}
        hint = ""
        try:
            host, _, port = self._address.removeprefix("ray://").partition(":")
            if port:  # Ray itself goes on asking for minutes
                socket.create_connection((host, int(port)), timeout=SECONDS_TO_ANSWER).close()
                hint = " (does it ask for a token? Set RAY_AUTH_MODE=token)"
            ray.init(self._address, log_to_driver=False, logging_level=logging.ERROR, **local)
        except (exceptions.RayError, OSError, RuntimeError, ValueError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise NeuroglotError(f"no Ray cluster answers at {self._address!r}: {reason}{hint}") from error
        self._ours = True

    def _worker(self, room: Room) -> Any:
        # No cores are reserved: how many workers there are was asked for, and they share what there is.
        options = {
            "num_cpus": 0,
            "num_gpus": room.gpus,
            "scheduling_strategy": "SPREAD",
            "max_concurrency": 2,
        }
        # Machines may differ in what their processors are fast at; the numbers must not.
        precision = self._loading["precision"] if room.gpus else self._precision
        remote = ray.remote(Worker).options(**options).remote
        device = "auto" if room.gpus > 1 else None
        loading = {**self._loading, "precision": precision, "device": device}
        return remote(loading, self._fingerprint, room.threads)

    def _dismiss(self, worker: Any) -> None:
        self._workers.remove(worker)
        ray.kill(worker)


@dataclass
class _Job:
    """A piece in a worker's hands: its index and file, and how far the bar knows of it."""

    number: int
    worker: Any
    path: Path
    reported: int = 0
    look: Any = None


@dataclass
class _Shift:
    """Pieces handed out to workers until all are done.

    Attributes:
        pieces: All of them.
        advance: The progress bar.
        idle: Workers that have nothing to do.
        waiting: Pieces in nobody's hands.
        running: What is under way, by the reference that Ray gave for its result.
        deaths: Workers that died, by piece and cause.
    """

    pieces: Sequence[Piece]
    advance: Advance
    idle: deque[Any]
    waiting: deque[int] = field(init=False)
    running: dict[Any, _Job] = field(default_factory=dict)
    deaths: Counter[tuple[int, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.waiting = deque(range(len(self.pieces)))

    def finished(self) -> Iterator[tuple[_Job, bytes | None]]:
        """Each job that ended with its shard's bytes; None if the worker died, which is to be replaced."""
        self._hand_out()
        while self.running:
            ready, _ = ray.wait(list(self.running), num_returns=1, timeout=SECONDS_A_LOOK)
            self._look()
            if ready:
                job = self.running.pop(ready[0])
                content = self._result(job, ready[0])
                self._hand_out()  # before the driver writes what came: meanwhile the worker works on
                yield job, content
                self._hand_out()

    def _hand_out(self) -> None:
        while self.waiting and self.idle:
            number, worker = self.waiting.popleft(), self.idle.popleft()
            piece = self.pieces[number]
            if piece.path is None:
                raise ValueError(f"{piece.name} has no file to be kept in")
            reference = worker.work.remote(number, piece.work, piece.path.name)
            self.running[reference] = _Job(number, worker, piece.path)

    def _result(self, job: _Job, reference: Any) -> bytes | None:
        piece = self.pieces[job.number]
        try:
            content: bytes = ray.get(reference)
        except DEATHS as death:
            cause = _cause(death)
            self.deaths[job.number, cause] += 1
            if self.deaths[job.number, cause] > 1:
                raise NeuroglotError(
                    f"two workers died on {piece.name}, both of {cause}: see Ray's logs"
                ) from death
            self.advance(-job.reported)
            self.waiting.appendleft(job.number)
            return None
        except exceptions.RayTaskError as error:
            if isinstance(error.cause, NeuroglotError):
                raise NeuroglotError(str(error.cause)) from error
            raise
        self.advance(piece.tokens - job.reported)
        self.idle.append(job.worker)
        return content

    def _look(self) -> None:
        """Moves the bar by what the workers have said since."""
        for job in self.running.values():
            if job.look is None:
                job.look = job.worker.done.remote(job.number)
            answered, _ = ray.wait([job.look], timeout=0)
            if answered:
                job.look = None
                try:
                    done = ray.get(answered[0])
                except exceptions.RayError:  # it died, which its result will say
                    continue
                self.advance(done - job.reported)
                job.reported = done


def _kept(content: bytes, path: Path) -> xr.DataTree:
    write_bytes(path, content)
    return load_shard(path)


def _cause(death: exceptions.RayError) -> str:
    """What a worker died of, as far as Ray knows: a word that two deaths can have in common."""
    if getattr(death, "preempted", False):
        return "preemption of its machine"
    kind = re.search(r"Worker exit type: (\w+)", str(death))
    return kind.group(1) if kind else type(death).__name__


def _machines() -> list[Machine]:
    resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [Machine(int(each.get("CPU", 0)), int(each.get("GPU", 0))) for each in resources]


def _threads_allowed(room: Room) -> Room:
    """The room with no more threads than the user's own environment allows."""
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return Room(room.workers, room.gpus, min(room.threads, int(allowed))) if allowed.isdecimal() else room
