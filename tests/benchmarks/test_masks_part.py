"""Masks in the benchmark: they run, and our numbers are those of `model(labels=…)`."""

from importlib import import_module
from pathlib import Path

import pytest

from neuroglot.model.batch import Batch
from neuroglot.text.samples import Sample
from tiny import tiny_model

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_the_numbers_are_theirs(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    masks, workloads = import_module("masks"), import_module("workloads")
    monkeypatch.setattr(masks, "SHARE", 0.3)
    samples = [Sample("en", "d", n, (2, *range(3 + n, 20 - n)), 9, 9) for n in range(3)]
    part = masks.measure(workloads.Bench(tiny_model("gemma3_text"), Batch.of(samples)), 2, lambda text: None)
    assert {len(taken) for taken in part.seconds.values()} == {2}
    assert part.figures["nats a token apart, float32"] == pytest.approx(0, abs=1e-5)
    assert [aim.limit for aim in part.aims] == [0.85, 0.4]
