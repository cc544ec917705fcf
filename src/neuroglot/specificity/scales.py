"""Scales that make a statistic comparable between languages, then between layers.

A gradient score grows with a language's loss and its tokens per word, and with the depth of its layer;
without a scale, a contrast over languages finds the language with the highest loss.

* ``LANGUAGE_SCALES`` work over all neurons of one language: ``none``, ``l1``, ``rank``, ``z``.
* ``LAYER_SCALES`` work inside one language and layer: ``none``, ``mad``, ``z`` (the last is that of CRANE,
  Le et al. 2026).

NaN takes no part and stays NaN. Where all neurons are equal the scales that measure a spread, and the rank,
give 0.
"""

from collections.abc import Callable

import numpy as np

from neuroglot.registry import Registry
from neuroglot.specificity.arrays import Statistic, divide, empty_slices, language_by_language, layer_by_layer

Scale = Callable[[Statistic], Statistic]

LANGUAGE_SCALES: Registry[Scale] = Registry("language scale")
LAYER_SCALES: Registry[Scale] = Registry("layer scale")


@LANGUAGE_SCALES.register("none")
@LAYER_SCALES.register("none")
def unscaled(statistic: Statistic) -> Statistic:
    """S as it is."""
    return statistic


@LANGUAGE_SCALES.register("l1")
def l1(statistic: Statistic) -> Statistic:
    """S / Σ|S|: a neuron's share of everything that the language's neurons do."""
    return language_by_language(
        lambda one: divide(one, np.nansum(np.abs(one), axis=(1, 2), keepdims=True)), statistic
    )


@LANGUAGE_SCALES.register("rank")
def rank(statistic: Statistic) -> Statistic:
    """Share of the language's other neurons whose S is strictly lower: 0 … 1; equal S have equal ranks."""
    ranks = np.full_like(statistic, np.nan)
    for scores, places in zip(statistic, ranks, strict=True):
        known = ~np.isnan(scores)
        lower = np.searchsorted(np.sort(scores[known]), scores[known], side="left")
        places[known] = lower / max(lower.size - 1, 1)
    return ranks


@LANGUAGE_SCALES.register("z")
def language_z(statistic: Statistic) -> Statistic:
    """(S − mean) / standard deviation over all neurons of the language (population, ddof 0)."""
    return language_by_language(lambda one: _standardised(one, (1, 2)), statistic)


@LAYER_SCALES.register("z")
def layer_z(statistic: Statistic) -> Statistic:
    """(S − mean) / standard deviation over the neurons of one layer (population, ddof 0)."""
    return layer_by_layer(lambda one: _standardised(one, (2,)), statistic)


@LAYER_SCALES.register("mad")
def layer_mad(statistic: Statistic) -> Statistic:
    """(S − median) / median |S − median| over the neurons of one layer.

    Where more than half the neurons are equal that spread is 0 although the rest differ; there the mean
    |S − median| stands in for it.
    """
    return layer_by_layer(_mad, statistic)


def _mad(statistic: Statistic) -> Statistic:
    with empty_slices():
        deviation = statistic - np.nanmedian(statistic, axis=2, keepdims=True)
        median = np.nanmedian(np.abs(deviation), axis=2, keepdims=True)
        mean = np.nanmean(np.abs(deviation), axis=2, keepdims=True)
    return divide(deviation, np.where(median == 0, mean, median))


def _standardised(statistic: Statistic, axes: tuple[int, ...]) -> Statistic:
    with empty_slices():
        # Measured from the minimum, equal values are exactly 0 and so is their spread; their plain mean may
        # be off by a rounding error, which the division would blow up to ±1.
        above = statistic - np.nanmin(statistic, axis=axes, keepdims=True)
        deviation = above - np.nanmean(above, axis=axes, keepdims=True)
        return divide(deviation, np.nanstd(above, axis=axes, keepdims=True))
