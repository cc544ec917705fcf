"""Every token reduction against a plain loop over tokens and neurons, on ragged samples."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuroglot.errors import NeuroglotError
from neuroglot.statistics.reductions import REDUCTIONS

LOOPS = {
    "max": lambda tokens: max(tokens),
    "sum": lambda tokens: sum(tokens),
    "mean": lambda tokens: sum(tokens) / len(tokens),
    "topk_mean": lambda tokens: sum(sorted(tokens)[-5:]) / min(5, len(tokens)),
    "last": lambda tokens: tokens[-2],
    "l2": lambda tokens: sum(token**2 for token in tokens) ** 0.5,
}


@pytest.mark.parametrize("name", REDUCTIONS)
@given(rows=st.integers(1, 3), tokens=st.integers(2, 9), seed=st.integers(0, 2**32 - 1))
def test_equals_a_plain_loop(name, rows, tokens, seed):
    scores = np.random.default_rng(seed).normal(size=(rows, tokens, 4))
    expected = [[LOOPS[name](list(row[:, neuron])) for neuron in range(4)] for row in scores]
    np.testing.assert_allclose(REDUCTIONS[name](torch.tensor(scores)), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_of_one_token_every_reduction_is_that_one(name):
    scores = torch.tensor([[[3.0, 2.0]]])
    assert REDUCTIONS[name](scores).tolist() == [[3.0, 2.0]]


def test_maximum_of_negative_scores_is_negative():
    assert REDUCTIONS["max"](torch.tensor([[[-3.0], [-2.0]]])).item() == -2


def test_unknown_reduction_names_the_nearest():
    with pytest.raises(NeuroglotError, match=r"unknown token reduction 'topk'; did you mean 'topk_mean'\?"):
        REDUCTIONS["topk"]
