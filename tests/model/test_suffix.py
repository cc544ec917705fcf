"""Partial forwards against whole ones, for every family."""

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.model.suffix import entering, from_layer
from tiny import CONFIGURATIONS, tiny_model

IDS = torch.randint(3, 250, (3, 20), generator=torch.Generator().manual_seed(0))
"""Longer than the sliding window of the families that have one."""


@pytest.fixture(params=CONFIGURATIONS)
def model(request):
    return tiny_model(request.param)


@torch.no_grad()
def test_equals_the_whole_forward_from_every_layer(model):
    with entering(model, range(model.layers)) as kept:
        whole = model.body(IDS)
    assert list(kept) == list(range(model.layers))
    for layer in range(model.layers):
        with from_layer(model, layer, kept[layer]):
            torch.testing.assert_close(model.body(IDS), whole, rtol=0, atol=1e-6)
            # The ids only say how many there are.
            torch.testing.assert_close(model.body(IDS.flip(0)), whole, rtol=0, atol=1e-6)
        assert torch.equal(model.body(IDS), whole)


@torch.no_grad()
def test_only_the_blocks_from_the_layer_up_run(model):
    with entering(model, [1]) as kept:
        model.body(IDS)
    ran = []
    visitors = {layer: lambda _, layer=layer: ran.append(layer) for layer in range(model.layers)}
    with model.site("mlp").visit(visitors), from_layer(model, 1, kept[1]):
        model.body(IDS)
    assert ran == list(range(1, model.layers))


@torch.no_grad()
def test_rows_may_carry_different_hidden_states_and_interventions(model):
    def silence_first(activation):
        return torch.cat([torch.zeros_like(activation[:1]), activation[1:]])

    with model.site("mlp").visit({2: silence_first}), entering(model, [2]) as kept:
        whole = model.body(IDS)
    order = torch.tensor([2, 0, 1])
    silenced = order == 0

    def silence(activation):
        return activation.masked_fill(silenced[:, None, None], 0.0)

    with model.site("mlp").visit({2: silence}), from_layer(model, 2, kept[2][order]):
        found = model.body(IDS)
    torch.testing.assert_close(found, whole[order], rtol=0, atol=1e-6)
    assert not torch.allclose(model.body(IDS)[0], whole[0], atol=1e-3)


def test_gradients_reach_the_hidden_state_given(model):
    with entering(model, [1]) as kept, torch.no_grad():
        model.body(IDS)
    hidden = kept[1].clone().requires_grad_()
    with from_layer(model, 1, hidden):
        model.body(IDS).square().sum().backward()
    slope = hidden.grad

    leaf = kept[1].clone().requires_grad_()
    with model.site("resid_pre").visit({1: lambda _: leaf}):
        model.body(IDS).square().sum().backward()
    torch.testing.assert_close(slope, leaf.grad)


@torch.no_grad()
def test_visitors_see_what_really_enters(gemma):
    hidden, seen = torch.randn(3, 20, gemma.hidden_size), []
    with gemma.site("resid_pre").visit({1: seen.append}), from_layer(gemma, 1, hidden):
        gemma.body(IDS)
    assert torch.equal(seen[0], hidden)


@torch.no_grad()
def test_an_exception_and_an_own_forward_are_survived(gemma):
    block = gemma.site("resid_pre").blocks[0]
    before, own = gemma.body(IDS), block.forward
    with (
        pytest.raises(RuntimeError, match="stumbled"),
        from_layer(gemma, 2, torch.zeros(3, 20, gemma.hidden_size)),
    ):
        raise RuntimeError("stumbled")
    assert "forward" not in vars(block)
    assert torch.equal(gemma.body(IDS), before)
    block.forward = own  # what accelerate does
    try:
        with from_layer(gemma, 2, torch.zeros(3, 20, gemma.hidden_size)):
            pass
        assert vars(block)["forward"] is own
    finally:
        del block.forward


def test_a_layer_that_does_not_exist(gemma):
    with (
        pytest.raises(NeuroglotError, match=r"layers \[3\] do not exist"),
        from_layer(gemma, 3, torch.ones(1)),
    ):
        pass
    with pytest.raises(NeuroglotError, match=r"layers \[7\] do not exist"), entering(gemma, [7]):
        pass
