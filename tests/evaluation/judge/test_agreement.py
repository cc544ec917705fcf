"""Agreement against plain sums."""

import math
from itertools import product

import numpy as np
import pytest

from neuroglot.evaluation.judge.agreement import agreement


def weighted_kappa(one, two):
    """1 − observed / expected squared distance, over all pairs (Cohen 1968)."""
    observed = sum((a - b) ** 2 for a, b in zip(one, two, strict=True)) / len(one)
    expected = sum((a - b) ** 2 for a, b in product(one, two)) / len(one) ** 2
    return 1 - observed / expected


def ranks(values):
    """Mean ranks, ties shared."""
    return [
        sum(other < value for other in values) + sum(other == value for other in values) / 2
        for value in values
    ]


def test_against_plain_sums():
    draw = np.random.default_rng(0)
    one = draw.integers(1, 11, 40).astype(float)
    two = np.clip(one + draw.integers(-2, 3, 40), 1, 10)
    found = agreement(one, two)
    assert found["pairs"] == 40
    assert found["exact"] == sum(a == b for a, b in zip(one, two, strict=True)) / 40
    assert found["within_one"] == sum(abs(a - b) <= 1 for a, b in zip(one, two, strict=True)) / 40
    assert found["kappa"] == pytest.approx(weighted_kappa(one, two))
    assert found["spearman"] == pytest.approx(np.corrcoef(ranks(one), ranks(two))[0, 1])
    assert 0 < found["exact"] < found["within_one"] < 1


def test_only_what_is_readable_twice_counts():
    found = agreement([8, math.nan, 3, 5], [8, 4, math.nan, 7])
    assert (found["pairs"], found["exact"], found["within_one"]) == (2, 0.5, 0.5)


def test_what_is_not_defined_is_not_a_number():
    nothing = agreement([], [])
    assert nothing.pop("pairs") == 0
    assert all(math.isnan(value) for value in nothing.values())
    same = agreement([5, 5], [5, 5])
    assert same["exact"] == 1
    assert math.isnan(same["spearman"])
    assert math.isnan(same["kappa"])
    assert agreement([5, 5], [5, 6])["kappa"] == pytest.approx(0)
