"""The pass: every token once through the model, every score that anybody asked for out of it.

1. Hooks stand where the sites' tensors pass. Scores of the activation alone are reduced there and then.
2. The lowest tapped tensor becomes a leaf of the graph, so that nothing below the lowest wanted layer is
   back-propagated; weights are frozen, so only activations have gradients.
3. The objective gives ∂s/∂hidden at the last hidden state in closed form, a chunk of the vocabulary product
   at a time; that gradient is fed to the body.
4. As the gradient of each layer arrives, its scores are reduced from [row, token, neuron] to [row, neuron].
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from neuroglot.attribution.scores import SCORES
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import TOKEN_BUDGET, Batch, pack
from neuroglot.model.language_model import LanguageModel, check_layers
from neuroglot.objective import OBJECTIVES
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.reductions import REDUCTIONS
from neuroglot.statistics.shard import samples_shard
from neuroglot.text.samples import Sample


def score_samples(
    model: LanguageModel,
    samples: Sequence[Sample],
    quantities: Sequence[Quantity],
    *,
    objective: str | Sequence[str] = "logprob",
    layers: Sequence[int] | None = None,
    positions: str = "all",
    token_budget: int = TOKEN_BUDGET,
    attributes: Mapping[str, Any] | None = None,
    advance: Callable[[int], None] = lambda tokens: None,
) -> xr.DataTree:
    """Scores every neuron on every sample in one pass.

    Args:
        model: The model.
        samples: The text, tokenised.
        quantities: What to keep.
        objective: The scalar s; or one name a sample.
        layers: Default: all. Nothing below the lowest is back-propagated.
        positions: Which real tokens count: ``all``, ``last`` (the last that predicts) or ``every:k``.
        token_budget: Positions a batch. The scores do not depend on it.
        attributes: Provenance for the shard.
        advance: Told the number of tokens done after each batch.

    Returns:
        A shard of samples, in the order of ``samples`` (see `neuroglot.statistics.shard`).

    Raises:
        NeuroglotError: Unknown names, layers that do not exist, or an objective that is not finite.
    """
    chosen = list(range(model.layers)) if layers is None else sorted(set(layers))
    check_layers(chosen, model.layers)
    names = [objective] * len(samples) if isinstance(objective, str) else list(objective)
    for name in dict.fromkeys(names):
        OBJECTIVES[name]
    if positions.startswith("every") and any(quantity.reduction == "last" for quantity in quantities):
        raise NeuroglotError(
            f"token reduction 'last' reads every position; it does not go with {positions!r}"
        )
    scores = {
        quantity: np.empty((len(samples), len(chosen), model.site(quantity.site).width), dtype=np.float32)
        for quantity in quantities
    }
    for rows in pack(samples, token_budget):
        batch = Batch.of([samples[row] for row in rows], model.device)
        one = _Pass(model, quantities, chosen, batch, _counted(batch, positions))
        for quantity, values in one.run([names[row] for row in rows]).items():
            scores[quantity][rows] = values.cpu().numpy()
        advance(sum(sample.tokens for sample in batch.samples))
    return samples_shard(samples, scores, chosen, attributes or {})


def _counted(batch: Batch, positions: str) -> Tensor:
    """The tokens that count, BOS cut off: [row, token]."""
    real = batch.real[:, 1:]
    if positions == "all":
        return real
    place = torch.arange(real.shape[1], device=real.device)
    if positions == "last":
        return place == batch.lengths[:, None] - 3
    kind, _, step = positions.partition(":")
    if kind != "every" or not step.isdecimal() or int(step) < 1:
        raise NeuroglotError(f"unknown positions {positions!r}; use all, last or every:k")
    return real & (place % int(step) == 0)


@dataclass
class _Pass:
    """One batch on its way through the model."""

    model: LanguageModel
    quantities: Sequence[Quantity]
    layers: Sequence[int]
    batch: Batch
    counted: Tensor
    found: dict[Quantity, Float[Tensor, "row layer neuron"]] = field(init=False)

    def __post_init__(self) -> None:
        # Room for every result beforehand: many small ones made on the way would lie between the activations,
        # where freed memory is then too scattered to be used again.
        self.found = {
            quantity: torch.empty(
                len(self.batch.samples),
                len(self.layers),
                self.model.site(quantity.site).width,
                device=self.model.device,
            )
            for quantity in self.quantities
        }

    def run(self, objectives: Sequence[str]) -> dict[Quantity, Float[Tensor, "row layer neuron"]]:
        """Every quantity of every layer, in float32."""
        backward = any(SCORES[quantity.score].gradient for quantity in self.quantities)
        with ExitStack() as stack:
            stack.enter_context(torch.enable_grad() if backward else torch.inference_mode())
            for site in dict.fromkeys(quantity.site for quantity in self.quantities):
                visitors = {layer: partial(self._visit, site, layer) for layer in self.layers}
                stack.enter_context(self.model.site(site).visit(visitors))
            hidden = self.model.body(self.batch.ids)
            if backward:
                hidden.backward(self._gradient(hidden.detach(), objectives))
        return self.found

    def _gradient(self, hidden: Tensor, objectives: Sequence[str]) -> Tensor:
        """∂s/∂hidden, every row by its own objective."""
        gradient = torch.zeros_like(hidden)
        for name in dict.fromkeys(objectives):
            rows = [row for row, own in enumerate(objectives) if own == name]
            part = Batch(
                tuple(self.batch.samples[row] for row in rows), self.batch.ids[rows], self.batch.lengths[rows]
            )
            values, slopes = OBJECTIVES[name](hidden[rows], part, self.model.head)
            bad = (~values.isfinite()).nonzero()
            if len(bad):
                sample = part.samples[int(bad[0])]
                sentence = f", sentence {sample.sentence + 1}" if sample.sentence >= 0 else ""
                raise NeuroglotError(
                    f"the objective {name!r} is not finite on language {sample.language!r}, "
                    f"document {sample.document!r}{sentence}"
                )
            gradient[rows] = slopes
        return gradient

    def _visit(self, site: str, layer: int, activation: Tensor) -> Tensor | None:
        here = [quantity for quantity in self.quantities if quantity.site == site]
        forward = [quantity for quantity in here if not SCORES[quantity.score].gradient]
        backward = [quantity for quantity in here if SCORES[quantity.score].gradient]
        value = activation.detach()
        self._reduce(forward, layer, value, None)
        if not backward:
            return None
        if not activation.requires_grad:  # the lowest tensor wanted: the graph starts here
            activation = value.requires_grad_()
            value = activation.detach()
        activation.register_hook(partial(self._reduce, backward, layer, value))
        return activation

    def _reduce(self, here: Sequence[Quantity], layer: int, value: Tensor, slope: Tensor | None) -> None:
        # Squares underflow in half precision and sums over tokens round: from here on, float32 or finer.
        precision = torch.promote_types(value.dtype, torch.float32)
        a, g = value[:, 1:].to(precision), None if slope is None else slope[:, 1:].to(precision)
        for name in dict.fromkeys(quantity.score for quantity in here):
            tokens = SCORES[name].formula(a, g)
            for quantity in here:
                if quantity.score == name:
                    reduced = REDUCTIONS[quantity.reduction](tokens, self.counted)
                    self.found[quantity][:, self.layers.index(layer)] = reduced
