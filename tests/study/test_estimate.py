"""What is said before a run, against work whose time and memory are known."""

import time
from dataclasses import dataclass, replace

import numpy as np
import pytest
import xarray as xr

from neuroglot.model.memory import release
from neuroglot.study.executors import estimate
from neuroglot.study.executors.estimate import Estimate, estimated
from neuroglot.study.executors.local import Local
from neuroglot.study.executors.piece import Piece, Trial
from neuroglot.study.reading import Chunk
from neuroglot.study.steps import samples_of
from tiny import tiny_model

MIB = 2**20


@dataclass(frozen=True)
class Known:
    """Takes a fixed while and some seconds a token, some bytes a position, and holds some more."""

    tokens: int
    seconds: float = 0.0
    weighs: int = 0
    holds: int = 0

    def largest_batch(self, token_budget):
        return 512

    def held(self, model):
        return self.holds

    def __call__(self, model, advance):
        room = np.ones(self.tokens * self.weighs, dtype=np.uint8)
        time.sleep(0.05 + self.seconds * self.tokens)
        return xr.DataTree(xr.Dataset({"bytes": len(room)}))

    def little(self, positions):
        return Trial(replace(self, tokens=positions), positions, positions)


@pytest.fixture(scope="module")
def model():
    return tiny_model("llama")


def test_the_time_is_that_of_all_pieces_without_what_each_takes_anyway(model):
    work = Known(6000, seconds=0.002)
    found = estimated(model, [Piece("a", 6000, work, None), Piece("b", 4000, work, None)])
    assert found.seconds == pytest.approx(20, rel=0.3)


def test_the_memory_is_that_of_a_full_batch(model):
    work = Known(6000, weighs=3 * MIB)
    release()
    found = estimated(model, [Piece("a", 6000, work, None)])
    estimate.forget_peak(model.device)
    work.little(512).work(model, lambda done: None)
    assert found.memory == pytest.approx(estimate.peak(model.device), rel=0.05)


def test_what_is_held_counts(model):
    bare = estimated(model, [Piece("a", 6000, Known(6000), None)])
    more = estimated(model, [Piece("a", 6000, Known(6000, holds=2**33), None)])
    assert more.memory - bare.memory == pytest.approx(2**33, rel=0.05)


def test_little_work_is_not_estimated(model):
    assert estimated(model, [Piece("a", 100, Known(100), None)]) is None
    assert estimated(model, []) is None


def test_it_is_said_before_the_work_and_only_to_who_asked(model):
    said = []
    pieces = [Piece("a", 6000, Known(20), None)]
    Local(model).expect(pieces)
    Local(model, said.append).expect(pieces)
    assert len(said) == 1
    assert str(said[0]).startswith("about ")


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (Estimate(12.4, 2_400_000_000, 25_000_000_000), "about 12 s, about 2.4 of 25 GB of memory"),
        (Estimate(600, None, None), "about 10 min"),
        (
            Estimate(9000, 9_000_000_000, 8_000_000_000),
            "about 2.5 h, about 9.0 of 8 GB of memory: it may not",
        ),
    ],
)
def test_how_it_is_said(expected, said):
    assert str(expected).startswith(said)


def test_a_little_of_a_pass_is_its_longest_samples(home, study):
    from neuroglot.study.run import Run

    run = Run.open(home / "run")
    samples = samples_of(run.model, run.text["identify"])
    chunk = Chunk(samples, [], "logprob", None, "all", None, {})
    longest = max(len(sample.ids) for sample in samples)
    trial = chunk.little(3 * longest)
    assert len(trial.work.samples[0].ids) == longest
    assert trial.positions == 3 * longest
    assert trial.tokens == sum(sample.tokens for sample in trial.work.samples)
    assert chunk.largest_batch(10_000) == len(samples) * longest
