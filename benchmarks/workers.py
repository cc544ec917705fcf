"""Ray's workers: two of one thread against one of one thread, and what a shard without work costs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from os import environ
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import measure as timing
from harness import Aim, Part, ratio
from neuroglot.statistics.shard import SUFFIX
from neuroglot.study.executors.actors import Actors
from neuroglot.study.executors.piece import Piece
from neuroglot.study.reading import Chunk
from neuroglot.text.samples import Sample
from workloads import GRAD_ACT, Bench

PIECES, ROWS = 4, 9
"""Shards of a round, and the samples in each: the same ones, so that the shards take equally long."""

IDLE = 20

ONE, TWO = "1 worker of one thread", "2 workers of one thread"


def measure(bench: Bench, rounds: int, say: Callable[[str], None]) -> Part:
    """Times the same shards on one worker and on two, in turn."""
    model = bench.model
    loading = {"name": model.name, "dtype": str(model.network.dtype).removeprefix("torch.")}
    with one_thread(), TemporaryDirectory() as folder:
        work = pieces(Path(folder), bench.batch.samples[:ROWS], PIECES)
        one, two = (Actors(loading, model.fingerprint, model.precision, workers) for workers in (1, 2))
        try:
            for name, workers in ((ONE, one), (TWO, two)):
                say(f"Ray starts and loads the model: {name}")
                done(workers, work)
            taken = timing.seconds(
                {ONE: partial(done, one, work), TWO: partial(done, two, work)}, rounds, say
            )
            say("shards without work")
            begin = perf_counter()
            done(one, pieces(Path(folder), (), IDLE))
            overhead = (perf_counter() - begin) / IDLE
        finally:
            two.close()
            one.close()  # which started Ray
    return Part(
        "workers",
        taken,
        [Aim("2 one-thread workers ≥ 1.8 × 1", ratio(taken, ONE, TWO), 1.8, at_least=True)],
        {"seconds a shard without work": overhead, "tokens a shard": work[0].tokens},
        [f"{PIECES} equal shards a round; it takes two cores that no other work is on"],
    )


def pieces(folder: Path, samples: Sequence[Sample], count: int) -> list[Piece]:
    """So many pieces of work on the same samples."""
    chunk = Chunk(samples, [GRAD_ACT], "logprob", None, "all", None, {})
    tokens = sum(sample.tokens for sample in samples)
    return [Piece(f"shard {number}", tokens, chunk, folder / f"{number}{SUFFIX}") for number in range(count)]


def done(workers: Actors, work: Sequence[Piece]) -> None:
    """Has every piece done."""
    for _ in workers.run(work, lambda tokens: None):
        pass


@contextmanager
def one_thread() -> Iterator[None]:
    """Workers that start in here get one thread each."""
    before = environ.get("OMP_NUM_THREADS")
    environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del environ["OMP_NUM_THREADS"]
        else:
            environ["OMP_NUM_THREADS"] = before
