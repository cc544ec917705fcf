"""Samples → language: what a neuron's scores over a language's samples come to (METHODS §3).

Each statistic is exact on a per-sample store, and read from the streamed summary where that suffices.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from neuroglot.registry import Registry
from neuroglot.statistics.moments import ORDERS, quantile

Scores = Float[np.ndarray, "sample layer neuron"]
Summary = dict[str, np.ndarray]
PerNeuron = Float[np.ndarray, "layer neuron"]


@dataclass(frozen=True)
class Statistic:
    """One number a neuron and language.

    Attributes:
        exact: (scores of the samples, N of the samples) → statistic.
        streamed: (one language's summary: samples, units and what ``reads`` names) → statistic.
        reads: Which of mean, m2, m3, m4, sum, max, histogram ``streamed`` needs, and what merging them needs.
    """

    exact: Callable[[Scores, np.ndarray], PerNeuron]
    streamed: Callable[[Summary], PerNeuron]
    reads: tuple[str, ...]

    @property
    def histogram(self) -> bool:
        """Whether a streaming pass has to count scores in bins for it."""
        return "histogram" in self.reads


STATISTICS: Registry[Statistic] = Registry("sample statistic")


def _normalised(mean: PerNeuron, m2: PerNeuron, m4: PerNeuron) -> PerNeuron:
    """m4/m2², NaN where σ = 0: up to 1e-12 of the mean is rounding, steps of float32 are 1e5 times wider."""
    return np.where(m2 > (1e-12 * mean) ** 2, m4 / np.where(m2 == 0, np.nan, m2) ** 2, np.nan)


def _kurtosis(scores: Scores, units: np.ndarray) -> PerNeuron:
    mean = scores.mean(axis=0)
    squares = (scores - mean) ** 2
    return _normalised(mean, squares.mean(axis=0), (squares**2).mean(axis=0))


def _streamed_kurtosis(summary: Summary) -> PerNeuron:
    n = summary["samples"]
    return _normalised(summary["mean"], summary["m2"] / n, summary["m4"] / n)


def _streamed_median(summary: Summary) -> PerNeuron:
    # A layer at a time: the running counts of all bins are many times the counts.
    return np.stack([quantile(layer, 0.5) for layer in summary["histogram"]])


for _name, _statistic in {
    "mean": Statistic(
        lambda scores, units: scores.mean(axis=0), lambda summary: summary["mean"], reads=("mean",)
    ),
    "variance": Statistic(
        lambda scores, units: scores.var(axis=0),
        lambda summary: summary["m2"] / summary["samples"],
        reads=("mean", "m2"),
    ),
    "max": Statistic(
        lambda scores, units: scores.max(axis=0), lambda summary: summary["max"], reads=("max",)
    ),
    # Of a sum over tokens: Σ over samples / Σ of their lengths, so that every token counts the same.
    "rate": Statistic(
        lambda scores, units: scores.sum(axis=0) / units.sum(),
        lambda summary: summary["sum"] / summary["units"],
        reads=("sum",),
    ),
    # Population kurtosis m4/m2²; a neuron without variance has none and is never chosen.
    "kurtosis": Statistic(_kurtosis, _streamed_kurtosis, reads=ORDERS),
    "median": Statistic(
        lambda scores, units: np.median(scores, axis=0), _streamed_median, reads=("histogram",)
    ),
}.items():
    STATISTICS.register(_name)(_statistic)
