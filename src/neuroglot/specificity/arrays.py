"""The arrays of this room and the little arithmetic that its formulas share."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from jaxtyping import Bool, Float64

Statistic = Float64[np.ndarray, "language layer neuron"]
"""A number a language and neuron; NaN where the neuron must never be chosen."""

LanguageMask = Bool[np.ndarray, "language layer neuron"]
"""The chosen neurons of every language."""

Mask = Bool[np.ndarray, "layer neuron"]
"""The chosen neurons of one language."""


def layer_by_layer(formula: Callable[[Statistic], Statistic], statistic: Statistic) -> Statistic:
    """A formula that looks at one layer at a time, at each in turn.

    Its temporaries are then those of a layer and stay in the cache; those of a 70B model are 0.4 GB
    each.
    """
    found = np.empty_like(statistic)
    for layer in range(statistic.shape[1]):
        found[:, layer : layer + 1] = formula(statistic[:, layer : layer + 1])
    return found


def language_by_language(formula: Callable[[Statistic], Statistic], statistic: Statistic) -> Statistic:
    """A formula that looks at one language at a time, at each in turn."""
    found = np.empty_like(statistic)
    for language in range(len(statistic)):
        found[language : language + 1] = formula(statistic[language : language + 1])
    return found


def divide(numerator: Statistic, denominator: Float64[np.ndarray, "..."]) -> Statistic:
    """Quotient that is 0 where the denominator is 0: no spread is no signal, not an infinite one.

    NaN in either operand stays NaN.
    """
    degenerate = (denominator == 0) & ~np.isnan(numerator)
    return np.where(degenerate, 0.0, numerator / np.where(denominator == 0, 1.0, denominator))


def mean_of_others(statistic: Statistic) -> Statistic:
    """For every language the mean over all the other languages; NaN in any of them makes it NaN.

    (Σ − S)/(n − 1) would be shorter, but where one language dwarfs the rest it subtracts the rest away.
    """
    return np.stack([np.delete(statistic, i, axis=0).mean(axis=0) for i in range(len(statistic))])


@contextmanager
def empty_slices() -> Iterator[None]:
    """Let NumPy's nan-functions pass in silence over a layer of nothing but NaN (one that was not read)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN|Mean of empty slice|Degrees of freedom", RuntimeWarning)
        yield
