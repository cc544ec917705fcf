"""Neurons and conductance in the benchmark: they run, compare like numbers, and leave the model alone."""

from importlib import import_module
from pathlib import Path

import pytest

from neuroglot.model.batch import Batch
from neuroglot.text.samples import Sample
from tiny import tiny_model

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(params=["neurons", "conductance"])
def part(request, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    model = tiny_model("gemma3_text")
    samples = [Sample("en", "d", n, (2, *range(3 + n, 40 + n)), 9, 9) for n in range(3)]
    before, said = model.fingerprint, []
    bench = import_module("workloads").Bench(model, Batch.of(samples))
    found = import_module(request.param).measure(bench, 2, said.append)
    del model.fingerprint  # it was kept; measure it again
    assert model.fingerprint == before
    assert said
    return found


def test_a_part_has_seconds_of_every_round_and_like_numbers(part):
    assert {len(taken) for taken in part.seconds.values()} == {2}
    assert all(second > 0 for taken in part.seconds.values() for second in taken)
    apart = {name: found for name, found in part.figures.items() if "apart" in name or "captum" in name}
    assert apart
    assert max(apart.values()) < 1e-4
    for aim in part.aims:
        assert aim.met or aim.at_least, f"{aim}: speed means nothing on a tiny model, numbers do"
    for name, found in part.figures.items():
        if "largest effect" in name:
            assert found > 1e-3, "nothing moved: the comparison would not notice"
