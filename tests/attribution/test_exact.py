"""Ablated and moved neurons against a hook and a whole forward each, for every family."""

import numpy as np
import pytest
import torch

from neuroglot.attribution import exact
from neuroglot.attribution.exact import ablate_everywhere, move_at_last, off, plain_shift, shift_along_sign
from neuroglot.errors import NeuroglotError
from neuroglot.objective.target import Target
from neuroglot.text.samples import Sample
from tiny import CONFIGURATIONS, tiny_model

IDS = (2, *torch.randint(3, 250, (18,), generator=torch.Generator().manual_seed(0)).tolist())
NEURONS = np.array([[2, 5], [0, 3], [1, 40], [0, 17], [2, 47], [1, 0], [0, 3]])
"""Not in the order of their layers, one of them twice."""
GRID = (-2.0, -0.4, 0.0, 1.0)
OF_LOGITS = {
    "logit": lambda logits: logits,
    "log_prob": lambda logits: logits.log_softmax(-1),
    "probability": lambda logits: logits.softmax(-1),
}


@pytest.fixture(params=CONFIGURATIONS)
def model(request):
    return tiny_model(request.param)


@torch.no_grad()
def logits_with(model, layer, neuron, change, positions=slice(None), site="mlp", ids=IDS):
    """The network's own logits with one neuron changed in a whole forward, and what the neuron was."""
    was = []

    def visitor(activation):
        was.append(activation[0, -1, neuron].item())
        activation = activation.clone()
        activation[0, positions, neuron] = change(activation[0, positions, neuron])
        return activation

    with model.site(site).visit({layer: visitor}):
        return model.network(torch.tensor([ids]), use_cache=False).logits[0], was[0]


MOVES = {
    "off": (off, [lambda a: 0 * a]),
    "plain": (plain_shift(GRID), [lambda a, d=d: a + d for d in GRID]),
    "signed": (shift_along_sign(GRID), [lambda a, d=d: a + d * np.sign(a.item()) for d in GRID]),
}


@pytest.mark.parametrize("measure", OF_LOGITS)
def test_moved_neurons_equal_a_hook_and_a_forward_each(model, measure):
    target = Target(IDS, (33,), measure)
    for move, by_hand in MOVES.values():
        found = move_at_last(model, target, NEURONS, move)
        expected = np.empty(found.s.shape)
        for row, (layer, neuron) in enumerate(NEURONS):
            for column, change in enumerate(by_hand):
                logits, was = logits_with(model, layer, neuron, change, -1)
                expected[row, column] = OF_LOGITS[measure](logits[-1])[33]
            assert found.activation[row].item() == pytest.approx(was, rel=1e-4, abs=1e-6)
        np.testing.assert_allclose(found.s, expected, rtol=1e-5, atol=1e-5 * min(1, np.abs(expected).max()))
        with torch.no_grad():
            whole = OF_LOGITS[measure](model.network(torch.tensor([IDS])).logits[0, -1])[33].item()
        assert found.base == pytest.approx(whole, rel=1e-5, abs=1e-6)
        assert np.ptp(expected) > 1e-3 * np.abs(expected).max(), (
            "nothing moved: the test would not notice a move that is not made"
        )


@pytest.mark.parametrize("length", [1, 18])
def test_a_target_of_several_tokens(model, length):
    """Only the prompt's last position is moved; the tokens behind it are read as they are."""
    prompt, tokens = IDS[:length], (33, 70, 40)
    found = move_at_last(model, Target(prompt, tokens), NEURONS, shift_along_sign(GRID))
    expected = np.empty(found.s.shape)
    for row, (layer, neuron) in enumerate(NEURONS):
        for column, change in enumerate(MOVES["signed"][1]):
            logits, _ = logits_with(model, layer, neuron, change, length - 1, ids=prompt + tokens[:-1])
            read = logits[length - 1 :].log_softmax(-1)
            expected[row, column] = sum(read[each, token].item() for each, token in enumerate(tokens))
    np.testing.assert_allclose(found.s, expected, rtol=1e-5, atol=1e-4)
    assert np.ptp(expected) > 1e-2


