import importlib.util
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from executor_work import Kills, Refuses, WaitsOnce
from neuroglot.errors import NeuroglotError
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.shard import load_shard
from neuroglot.study import executors, reading, steps
from neuroglot.study.executors.local import Local
from neuroglot.study.executors.piece import Piece
from neuroglot.study.executors.room import Machine, Room, room_for
from neuroglot.study.passes import Summary
from neuroglot.study.reading import Chunk, Reading
from neuroglot.study.run import Run
from neuroglot.study.steps import samples_of
from tiny_study import run_stages, same_results

GRADIENT = Quantity("mlp", "grad", "max", 1, "logprob")
FIRES = Quantity("mlp", "active", "sum")

BIG, SMALL, BARE = Machine(64, 8), Machine(32, 2), Machine(4, 0)


@pytest.mark.parametrize(
    ("machines", "workers", "gpus", "room"),
    [
        ([BIG, SMALL], None, None, Room(10, 1.0, 6)),
        ([BIG, BIG], 4, 1, Room(4, 1, 32)),
        ([SMALL], None, 0.25, Room(8, 0.25, 4)),
        ([SMALL], None, 0.6, Room(2, 0.6, 16)),  # a second would lie on two GPUs
        ([BIG, SMALL], None, 4, Room(2, 4, 32)),  # a replica lies in one machine
        ([BARE, BARE], None, None, Room(2, 0.0, 4)),
        ([BARE], 3, None, Room(3, 0.0, 1)),
        ([BARE], 9, None, Room(9, 0.0, 1)),
        ([BIG], 2, 0, Room(2, 0, 32)),
    ],
)
def test_what_a_cluster_has_room_for(machines, workers, gpus, room):
    assert room_for(machines, workers, gpus) == room


@pytest.mark.parametrize(
    ("machines", "workers", "gpus"), [([SMALL], 3, 1), ([SMALL], 5, 0.5), ([BARE], None, 1)]
)
def test_more_than_there_is_is_refused_and_not_waited_for(machines, workers, gpus):
    with pytest.raises(
        NeuroglotError, match=r"workers of [\d.]+ GPUs each do not fit: there is room for [024], with [02]"
    ):
        room_for(machines, workers, gpus)


def test_the_extra_is_asked_for_before_anything_is_done(study, tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "find_spec", lambda name: None)
    with pytest.raises(NeuroglotError, match=r"study.yaml: executor: .*pip install 'neuroglot\[ray\]'"):
        Run.begin(tmp_path / "run", study(executor="ray"))
    assert not (tmp_path / "run").exists()
    Run.begin(tmp_path / "run", study())


needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra ray")


