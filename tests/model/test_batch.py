import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuroglot.model.batch import Batch, pack
from neuroglot.text.samples import Sample


def samples(*lengths: int) -> list[Sample]:
    return [Sample("en", "d", 0, tuple(range(5, 5 + length)), length, length) for length in lengths]


def test_pads_on_the_right_with_zero():
    batch = Batch.of(samples(2, 4))
    assert batch.ids.tolist() == [[5, 6, 0, 0], [5, 6, 7, 8]]
    assert batch.lengths.tolist() == [2, 4]


def test_masks_by_hand():
    batch = Batch.of(samples(2, 4, 1))
    # BOS is not read and padding is not; the last token predicts nothing.
    assert batch.real.int().tolist() == [[0, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0]]
    assert batch.predicting.int().tolist() == [[1, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]]


def test_each_real_token_is_predicted_once():
    batch = Batch.of(samples(3, 6, 2))
    assert torch.equal(batch.predicting[:, :-1], batch.real[:, 1:])


@pytest.mark.parametrize(
    ("budget", "rows", "expected"),
    [
        (8, 1, [[1], [0, 3], [2]]),
        (9, 1, [[1], [0, 3, 2]]),
        (12, 2, [[1], [0, 3], [2]]),
        (1, 1, [[1], [0], [3], [2]]),
    ],
)
def test_packs_longest_first(budget, rows, expected):
    # Lengths 3, 9, 2, 3: a sample over the budget stands alone; of equal lengths the earlier comes first.
    assert pack(samples(3, 9, 2, 3), budget, rows) == expected


@given(lengths=st.lists(st.integers(2, 40), max_size=30), budget=st.integers(1, 200), rows=st.integers(1, 3))
def test_packs_every_sample_once_within_the_budget(lengths, budget, rows):
    batches = pack(samples(*lengths), budget, rows)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * rows * max(lengths[index] for index in batch) <= budget


def test_nothing_packs_into_nothing():
    assert pack([]) == []