@pytest.mark.parametrize("site", ["mlp_up", "mlp_gate", "resid", "resid_pre"])
def test_other_sites(gemma, site):
    found = move_at_last(gemma, Target(IDS, (33,)), NEURONS[[0, 1, 3]] % 32, plain_shift([1.5]), site=site)
    for row, (layer, neuron) in enumerate(NEURONS[[0, 1, 3]] % 32):
        logits, _ = logits_with(gemma, layer, neuron, lambda a: a + 1.5, -1, site)
        assert found.s[row, 0].item() == pytest.approx(logits[-1].log_softmax(-1)[33].item(), abs=1e-5)


def test_ablation_everywhere_equals_a_hook_and_a_forward_each(model):
    found = ablate_everywhere(model, Sample("en", "d", 0, IDS, 9, 9), NEURONS, token_budget=40)
    with torch.no_grad():
        base = model.network(torch.tensor([IDS]), use_cache=False).logits[0]

    def s(logits):
        return logits[:-1].log_softmax(-1).gather(1, torch.tensor(IDS[1:])[:, None]).double().sum().item()

    expected = [s(base) - s(logits_with(model, *neuron, lambda a: 0 * a)[0]) for neuron in NEURONS]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-4)  # of s, which is some −100
    assert np.abs(expected).max() > 1e-2


def test_batches_do_not_matter(gemma, monkeypatch):
    told = []
    whole = move_at_last(gemma, Target(IDS, (33,)), NEURONS, plain_shift(GRID))
    monkeypatch.setattr(exact, "HEAD_ROWS", 9)
    monkeypatch.setattr(exact, "BODY_ROWS", 2)
    parts = move_at_last(gemma, Target(IDS, (33,)), NEURONS, plain_shift(GRID), advance=told.append)
    torch.testing.assert_close(whole.s, parts.s, rtol=1e-5, atol=1e-6)
    assert told == [9, 9, 9, 1]


def test_the_slope_of_a_small_shift_is_the_gradient(gemma):
    """(s(a+δ) − s(a−δ)) / 2δ = ∂s/∂a at the last position, and along the sign ∂s/∂a · sgn(a)."""
    leaves = {}

    def grow(layer):
        def visitor(activation):
            leaves[layer] = activation if activation.requires_grad else activation.detach().requires_grad_()
            leaves[layer].retain_grad()
            return leaves[layer]

        return visitor

    with gemma.site("mlp").visit({layer: grow(layer) for layer in range(gemma.layers)}):
        gemma.network(torch.tensor([IDS])).logits[0, -1, 33].backward()
    slopes = torch.stack([leaves[layer].grad[0, -1, neuron] for layer, neuron in NEURONS.tolist()])
    for shift, sign in ((plain_shift, False), (shift_along_sign, True)):
        found = move_at_last(gemma, Target(IDS, (33,), "logit"), NEURONS, shift([-1e-2, 1e-2]))
        expected = slopes * found.activation.sign() if sign else slopes
        torch.testing.assert_close((found.s[:, 1] - found.s[:, 0]) / 2e-2, expected, rtol=2e-2, atol=2e-4)


def test_mistakes_are_named(gemma):
    target, sample = Target(IDS, (33,)), Sample("en", "d", 0, IDS, 9, 9)
    with pytest.raises(NeuroglotError, match=r"there is no neuron 48 in layer 1: site 'mlp' has 48 a layer"):
        move_at_last(gemma, target, np.array([[0, 3], [1, 48]]), off)
    with pytest.raises(NeuroglotError, match=r"layers \[3\] do not exist"):
        ablate_everywhere(gemma, sample, np.array([[3, 0]]))
    with pytest.raises(NeuroglotError, match="unknown site 'mpl'; did you mean 'mlp'"):
        ablate_everywhere(gemma, sample, NEURONS, site="mpl")
