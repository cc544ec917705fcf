"""How well what costs little tells what was measured: correlations over neurons, intervals over prompts."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import rankdata

from neuroglot.evaluation.bootstrap import interval, whole_then_resamples

FEWEST = 3
"""Neurons without which there is no correlation."""

Values = Float[np.ndarray, "prompt neuron"]


def pearson(x: Float[np.ndarray, " neuron"], y: Float[np.ndarray, " neuron"]) -> float:
    """NaN for fewer than `FEWEST` neurons, or where one of both is the same everywhere."""
    if len(x) < FEWEST:
        return np.nan
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / scale) if scale > 0 else np.nan


def spearman(x: Float[np.ndarray, " neuron"], y: Float[np.ndarray, " neuron"]) -> float:
    """Pearson's of the ranks."""
    return pearson(rankdata(x), rankdata(y))


def by_prompt(
    correlate: Callable[..., float], x: Values, y: Values, fit: Bool[np.ndarray, "prompt neuron"]
) -> Float[np.ndarray, " prompt"]:
    """The correlation over each prompt's neurons, of those that are ``fit``."""
    return np.array([correlate(a[own], b[own]) for a, b, own in zip(x, y, fit, strict=True)])


def mean_with_interval(
    values: Float[np.ndarray, " prompt"], resamples: int, seed: int
) -> tuple[float, float, float]:
    """The mean over prompts and its 95 % interval had other prompts been asked; NaN where there is none."""
    known = values[~np.isnan(values)]
    if not len(known):
        return np.nan, np.nan, np.nan
    if len(known) == 1:
        return float(known[0]), np.nan, np.nan
    weights = whole_then_resamples(len(known), resamples, seed)
    means = weights @ known / len(known)
    low, high = interval(means[1:])
    return float(means[0]), float(low), float(high)


def ratio_with_interval(
    above: Float[np.ndarray, " prompt"], below: Float[np.ndarray, " prompt"], resamples: int, seed: int
) -> tuple[float, float, float]:
    """Σ above / Σ below over prompts, with an interval as above."""
    if not below.any():
        return np.nan, np.nan, np.nan
    weights = whole_then_resamples(len(above), resamples, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = (weights @ above) / (weights @ below)
    if len(above) == 1:
        return float(ratios[0]), np.nan, np.nan
    known: Sequence[float] = ratios[1:][np.isfinite(ratios[1:])]
    low, high = interval(np.asarray(known))
    return float(ratios[0]), float(low), float(high)
