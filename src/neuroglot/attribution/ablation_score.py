"""What s really loses when a neuron is off at all positions: s − s(neuron off), for any objective.

A forward pass a neuron, and so the ground truth for a sample of neurons rather than a score for all (METHODS
§2). Neurons of a layer stand beside each other as rows of a batch, and nothing below the layer runs again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuroglot.attribution.dice import seeded
from neuroglot.attribution.scores import sweep
from neuroglot.attribution.sweeps import Activation, Swept, Value
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch, default_budget
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.precision import products
from neuroglot.model.suffix import entering, from_layer


@dataclass(frozen=True)
class Ablation:
    """Options.

    Attributes:
        neurons: So many a layer, the same for every sample; the others have no score (NaN) and are never
            chosen. 0: all.
        seed: Which ones.
    """

    neurons: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.neurons < 0:
            raise NeuroglotError(f"ablation cannot take {self.neurons} neurons a layer; 0 means all")


def enough(model: LanguageModel, site: str, options: Ablation) -> None:
    """Refuses more neurons a layer than there are.

    Raises:
        NeuroglotError: That.
    """
    width = model.site(site).width
    if options.neurons > width:
        raise NeuroglotError(f"ablation of {options.neurons} neurons a layer: site {site!r} has {width}")


@sweep("ablation", options=Ablation, power=1, whole=True, check=enough)
@torch.no_grad()
def ablation(
    model: LanguageModel,
    batch: Batch,
    value: Value,
    sites: Sequence[str],
    layers: Sequence[int],
    options: Ablation,
) -> Swept:
    """S − s(neuron off at all positions), exact.

    Raises:
        NeuroglotError: More neurons are asked for than a layer has.
    """
    for site in sites:
        enough(model, site, options)
    with products("float32"):  # one neuron moves s by less than half precision rounds
        with entering(model, layers) as kept:
            base, _ = value(model.body(batch.ids))
        found: dict[str, dict[int, Any]] = {site: {} for site in sites}
        for site in sites:
            for layer in layers:
                chosen = _chosen(model.site(site).width, site, layer, options)
                off = _off(model, batch, value, site, layer, kept[layer], chosen)
                scores = torch.full((len(base), model.site(site).width), torch.nan, device=base.device)
                scores[:, chosen] = (base.double()[:, None] - off).float()
                found[site][layer] = scores
    return Swept(samples=found)


def _chosen(width: int, site: str, layer: int, options: Ablation) -> Int[Tensor, " neuron"]:
    order = torch.randperm(width, generator=seeded(options.seed, site, layer))
    return order[: options.neurons or width].sort().values


def _off(
    model: LanguageModel,
    batch: Batch,
    value: Value,
    site: str,
    layer: int,
    state: Float[Tensor, "row position hidden"],
    neurons: Int[Tensor, " neuron"],
) -> Float[Tensor, "row neuron"]:
    """S of every row with each neuron off."""
    together = max(1, default_budget(model.device) // batch.ids.numel())
    found = []
    for part in neurons.split(together):

        def silence(activation: Activation, part: Tensor = part) -> Tensor:
            changed = activation.clone().view(len(part), -1, *activation.shape[1:])
            place = torch.arange(len(part), device=changed.device)
            changed[place, :, :, part.to(changed.device)] = 0
            return changed.view(activation.shape)

        repeated = state.repeat(len(part), 1, 1)
        with model.site(site).visit({layer: silence}), from_layer(model, layer, repeated):
            hidden = model.body(batch.ids.repeat(len(part), 1))
        # The objective knows its batch and nothing of copies of it.
        found += [value(own)[0].double() for own in hidden.view(len(part), *batch.ids.shape, -1)]
    return torch.stack(found, dim=1)
