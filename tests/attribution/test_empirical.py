"""Empirical gradients and their estimates against a hook and a whole forward a point, polyfit, autograd."""

import numpy as np
import pytest
import torch

from neuroglot.attribution.estimates import gradients_at_last, integrated_at_last
from neuroglot.attribution.exact import move_at_last, plain_shift, shift_along_sign
from neuroglot.attribution.lines import fit_lines, symmetric_grid
from neuroglot.attribution.together import shift_together
from neuroglot.errors import NeuroglotError
from neuroglot.objective.target import Target
from tiny import tiny_model

PROMPT = (2, 70, 71, 90, 17, 40, 33)
NEURONS = np.array([[0, 3], [0, 17], [1, 40], [2, 5], [2, 47]])
GRID = symmetric_grid(2, 0.5)
TARGETS = [(33,), (33, 70, 41)]


@pytest.fixture(params=["gemma3_text", "llama"])
def model(request):
    return tiny_model(request.param)


def by_hand(model, tokens, change, site, grad=False):
    """P of the tokens after the prompt by a whole forward; ``change(layer, last position)``."""

    def visitor(layer):
        def visit(activation):
            before, own, after = activation[0].split([len(PROMPT) - 1, 1, len(tokens) - 1])
            return torch.cat([before, change(layer, own[0])[None], after])[None]

        return visit

    with torch.set_grad_enabled(grad), model.site(site).visit({each: visitor(each) for each in range(3)}):
        logits = model.network(torch.tensor([PROMPT + tokens[:-1]]), use_cache=False).logits[0]
    log_probs = logits[len(PROMPT) - 1 :].log_softmax(-1)
    return sum(log_probs[place, token] for place, token in enumerate(tokens)).exp()


def shifted(neurons, by):
    """A change for `by_hand`: the neurons get ``by(activation, which)`` added."""

    def change(layer, activation):
        activation = activation.clone()
        for which, (own, index) in enumerate(neurons.tolist()):
            if own == layer:
                activation[index] += by(activation[index].item(), which)
        return activation

    return change


@pytest.mark.parametrize("site", ["mlp", "mlp_up"])
@pytest.mark.parametrize("tokens", TARGETS)
@pytest.mark.parametrize("way", ["sign", "plain"])
def test_slopes_equal_a_loop_of_hooks_and_polyfit(model, tokens, site, way):
    move = shift_along_sign(GRID) if way == "sign" else plain_shift(GRID)
    found = move_at_last(model, Target(PROMPT, tokens, "probability"), NEURONS, move, site=site)
    lines = fit_lines(GRID, found.s.numpy())
    for row in range(len(NEURONS)):
        measured = [
            by_hand(
                model,
                tokens,
                shifted(NEURONS[[row]], lambda a, _, d=d: d * (np.sign(a) if way == "sign" else 1)),
                site,
            ).item()
            for d in GRID
        ]
        slope, _ = np.polyfit(GRID, measured, 1)
        assert lines.slope[row] == pytest.approx(slope, rel=1e-4, abs=2e-6 * max(measured))
        assert lines.r[row] == pytest.approx(np.corrcoef(GRID, measured)[0, 1], abs=1e-3)
    assert np.ptp(found.s.numpy()) > 1e-2 * found.s.max(), "nothing moved: the test would not notice"


def leaves_by_hand(model, tokens, site, alpha=1.0, only=None):
    """Activations and gradients of P at the prompt's last position by autograd through a whole forward."""
    leaves = {}

    def change(layer, activation):
        if only in (None, layer):
            leaves[layer] = (alpha * activation).detach().requires_grad_() if only == layer else activation
            if only is None:
                leaves[layer] = activation if activation.requires_grad else activation.requires_grad_()
                leaves[layer].retain_grad()
            return leaves[layer]
        return activation

    by_hand(model, tokens, change, site, grad=True).backward()
    return leaves


@pytest.mark.parametrize("site", ["mlp", "mlp_up"])
@pytest.mark.parametrize("tokens", TARGETS)
def test_gradients_equal_autograd_through_the_whole_network(model, tokens, site):
    activations, gradients = gradients_at_last(model, Target(PROMPT, tokens, "probability"), site)
    expected = leaves_by_hand(model, tokens, site)
    for layer in range(3):
        torch.testing.assert_close(activations[layer], expected[layer].detach(), rtol=1e-4, atol=1e-5)
        size = expected[layer].grad.abs().max().item()
        torch.testing.assert_close(gradients[layer], expected[layer].grad, rtol=1e-3, atol=1e-4 * size)
        assert size > 0


@pytest.mark.parametrize("tokens", TARGETS)
def test_integrated_gradients_equal_a_loop_over_the_path(model, tokens):
    found = integrated_at_last(model, Target(PROMPT, tokens, "probability"), "mlp", [0, 2], 6)
    nodes, weights = np.polynomial.legendre.leggauss(6)
    for layer in (0, 2):
        total, end = 0, leaves_by_hand(model, tokens, "mlp", only=layer)[layer].detach()
        for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            total += weight * leaves_by_hand(model, tokens, "mlp", node, only=layer)[layer].grad
        expected = end * total
        torch.testing.assert_close(
            found[layer], expected.float(), rtol=1e-3, atol=1e-4 * expected.abs().max().item()
        )


@pytest.mark.parametrize("tokens", TARGETS)
def test_neurons_moved_together_equal_hooks(model, tokens):
    shifts = np.array([[1.0, -2.0, 0.5, 3.0, 0.0], [0.0, 0.0, 1.5, 0.0, -1.0], [0.0] * 5])
    found = shift_together(model, Target(PROMPT, tokens, "probability"), NEURONS, shifts)
    for row, shift in enumerate(shifts):
        expected = by_hand(model, tokens, shifted(NEURONS, lambda _, which, s=shift: s[which]), "mlp")
        assert found[row].item() == pytest.approx(expected.item(), rel=1e-4)
    assert np.ptp(found.numpy()) > 1e-3 * found.max().item()


def test_how_far_a_line_holds():
    """A line up to 1, then flat: |r| over ±1 is 1; over ±4 it is under 0.95."""
    grid = symmetric_grid(4, 0.5)
    s = np.stack([np.clip(grid, -1, 1), 3 * grid + 1, np.abs(grid), np.full(len(grid), 0.7)])
    lines = fit_lines(grid, s)
    expected = max(
        width for width in (0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4)
        if np.corrcoef(grid[abs(grid) <= width], s[0][abs(grid) <= width])[0, 1] >= 0.95
    )  # fmt: skip
    assert 1 <= expected < 4
    assert lines.reach.tolist() == [expected, 4, 0, 0]
    assert lines.saturated.tolist() == [False, False, False, True]
    assert lines.slope[1:].tolist() == pytest.approx([3, 0, 0])
    assert np.isnan(lines.r[3])


def test_the_grid():
    assert symmetric_grid(2, 0.2).tolist() == pytest.approx(np.linspace(-2, 2, 21).tolist())
    for reach, step in ((1, 2), (1, 0), (0, 0.1), (1, -0.5)):
        with pytest.raises(NeuroglotError, match="has one point, and a line needs three"):
            symmetric_grid(reach, step)
