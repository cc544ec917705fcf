"""How alike two sets are, and how alike random ones of the same sizes would be."""

import numpy as np
from scipy.stats import hypergeom

from neuroglot.neurons import NeuronSet


def jaccard(first: NeuronSet, second: NeuronSet) -> float:
    """Of the indices: at ``mlp``, ``mlp_gate`` and ``mlp_up`` j is one neuron; 1 for two empty sets."""
    union = int((first.mask | second.mask).sum())
    return int((first.mask & second.mask).sum()) / union if union else 1.0


def expected_jaccard(first: int, second: int, neurons: int) -> float:
    """The mean Jaccard index of two uniform random sets: E[k / (a + b − k)], k hypergeometric.

    Args:
        first: Neurons in one set, a.
        second: Neurons in the other, b.
        neurons: Of all that are drawn from.
    """
    if not first + second:
        return 1.0
    shared = np.arange(max(0, first + second - neurons), min(first, second) + 1)
    chance = hypergeom(neurons, first, second).pmf(shared)
    return float((chance * shared / (first + second - shared)).sum())
