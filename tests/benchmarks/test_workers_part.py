"""Ray's workers in the benchmark, on a tiny model: both crews do the same shards, and Ray ends with them."""

from importlib import import_module
from pathlib import Path

import pytest

from neuroglot.model.batch import Batch
from neuroglot.model.language_model import LanguageModel
from neuroglot.text.samples import Sample
from tiny import save_tiny

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.slow
def test_both_crews_are_timed_in_every_round(tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.syspath_prepend(BENCHMARKS)
    workers = import_module("workers")
    model = LanguageModel.load(save_tiny(tmp_path / "model"), precision="float32")
    samples = [Sample("en", "d", n, (2, *range(3 + n, 40 + n)), 9, 9) for n in range(3)]
    part = workers.measure(import_module("workloads").Bench(model, Batch.of(samples)), 2, lambda what: None)
    assert {name: len(taken) for name, taken in part.seconds.items()} == {workers.ONE: 2, workers.TWO: 2}
    assert part.figures["tokens a shard"] == 3 * 37
    assert 0 < part.figures["seconds a shard without work"] < 5
    assert not ray.is_initialized()
