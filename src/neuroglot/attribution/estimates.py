"""What a backward pass or a path says of s at a prompt's last position, without moving a single neuron.

The prompt is read once, as for the measured effects (`exact`), so that their times can be compared.
"""

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from neuroglot.attribution.backward import hearing
from neuroglot.attribution.integrated_gradients import quadrature
from neuroglot.attribution.sweeps import Activation, Place
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.last_position import LastPosition
from neuroglot.objective.target import Target

All = Float[Tensor, "layer neuron"]


def gradients_at_last(model: LanguageModel, target: Target, site: str) -> tuple[All, All]:
    """Activations and gradients of s at the last position of the prompt: one forward, one backward pass."""
    last = LastPosition.of(model, target.ids, target.tokens[:-1])
    activations: list[Tensor] = [torch.empty(0)] * model.layers
    slopes = list(activations)

    def hear(place: Place, activation: Activation, slope: Activation) -> None:
        activations[place[1]], slopes[place[1]] = activation[0, 0], slope[0, 0]

    with hearing(model, [site], range(model.layers), hear):
        hidden = last.run(0, 1)
        with torch.no_grad():
            _, slope = target.value(hidden, model.head, gradient=True)
        hidden.backward(slope)
    device = model.device
    return torch.stack([a.to(device) for a in activations]), torch.stack([g.to(device) for g in slopes])


def integrated_at_last(
    model: LanguageModel, target: Target, site: str, layers: Sequence[int], steps: int
) -> dict[int, Float[Tensor, " neuron"]]:
    """a·∫₀¹ g(αa) dα, all neurons of a layer together on the way from 0 (Dai et al. 2022).

    The points of the path stand beside each other as rows, evenly spaced as Gauss and Legendre have it: a
    pass of as many tokens from the layer up, forth and back.

    Args:
        model: The model.
        target: The prompt, and what s is.
        site: Where the neurons are.
        layers: Which.
        steps: Points of the path.

    Returns:
        Layer → the integral of each neuron.
    """
    last = LastPosition.of(model, target.ids, target.tokens[:-1])
    nodes, weights = quadrature(steps, "uniform")
    found: dict[int, Tensor] = {}
    for layer in layers:
        path: list[Tensor] = []
        alphas = torch.from_numpy(nodes).to(last.hidden)
        with torch.enable_grad(), model.site(site).visit({layer: partial(_spread, alphas, path)}):
            hidden = last.run(layer, steps)
        with torch.no_grad():
            _, slope = target.value(hidden, model.head, gradient=True)
        (gradient,) = torch.autograd.grad(hidden, path, slope)
        weighted = torch.from_numpy(weights).to(gradient) @ gradient
        # The path at α is α·a; its last row is nearest to a.
        found[layer] = path[0].detach()[-1] / float(nodes[-1]) * weighted
    return found


def _spread(alphas: Float[Tensor, " row"], path: list[Tensor], activation: Activation) -> Activation:
    """Puts each row's prompt at its place on the path, which is kept as the leaf of a graph."""
    path.append((alphas.to(activation)[:, None] * activation[:, 0].detach()).requires_grad_())
    return torch.cat([path[0][:, None], activation[:, 1:]], dim=1)
