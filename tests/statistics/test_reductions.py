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
@given(data=st.data())
def test_equals_a_plain_loop_on_ragged_samples(name, data):
    lengths = data.draw(st.lists(st.integers(2, 9), min_size=1, max_size=4))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    scores = rng.normal(size=(len(lengths), max(lengths), 3))
    counted = np.arange(max(lengths)) < np.array(lengths)[:, None]
    scores[~counted] = 1e6  # whoever looks at padding will not miss it
    expected = [
        [LOOPS[name](list(row[:n, j])) for j in range(3)] for row, n in zip(scores, lengths, strict=True)
    ]
    found = REDUCTIONS[name](torch.tensor(scores), torch.tensor(counted))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in REDUCTIONS if name != "last"])
@given(seed=st.integers(0, 2**32 - 1))
def test_only_counted_tokens_count_wherever_they_stand(name, seed):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(3, 8, 2))
    counted = rng.random((3, 8)) < 0.5
    counted[:, rng.integers(8)] = True
    expected = [
        [LOOPS[name](list(row[c, j])) for j in range(2)] for row, c in zip(scores, counted, strict=True)
    ]
    found = REDUCTIONS[name](torch.tensor(scores), torch.tensor(counted))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_maximum_of_negative_scores_is_negative():
    scores = torch.tensor([[[-3.0], [-2.0], [5.0]]])
    assert REDUCTIONS["max"](scores, torch.tensor([[True, True, False]])).item() == -2


@pytest.mark.parametrize(
    ("counted", "position"),
    [
        ([True, True, True, True], 2),
        ([True, True, False, False], 0),  # a sample of two tokens: the first predicts the second
        ([False, False, True, False], 2),  # positions="last" leaves one token, and that is it
        ([True, False, False, False], 0),
    ],
)
def test_last_is_the_last_position_that_predicts(counted, position):
    scores = torch.arange(4.0).reshape(1, 4, 1)
    assert REDUCTIONS["last"](scores, torch.tensor([counted])).item() == position


def test_unknown_reduction_names_the_nearest():
    with pytest.raises(NeuroglotError, match=r"unknown token reduction 'topk'; did you mean 'topk_mean'\?"):
        REDUCTIONS["topk"]
