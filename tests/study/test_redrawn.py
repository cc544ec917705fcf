"""How alike sets are, and how alike random ones would be."""

from itertools import combinations

import numpy as np
import pytest

from neuroglot.neurons import NeuronSet
from neuroglot.study.jaccard import expected_jaccard, jaccard


@pytest.mark.parametrize(
    ("first", "second", "neurons"), [(2, 3, 6), (1, 1, 4), (4, 3, 5), (0, 2, 4), (3, 3, 3)]
)
def test_chance_is_the_mean_over_all_pairs_of_sets(first, second, neurons):
    found = [
        len(set(one) & set(two)) / len(set(one) | set(two))
        for one in combinations(range(neurons), first)
        for two in combinations(range(neurons), second)
    ]
    assert expected_jaccard(first, second, neurons) == pytest.approx(np.mean(found))


def test_two_empty_sets_are_the_same():
    empty = NeuronSet("mlp", np.zeros((2, 3), dtype=bool))
    assert expected_jaccard(0, 0, 6) == jaccard(empty, empty) == 1


def test_jaccard_of_two_sites_goes_by_the_indices():
    one = NeuronSet.of("mlp", (2, 3), [(0, 1), (1, 2)])
    other = NeuronSet.of("mlp_gate", (2, 3), [(0, 1), (1, 0)])
    assert jaccard(one, other) == pytest.approx(1 / 3)
