"""Kinds of intervention (METHODS §5). Each replaces a chosen neuron's activation by ``gain · a + shift``.

The mean of the language's own text would inject the language, so plain "mean" in the literature is the *grand
mean* here: the mean over languages, each weighted equally.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import xarray as xr
from jaxtyping import Float32

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.neurons import NeuronSet
from neuroglot.registry import Registry

Shift = Float32[np.ndarray, "layer neuron"]


@dataclass(frozen=True)
class Kind:
    """One kind of intervention.

    Attributes:
        gain: What the activation is multiplied with.
        shift: (activations [language, layer, neuron], the set's language) → what is added, if anything.
        about: One line for people.
        reads: What stands for a language's activations: the token reduction of ``activation``, the statistic
            over samples, and its options.
    """

    gain: float
    shift: Callable[[xr.DataArray, str], xr.DataArray] | None
    about: str
    reads: tuple[str, str, Mapping[str, float]] = ("sum", "rate", MappingProxyType({}))


KINDS: Registry[Kind] = Registry("intervention")


def _own(means: xr.DataArray, language: str) -> xr.DataArray:
    return means.sel(language=language)


def _others(means: xr.DataArray, language: str) -> xr.DataArray:
    if means.sizes["language"] < 2:
        raise NeuroglotError("other_mean needs the mean activations of at least two languages")
    return means.drop_sel(language=language).mean("language")


for _name, _kind in {
    "zero": Kind(0.0, None, "set to 0"),
    "grand_mean": Kind(0.0, lambda means, language: means.mean("language"), "set to the mean over languages"),
    "own_mean": Kind(0.0, _own, "set to the mean over the set's own language"),
    "other_mean": Kind(0.0, _others, "set to the mean over the other languages"),
    "median": Kind(
        0.0,
        _own,
        "set to the median over the sentences of the set's own language (Kojima et al. 2024)",
        ("mean", "median", MappingProxyType({})),
    ),
    "percentile_5": Kind(
        0.0,
        lambda values, language: values.mean("language"),
        "set to the 5th percentile over sentences, averaged over languages",
        ("mean", "quantile", MappingProxyType({"q": 0.05})),
    ),
}.items():
    KINDS.register(_name)(_kind)


@dataclass(frozen=True)
class Intervention:
    """A neuron set and what is done to it.

    Attributes:
        neurons: The set.
        kind: The kind's name.
        means: Activations at the set's site, [language, layer, neuron], for the kinds that need them
            (`ScoreBank.statistic` of ``activation`` as `Kind.reads` says: mostly the mean over tokens).
    """

    neurons: NeuronSet
    kind: str = "zero"
    means: xr.DataArray | None = None

    def __post_init__(self) -> None:
        if KINDS[self.kind].shift is not None:
            if self.means is None:
                raise NeuroglotError(f"intervention {self.kind!r} needs mean activations")
            if self.means.shape[1:] != self.neurons.shape:
                given = self.means.shape[1:]
                raise NeuroglotError(
                    f"mean activations of shape {given} do not fit a set of {self.neurons.shape}"
                )
            languages = [str(name) for name in self.means["language"].values]
            if self.kind in ("own_mean", "other_mean", "median") and self.neurons.language not in languages:
                raise unknown("language", self.neurons.language, languages, f"intervention {self.kind}")
            _ = self.shift  # a kind that cannot make its values says so now, not after the pass

    @property
    def gain(self) -> float:
        """What the activation is multiplied with."""
        return KINDS[self.kind].gain

    @cached_property
    def shift(self) -> Shift | None:
        """What is added to each neuron, or None."""
        make = KINDS[self.kind].shift
        if make is None or self.means is None:
            return None
        return make(self.means, self.neurons.language).values.astype(np.float32)
