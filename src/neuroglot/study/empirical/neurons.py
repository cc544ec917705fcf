"""Which neurons are moved: alone, and in groups."""

import numpy as np
from jaxtyping import Float64, Int

from neuroglot.attribution.exact import Neurons
from neuroglot.errors import NeuroglotError
from neuroglot.intervention.hooks import check_fits
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from neuroglot.study.empirical.settings import NegSettings

SIZES = (2, 10, 50, 200)
"""Neurons that are moved at once."""

GROUPS = 10
"""Of each size."""


def chosen(model: LanguageModel, settings: NegSettings, site: str) -> Neurons:
    """(layer, index) of the neurons at a site, sorted.

    Raises:
        NeuroglotError: No such site, or a set that is empty, of another site or of another model.
    """
    width = model.site(site).width
    if settings.set is None:
        return drawn(model.layers, width, settings.neurons, settings.seed)
    neurons = NeuronSet.load(settings.set)
    check_fits(model, neurons)
    if neurons.site != site:
        raise NeuroglotError(f"the set {settings.set!r} is of site {neurons.site!r}, not {site!r}")
    if not len(neurons):
        raise NeuroglotError(f"the set {settings.set!r} is empty")
    return neurons.indices


def drawn(layers: int, width: int, count: int, seed: int) -> Neurons:
    """Random neurons, as many from every layer; what is left over goes to layers drawn at random."""
    rng = np.random.default_rng(seed)
    count = min(count, layers * width)
    each = np.full(layers, count // layers)
    each[rng.choice(layers, count % layers, replace=False)] += 1
    pairs = [
        (layer, index)
        for layer, size in enumerate(each.tolist())
        for index in np.sort(rng.choice(width, size, replace=False)).tolist()
    ]
    return np.array(pairs)


def groups(count: int, seed: int) -> list[Int[np.ndarray, " member"]]:
    """Which of ``count`` neurons are moved together: `GROUPS` of every size that there is room for."""
    rng = np.random.default_rng(seed)
    return [rng.choice(count, size, replace=False) for size in SIZES if size <= count for _ in range(GROUPS)]


def deltas(settings: NegSettings) -> Float64[np.ndarray, " delta"]:
    """How far groups are moved: the whole reach and half of it, either way."""
    return settings.reach * np.array([-1.0, -0.5, 0.5, 1.0])
