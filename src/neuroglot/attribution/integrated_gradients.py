"""Integrated gradients of one layer's neurons (Sundararajan et al. 2017; on neurons Dai et al. 2022).

    (a − a')·∫₀¹ g(a' + α·(a − a')) dα ≈ (a − a')·Σ_k w_k·g(a' + α_k·(a − a')),  g = ∂s/∂a.

The path runs in one layer's activations at one site, all positions of a row together; everything else runs
as the model does. Summed over a layer it is s(a) − s(a'); what the sum lacks is reported (`Swept.missing`).
One full forward pass; then, for each site and layer, a forward and a backward pass of the blocks from that
layer up a step, and one forward pass for s(a').

From a baseline of zeros s hardly changes until α is large enough for the floor (epsilon) of the norm behind
the MLP, often 1e-4 to 1e-2, and hardly any more above it, for there the norm cancels the scale. Evenly spaced
points see nothing of that. So the default is the integral over u = log α, ∫ g(e^u)·e^u du, from 1e-5 up,
and the piece below it by the lowest point's gradient. Either way the points are Gauss-Legendre's, which are
never at α = 0. Gemma-3-270M, one sentence, five layers: 16 points in log α lack under 0.4 % of s(a) − s(a')
in four of them and 6 % in layer 0 (32 points: 1 %); 16 even ones lack up to all of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import log
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from neuroglot.attribution.paths import LOWEST, Schedule, check_path
from neuroglot.attribution.scores import sweep
from neuroglot.attribution.sweeps import Activation, Hidden, Place, Swept, Value
from neuroglot.errors import NeuroglotError, unknown
from neuroglot.model.batch import Batch
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.suffix import entering, from_layer

Baseline = Literal["zero", "mean"]


@dataclass(frozen=True)
class IntegratedGradients:
    """Options.

    Attributes:
        steps: Backward passes a site and layer.
        schedule: α spaced ``log`` or ``uniform``.
        baseline: a': ``zero``, or each neuron's ``mean`` over the sample's own tokens.
        lowest: Where the points in log α begin. Behind several norms in a row s moves far lower: each passes
            on what its floor lets through, a thousandfold enlarged. `Swept.missing` tells.
    """

    steps: int = 16
    schedule: Schedule = "log"
    baseline: Baseline = "zero"
    lowest: float = LOWEST

    def __post_init__(self) -> None:
        check_path(self.steps, self.schedule)
        if not 0 < self.lowest < 1:
            raise NeuroglotError(f"a path in log α begins between 0 and 1, not at {self.lowest}")
        if str(self.baseline).startswith("language"):
            raise NeuroglotError(
                f"baseline {self.baseline!r}: a recipe has no array of another language's mean; "
                "give it to integrated_gradients(..., baselines=) from Python"
            )
        if self.baseline not in get_args(Baseline):
            raise unknown("baseline", self.baseline, get_args(Baseline))


def quadrature(
    steps: int, schedule: Schedule, lowest: float = LOWEST
) -> tuple[Float[np.ndarray, " step"], Float[np.ndarray, " step"]]:
    """α and weights that sum to 1, so that a gradient that does not change is integrated exactly."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    if schedule == "uniform":
        return (nodes + 1) / 2, weights / 2
    alphas = np.exp(log(lowest) * (1 - nodes) / 2)
    weights = -log(lowest) * weights / 2 * alphas
    weights[0] += lowest
    return alphas, weights / weights.sum()


@sweep("integrated_gradients", options=IntegratedGradients, power=1)
def integrated_gradients(
    model: LanguageModel,
    batch: Batch,
    value: Value,
    sites: Sequence[str],
    layers: Sequence[int],
    options: IntegratedGradients,
    *,
    baselines: Mapping[Place, Float[Tensor, "..."]] | None = None,
) -> Swept:
    """(a − a')·∫ g(a' + α(a − a')) dα along a path in one layer's activations.

    Args:
        model: The model.
        batch: The rows.
        value: s and its gradient at the last hidden state.
        sites: Where the neurons are.
        layers: Which.
        options: The path.
        baselines: (site, layer) → a', anything that spreads over [row, position, neuron]; in place of the
            options' own.
    """
    with torch.no_grad(), entering(model, layers) as kept:
        end, _ = value(model.body(batch.ids))
    points = list(zip(*quadrature(options.steps, options.schedule, options.lowest), strict=True))
    found: dict[str, dict[int, Activation]] = {site: {} for site in sites}
    missing, change = {}, {}
    for layer, site in product(layers, sites):
        path = _Path(batch, options.baseline, None if baselines is None else baselines[site, layer])
        with from_layer(model, layer, kept[layer]), model.site(site).visit({layer: path.visit}):
            for alpha, weight in points:
                path.alpha = float(alpha)
                with torch.enable_grad():
                    hidden = model.body(batch.ids)
                with torch.no_grad():
                    _, slope = value(hidden.detach())
                path.back(hidden, slope, float(weight))
            path.alpha = 0.0
            with torch.no_grad():
                start, _ = value(model.body(batch.ids))
        found[site][layer] = path.scores
        change[site, layer] = end.double() - start.double()
        missing[site, layer] = change[site, layer] - path.scores.sum(dim=(1, 2)).to(end.device)
    return Swept(found, missing=missing, change=change)


@dataclass
class _Path:
    """One layer's activations on their way from a baseline; `visit` puts the point at ``alpha`` in place."""

    batch: Batch
    baseline: Baseline
    given: Tensor | None
    alpha: float = 1.0
    point: Tensor | None = None
    start: Tensor | None = None
    way: Tensor | None = None
    total: Tensor | None = None

    def visit(self, activation: Activation) -> Activation:
        if self.start is None or self.way is None:
            self.start = self._start(activation)
            self.way = activation.detach() - self.start
            precise = torch.promote_types(activation.dtype, torch.float32)
            self.total = torch.zeros_like(self.way, dtype=precise)
        point = self.start + self.alpha * self.way
        self.point = point.requires_grad_() if torch.is_grad_enabled() else point
        return self.point

    def back(self, hidden: Hidden, slope: Hidden, weight: float) -> None:
        """Adds the gradient at the point, given the objective's at the last hidden state."""
        assert self.point is not None and self.total is not None  # a forward pass put them there
        (gradient,) = torch.autograd.grad(hidden, self.point, slope)
        self.total.add_(gradient, alpha=weight)

    @property
    def scores(self) -> Activation:
        """(a − a')·Σ w·g."""
        assert self.way is not None and self.total is not None
        return self.way * self.total

    def _start(self, activation: Activation) -> Activation:
        if self.given is not None:
            return self.given.to(activation).expand_as(activation)
        if self.baseline == "zero":
            return torch.zeros_like(activation)
        real = self.batch.real.to(activation)[..., None]
        return ((activation * real).sum(dim=1, keepdim=True) / real.sum(dim=1, keepdim=True)).expand_as(
            activation
        )
