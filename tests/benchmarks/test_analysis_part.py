"""The analysis in the benchmark, on banks of a few neurons: it runs, and finds what plain NumPy finds."""

from importlib import import_module
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from neuroglot.statistics.shard import load_shard

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def analysis(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module("analysis")


def test_a_part_has_seconds_and_aims(analysis, monkeypatch):
    shapes = [analysis.Shape(shape.name, 3, 200, shape.quantities) for shape in analysis.SHAPES]
    monkeypatch.setattr(analysis, "SHAPES", shapes)
    said = []
    part = analysis.measure(None, 1, said.append)
    assert [len(seconds) for seconds in part.seconds.values()] == [1, 1]
    assert len(said) == 5
    assert all(aim.found > 0 for aim in part.aims)
    assert part.figures["7B: GB on disk"] > 18 * 20 * 600 * 8 / 1e9
    assert part.figures["70B: neurons shared by two languages"] < 6


def test_what_is_timed_is_the_recipe(analysis, tmp_path):
    shape = analysis.Shape("tiny", 3, 200, analysis.SHAPES[0].quantities)
    path = tmp_path / "bank" / "bank-00000.zarr.zip"
    analysis.make_up(shape, path)
    scores = load_shard(path)["mlp"]["grad_act.max.logprob:mean"].values
    spread = scores.std(axis=0, ddof=1)
    specificity = (scores - scores.mean(axis=0)) / (spread + np.median(spread, axis=1)[:, None])
    sets = [set(np.argsort(-one.ravel())[:6]) for one in specificity]
    expected = np.mean([len(one & other) for one, other in combinations(sets, 2)])
    assert analysis.analyse(path.parent).shared == expected
