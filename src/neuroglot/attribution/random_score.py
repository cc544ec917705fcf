"""Chance: what a score that knows nothing comes to under the same contrast and selection."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from neuroglot.attribution.dice import dice
from neuroglot.attribution.scores import sweep
from neuroglot.attribution.sweeps import Swept, Value
from neuroglot.model.batch import Batch
from neuroglot.model.language_model import LanguageModel


@dataclass(frozen=True)
class RandomScore:
    """Options.

    Attributes:
        seed: Another seed, other scores.
    """

    seed: int = 0


@sweep("random", options=RandomScore, power=0, gradient=False, whole=True)
def random(
    model: LanguageModel,
    batch: Batch,
    value: Value,
    sites: Sequence[str],
    layers: Sequence[int],
    options: RandomScore,
) -> Swept:
    """Uniform in [0, 1), one number a sample and neuron, from the sample's ids and the seed alone."""

    def draw(site: str, layer: int) -> torch.Tensor:
        width = model.site(site).width
        rows = [
            torch.rand(width, generator=dice(sample, options.seed, site, layer)) for sample in batch.samples
        ]
        return torch.stack(rows).to(batch.ids.device)

    return Swept(samples={site: {layer: draw(site, layer) for layer in layers} for site in sites})
