"""The last position alone against whole forwards, for every family."""

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.model.last_position import LastPosition
from tiny import CONFIGURATIONS, tiny_model

IDS = torch.randint(3, 250, (20,), generator=torch.Generator().manual_seed(0)).tolist()
"""Longer than the sliding window of the families that have one."""


@pytest.fixture(params=CONFIGURATIONS)
def model(request):
    return tiny_model(request.param)


@torch.no_grad()
@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 20])
def test_equals_the_whole_prompt(model, length):
    last = LastPosition.of(model, IDS[:length])
    whole = model.body(torch.tensor([IDS[:length]]))[0, -1:]
    torch.testing.assert_close(last.hidden, whole, rtol=1e-5, atol=1e-5)
    for layer in range(model.layers):
        for rows in (1, 3, 2):  # again and again: nothing is left over from the run before
            found = last.run(layer, rows)
            assert found.shape == (rows, 1, model.hidden_size)
            torch.testing.assert_close(found, whole.expand(rows, -1, -1), rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("length", [1, 7, 17])
def test_with_tokens_behind_the_prompt(model, length):
    last = LastPosition.of(model, IDS[:length], IDS[length : length + 3])
    whole = model.body(torch.tensor([IDS[: length + 3]]))[0, -4:]
    torch.testing.assert_close(last.hidden, whole, rtol=1e-5, atol=1e-5)
    for layer in range(model.layers):
        found = last.run(layer, 2)
        torch.testing.assert_close(found, whole.expand(2, -1, -1), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_each_row_is_changed_alone(model):
    last, site = LastPosition.of(model, IDS), model.site("mlp")
    layer, neurons, values = 1, torch.tensor([3, 40, 7]), torch.tensor([0.0, 2.0, -1.5])

    def change(activation):
        activation = activation.clone()
        activation[torch.arange(3), :, neurons] = values[:, None]
        return activation

    with site.visit({layer: change}):
        found = last.run(layer, 3)
    for row in range(3):

        def change_last(activation, row=row):
            activation = activation.clone()
            activation[0, -1, neurons[row]] = values[row]
            return activation

        with site.visit({layer: change_last}):
            whole = model.body(torch.tensor([IDS]))[0, -1]
        torch.testing.assert_close(found[row, 0], whole, rtol=1e-5, atol=1e-5)
        assert not torch.allclose(found[row], last.hidden, atol=1e-3)


def test_an_empty_prompt(gemma):
    with pytest.raises(NeuroglotError, match="at least one token"):
        LastPosition.of(gemma, [])
