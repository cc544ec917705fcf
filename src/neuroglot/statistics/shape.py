"""Statistics of the shape of a neuron's scores over a language's samples: tails, quantiles, concentration.

Gini, Hoyer and the tail share measure how few samples hold the sum of |score|, with no mean taken off first:
a neuron that is large in every sample is not concentrated, whatever its kurtosis. Where every score is 0
there is nothing to share out: NaN, never chosen.
"""

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
from neuroglot.statistics.moments import quantile as histogram_quantile


def _streamed_quantile(summary: Summary, *, q: float) -> PerNeuron:
    """The q-quantile from the histogram, within one of its bins.

    A layer at a time: the running counts of all bins are many times the counts.
    """
    return np.stack([histogram_quantile(layer, q) for layer in summary["histogram"]])


@sample_statistic("median", streamed=lambda summary: _streamed_quantile(summary, q=0.5), reads=("histogram",))
def median(scores: Scores, units: np.ndarray) -> PerNeuron:
    """The median over samples."""
    return layer_by_layer(lambda layer: np.median(layer, axis=0), scores)


@sample_statistic("trimmed_mean", below=0.5)
def trimmed_mean(scores: Scores, units: np.ndarray, *, share: float = 0.1) -> PerNeuron:
    """The mean without the ``share`` of samples with the largest scores and that with the smallest.

    Each side loses ⌊share·n⌋ of n samples: with few samples that may be none.
    """
    cut = int(share * len(scores))
    return layer_by_layer(lambda layer: np.sort(layer, axis=0)[cut : len(layer) - cut].mean(axis=0), scores)


@sample_statistic(
    "quantile",
    streamed=lambda summary, *, q: _streamed_quantile(summary, q=q),
    reads=("histogram",),
)
def quantile(scores: Scores, units: np.ndarray, *, q: float = 0.95) -> PerNeuron:
    """The lowest score with at least a share ``q`` of the samples at or below it.

    NumPy's ``inverted_cdf``: what a histogram can say too.
    """
    return layer_by_layer(lambda layer: np.quantile(layer, q, axis=0, method="inverted_cdf"), scores)


@sample_statistic("gini", least=2)
def gini(scores: Scores, units: np.ndarray) -> PerNeuron:
    """Gini coefficient of |score| over samples: 0 where all are equal, 1 − 1/n where one of n holds all.

    G = Σ_i (2i − n − 1)·x_i / (n·Σ x), x = |score| in rising order, i from 1.
    """
    n = len(scores)
    weights = 2 * np.arange(1, n + 1) - n - 1

    def of_layer(layer: OfLayer) -> Float[np.ndarray, " neuron"]:
        ordered = np.sort(np.abs(layer), axis=0)
        return np.asarray(weights @ ordered / (n * _some(ordered.sum(axis=0))))

    return layer_by_layer(of_layer, scores)


@sample_statistic("hoyer", least=2)
def hoyer(scores: Scores, units: np.ndarray) -> PerNeuron:
    """Hoyer's sparseness over samples, (√n − ‖x‖₁/‖x‖₂)/(√n − 1): 0 all equal, 1 where one sample holds all.

    Source: Hoyer 2004, *Non-negative Matrix Factorization with Sparseness Constraints*.
    """
    root = np.sqrt(len(scores))

    def of_layer(layer: OfLayer) -> Float[np.ndarray, " neuron"]:
        ratio = np.abs(layer).sum(axis=0) / _some(np.sqrt((layer**2).sum(axis=0)))
        return np.asarray((root - ratio) / (root - 1))

    return layer_by_layer(of_layer, scores)


@sample_statistic("tail_share")
def tail_share(scores: Scores, units: np.ndarray, *, share: float = 0.1) -> PerNeuron:
    """The share of Σ|score| that the ``share`` of samples with the largest |score| holds.

    Of n samples these are round(share·n), at least 1.
    """
    tail = max(round(share * len(scores)), 1)

    def of_layer(layer: OfLayer) -> Float[np.ndarray, " neuron"]:
        sizes = np.abs(layer)
        largest = np.partition(sizes, len(sizes) - tail, axis=0)[len(sizes) - tail :]
        return np.asarray(largest.sum(axis=0) / _some(sizes.sum(axis=0)))

    return layer_by_layer(of_layer, scores)


def _some(total: Float[np.ndarray, " neuron"]) -> Float[np.ndarray, " neuron"]:
    """A divisor: NaN where there is nothing."""
    return np.where(total == 0, np.nan, total)
