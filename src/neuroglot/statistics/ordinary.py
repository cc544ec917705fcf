"""Mean, variance, maximum, firing rate, and the standard moments, all of which merge while streaming."""

import numpy as np
from jaxtyping import Float

from neuroglot.statistics.language import (
    OfLayer,
    PerNeuron,
    Scores,
    Summary,
    layer_by_layer,
    sample_statistic,
)
from neuroglot.statistics.moments import ORDERS


def standard_moment(order: int, mean: np.ndarray, m2: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """m_k/m2^(k/2), NaN where σ = 0.

    A σ of up to 1e-12 of the mean is rounding: steps of float32 are 1e5 times wider.

    Args:
        order: k.
        mean: Of the scores.
        m2: Their population variance.
        moment: Their k-th central moment.
    """
    spread = m2 > (1e-12 * mean) ** 2
    return np.where(spread, moment / np.where(m2 == 0, np.nan, m2) ** (order / 2), np.nan)


def _standardised(scores: Scores, order: int) -> PerNeuron:
    def of_layer(layer: OfLayer) -> Float[np.ndarray, " neuron"]:
        mean = layer.mean(axis=0)
        centred = layer - mean
        squares = centred**2
        powers = squares**2 if order == 4 else squares * centred
        return standard_moment(order, mean, squares.mean(axis=0), powers.mean(axis=0))

    return layer_by_layer(of_layer, scores)


def _streamed_moment(summary: Summary, order: int) -> PerNeuron:
    n = summary["samples"]
    return standard_moment(order, summary["mean"], summary["m2"] / n, summary[f"m{order}"] / n)


@sample_statistic("mean", streamed=lambda summary: summary["mean"], reads=("mean",))
def mean(scores: Scores, units: np.ndarray) -> PerNeuron:
    """The mean over samples."""
    return np.asarray(scores.mean(axis=0))


@sample_statistic(
    "variance", streamed=lambda summary: summary["m2"] / summary["samples"], reads=("mean", "m2"), least=2
)
def variance(scores: Scores, units: np.ndarray) -> PerNeuron:
    """The population variance over samples."""
    return layer_by_layer(lambda layer: layer.var(axis=0), scores)


@sample_statistic("max", streamed=lambda summary: summary["max"], reads=("max",))
def maximum(scores: Scores, units: np.ndarray) -> PerNeuron:
    """The largest score of a sample."""
    return np.asarray(scores.max(axis=0))


@sample_statistic("rate", streamed=lambda summary: summary["sum"] / summary["units"], reads=("sum",))
def rate(scores: Scores, units: np.ndarray) -> PerNeuron:
    """Of a sum over tokens: Σ over samples / Σ of their lengths, so that every token counts the same."""
    return np.asarray(scores.sum(axis=0) / units.sum())


@sample_statistic(
    "kurtosis", streamed=lambda summary: _streamed_moment(summary, 4), reads=ORDERS, least=2, grows=True
)
def kurtosis(scores: Scores, units: np.ndarray) -> PerNeuron:
    """m4/m2² (population); NaN, never chosen, where σ = 0. At most n − 2 + 1/(n − 1) for n samples."""
    return _standardised(scores, 4)


@sample_statistic(
    "skewness", streamed=lambda summary: _streamed_moment(summary, 3), reads=ORDERS[:3], least=2, grows=True
)
def skewness(scores: Scores, units: np.ndarray) -> PerNeuron:
    """m3/m2^1.5 (population); NaN where σ = 0. At most (n − 2)/√(n − 1) for n samples."""
    return _standardised(scores, 3)
