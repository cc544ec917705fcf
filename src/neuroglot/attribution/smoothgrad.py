"""SmoothGrad: a gradient score averaged over noisy copies of the text (Smilkov et al. 2017).

    mean_n f(a(e + σ·spread·ε_n), g(e + σ·spread·ε_n)),  ε_n standard normal,

with e what the embedding module gives, spread the standard deviation of a row's embeddings over its positions
and coordinates, f any elementwise score of activation and gradient. One forward and one backward a copy, all
sites and layers together. Known weakness: the noise leaves what the model has ever read; a large σ scores
another input.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite

import torch
from jaxtyping import Float
from torch import Tensor

from neuroglot.attribution.backward import hearing
from neuroglot.attribution.dice import dice
from neuroglot.attribution.scores import SCORES, sweep
from neuroglot.attribution.sweeps import Activation, Place, Swept, Value
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.model.language_model import LanguageModel


@dataclass(frozen=True)
class SmoothGrad:
    """Options.

    Attributes:
        copies: Noisy copies of each sample.
        sigma: Standard deviation of the noise, relative to that of the sample's embeddings.
        of: The score that is averaged: any of one backward pass.
        seed: Another seed, other noise.
    """

    copies: int = 8
    sigma: float = 0.1
    of: str = "grad_act"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.copies < 1:
            raise NeuroglotError(f"smoothgrad needs at least 1 copy, not {self.copies}")
        if not (isfinite(self.sigma) and self.sigma >= 0):
            raise NeuroglotError(f"smoothgrad's sigma must be 0 or more, not {self.sigma}")
        score = SCORES[self.of]
        if score.formula is None or not score.gradient or score.around is not None:
            raise NeuroglotError(
                f"smoothgrad averages a score of activation and plain gradient, which {self.of!r} is not"
            )


@sweep("smoothgrad", options=SmoothGrad, power=lambda options: SCORES[options.of].power)
def smoothgrad(
    model: LanguageModel,
    batch: Batch,
    value: Value,
    sites: Sequence[str],
    layers: Sequence[int],
    options: SmoothGrad,
) -> Swept:
    """The mean of a gradient score over noisy copies of the embeddings."""
    formula = SCORES[options.of].formula
    assert formula is not None  # the options saw to it
    total: dict[Place, Activation] = {}

    def add(place: Place, a: Activation, g: Activation) -> None:
        share = formula(a, g) / options.copies
        total[place] = total[place].add_(share) if place in total else share

    with hearing(model, sites, layers, add):
        for copy in range(options.copies):
            with _noise(model, batch, options, copy):
                hidden = model.body(batch.ids)
            with torch.no_grad():
                _, slope = value(hidden.detach())
            hidden.backward(slope)
    return Swept({site: {layer: total[site, layer] for layer in layers} for site in sites})


@contextmanager
def _noise(model: LanguageModel, batch: Batch, options: SmoothGrad, copy: int) -> Iterator[None]:
    def disturb(
        _module: object, _args: object, embeddings: Float[Tensor, "row position hidden"]
    ) -> Float[Tensor, "row position hidden"]:
        noisy = embeddings.clone()
        for row, sample in enumerate(batch.samples):
            part = embeddings[row, : len(sample.ids)]
            noise = torch.randn(part.shape, generator=dice(sample, options.seed, copy))
            noisy[row, : len(sample.ids)] += options.sigma * part.float().std(correction=0) * noise.to(part)
        return noisy

    handle = model.network.get_input_embeddings().register_forward_hook(disturb)
    try:
        yield
    finally:
        handle.remove()