@pytest.fixture(scope="module")
def cluster():
    """Ray on this machine, whose workers find the tests' modules."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=":")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init("local", include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


@pytest.fixture
def actors(cluster, home):
    """Workers over the tiny model of ``home``."""
    from neuroglot.model.language_model import LanguageModel
    from neuroglot.study.executors.actors import Actors

    loading = {"name": home / "model"}
    fingerprint = LanguageModel.load(home / "model").fingerprint
    made = []

    def make(workers=2, fingerprint=fingerprint) -> Actors:
        made.append(Actors(loading, fingerprint, "float32", workers))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def local(home) -> Local:
    from neuroglot.model.language_model import LanguageModel

    return Local(LanguageModel.load(home / "model", precision="float32"))


@pytest.fixture
def pieces(local, study, tmp_path) -> list[Piece]:
    """Six pieces of a pass."""
    samples = samples_of(local.model, study().text.parts(0)["identify"])
    chunks = [samples[start : start + 3] for start in range(0, len(samples), 3)]
    folder = tmp_path / "pieces"
    folder.mkdir()
    return [
        Piece(
            f"shard {number}",
            sum(sample.tokens for sample in chunk),
            Chunk(chunk, [GRADIENT], "logprob", None, "all", None, {}),
            folder / f"{number}.zarr.zip",
        )
        for number, chunk in enumerate(chunks)
    ]


def replaced(piece: Piece, work) -> Piece:
    return Piece(piece.name, piece.tokens, work, piece.path)


class Bar:
    """A progress bar that remembers."""

    def __init__(self):
        self.moves, self.total = [], 0

    @contextmanager
    def __call__(self, description, total):
        self.total += total
        yield self.moves.append


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("summary", [None, Summary("tokens", True)])
def test_any_number_of_workers_gives_the_local_bank(actors, local, study, monkeypatch, tmp_path, summary):
    monkeypatch.setattr(reading, "SHARD_TOKENS", 100)
    monkeypatch.setattr(reading, "STREAMED_SHARD_TOKENS", 100)
    samples = samples_of(local.model, study().text.parts(0)["identify"])
    here = Reading(local, samples, None, "all", summary, {}).bank([FIRES, GRADIENT], tmp_path / "here", Bar())
    for workers in (1, 3):
        bar, folder = Bar(), tmp_path / str(workers)
        there = Reading(actors(workers), samples, None, "all", summary, {})
        bank = there.bank([FIRES, GRADIENT], folder, bar)
        assert sum(bar.moves) == bar.total
        assert [path.name for path in sorted(folder.iterdir())] == [
            path.name for path in sorted((tmp_path / "here").iterdir())
        ]
        for quantity, statistic in ((FIRES, "rate"), (GRADIENT, "mean")):
            one, two = (each.statistic(quantity, statistic) for each in (here, bank))
            np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-6 * float(abs(one).max()))


@needs_ray
@pytest.mark.slow
def test_a_study_by_ray_is_the_study(cluster, home, study, tmp_path, monkeypatch):
    """Every stage; then again with another number of workers, and here: nothing is left to do."""
    monkeypatch.setattr(steps, "STORE_LIMIT", 0)  # streamed
    monkeypatch.setattr(reading, "STREAMED_SHARD_TOKENS", 200)
    run_stages(tmp_path / "here", study())
    folder = tmp_path / "ray"
    run_stages(folder, study(executor={"kind": "ray", "workers": 2}))
    same_results(folder, tmp_path / "here")
    files = {path: path.stat().st_mtime_ns for path in folder.rglob("*.zarr.zip")}
    run_stages(folder, study(executor={"kind": "ray", "workers": 1}))
    run_stages(folder, study())
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.zarr.zip")} == files


@needs_ray
@pytest.mark.slow
def test_a_worker_killed_mid_shard_is_replaced_and_nothing_counts_twice(actors, local, pieces, tmp_path):
    import os
    from signal import SIGKILL

    mark, bar = tmp_path / "pid", []
    some = [replaced(pieces[0], WaitsOnce(pieces[0].work, mark)), *pieces[1:]]

    def kill():
        while not (mark.exists() and mark.read_text()):
            time.sleep(0.05)
        time.sleep(1)  # so that the bar has seen some of it
        os.kill(int(mark.read_text()), SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    found = dict(actors().run(some, bar.append))
    killer.join()
    assert sorted(found) == list(range(len(pieces)))
    assert sum(bar) == sum(piece.tokens for piece in pieces)
    assert min(bar) < 0  # what the dead one had done was taken back
    for number, piece in enumerate(pieces):
        assert load_shard(piece.path).identical(found[number])
        here = piece.work(local.model, lambda tokens: None)
        # To rounding: a worker has other threads, which on some processors add up in another order.
        xr.testing.assert_allclose(found[number], here, rtol=1e-4, atol=1e-6)


@needs_ray
@pytest.mark.slow
def test_a_piece_that_kills_two_workers_is_named_and_the_others_can_go_on(actors, pieces):
    executor = actors()
    with pytest.raises(NeuroglotError, match=r"^two workers died on shard 1, both of SYSTEM_ERROR: see"):
        list(executor.run([pieces[0], replaced(pieces[1], Kills()), *pieces[2:]], lambda tokens: None))
    assert len(list(executor.run(pieces, lambda tokens: None))) == len(pieces)


@needs_ray
@pytest.mark.slow
def test_errors_arrive_as_what_they_are(actors, pieces):
    executor = actors()
    with pytest.raises(NeuroglotError) as caught:
        list(executor.run([replaced(pieces[0], Refuses(ours=False))], lambda tokens: None))
    assert str(caught.value) == "en, document 3: too short"
    assert type(caught.value) is NeuroglotError
    with pytest.raises(ZeroDivisionError):
        list(executor.run([replaced(pieces[0], Refuses(ours=True))], lambda tokens: None))
    with pytest.raises(NeuroglotError, match=r"^the worker on .* loaded other weights from .*/model'"):
        list(actors(fingerprint="another").run(pieces, lambda tokens: None))


@needs_ray
@pytest.mark.slow
def test_nobody_works_on_for_a_driver_that_has_stopped(actors, pieces, tmp_path):
    """Its folder vanished, say: the piece in the other worker's hands is not finished."""
    executor, mark = actors(), tmp_path / "pid"
    some = [replaced(pieces[0], WaitsOnce(pieces[0].work, mark)), *pieces[1:]]
    shards = executor.run(some, lambda tokens: None)
    next(shards)
    while not (mark.exists() and mark.read_text()):
        time.sleep(0.05)
    shards.close()
    import psutil

    for _ in range(100):
        if not psutil.pid_exists(int(mark.read_text())):
            break
        time.sleep(0.1)
    else:
        pytest.fail("it works on")
    assert len(list(executor.run(pieces, lambda tokens: None))) == len(pieces)


@needs_ray
@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_a_cluster_that_is_not_there_is_one_line(pieces, address, monkeypatch):
    from neuroglot.study.executors import actors

    monkeypatch.setattr(actors.ray, "is_initialized", lambda: False)  # another test may have started it
    executor = actors.Actors({"name": "gemma3-270m"}, "", "float32", address=address)
    with pytest.raises(NeuroglotError, match=rf"^no Ray cluster answers at '{address}': .*refused$"):
        list(executor.run(pieces, lambda tokens: None))
