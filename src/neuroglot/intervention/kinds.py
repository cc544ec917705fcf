"""Kinds of intervention (METHODS §5). Each replaces a chosen neuron's activation by ``gain · a + shift``.

A kind's name is that of its family, with a number where the family takes one: ``zero``, ``scale(0.5)``. The
mean of the language's own text would inject the language, so plain "mean" in the literature is the *grand
mean* here: the mean over languages, each weighted equally.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType

import numpy as np
import xarray as xr
from jaxtyping import Float32

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.neurons import NeuronSet
from neuroglot.registry import Registry

Shift = Float32[np.ndarray, "layer neuron"]

Read = tuple[str, str, Mapping[str, float]]
"""What stands for a language's activations: how those of tokens are reduced, the statistic over samples, and
its options."""

MEAN: Read = ("sum", "rate", MappingProxyType({}))
"""Every token counts the same inside a language."""


@dataclass(frozen=True)
class Kind:
    """One kind of intervention, its number filled in.

    Attributes:
        gain: What the activation is multiplied with.
        shift: What is added: a number, or how it is made of (activations [language, layer, neuron], the set's
            language).
        reads: The activations that the shift is made of; None if it needs none.
    """

    gain: float
    shift: float | Callable[[xr.DataArray, str], xr.DataArray] = 0.0
    reads: Read | None = None


@dataclass(frozen=True)
class Entry:
    """A family of kinds that differ in a number, or a single kind.

    Attributes:
        about: One line for people.
        make: The number → the kind; a single kind is given 0.
        example: A name with its number; empty for a single kind.
        limit: The number lies above 0 and below this, if it is finite.
    """

    about: str
    make: Callable[[float], Kind]
    example: str = ""
    limit: float = math.inf


KINDS: Registry[Entry] = Registry("intervention")


def _own(values: xr.DataArray, language: str) -> xr.DataArray:
    languages = [str(name) for name in values["language"].values]
    if language not in languages:
        raise unknown("language", language, languages)
    return values.sel(language=language)


def _others(values: xr.DataArray, language: str) -> xr.DataArray:
    _own(values, language)  # the others of a language that is not there are all
    if values.sizes["language"] < 2:
        raise NeuroglotError("needs the mean activations of at least two languages")
    return values.drop_sel(language=language).mean("language")


def _everyone(values: xr.DataArray, language: str) -> xr.DataArray:
    return values.mean("language")


def _percentile(p: float) -> Kind:
    return Kind(0.0, _everyone, ("mean", "quantile", MappingProxyType({"q": p / 100})))


for _name, _entry in {
    "zero": Entry("set to 0", lambda _: Kind(0.0)),
    "grand_mean": Entry("set to the mean over languages", lambda _: Kind(0.0, _everyone, MEAN)),
    "own_mean": Entry("set to the mean over the set's own language", lambda _: Kind(0.0, _own, MEAN)),
    "other_mean": Entry("set to the mean over the other languages", lambda _: Kind(0.0, _others, MEAN)),
    "median": Entry(
        "set to the median over the sentences of the set's own language (Kojima et al. 2024)",
        lambda _: Kind(0.0, _own, ("mean", "median", MappingProxyType({}))),
    ),
    "percentile": Entry(
        "set to a percentile over sentences, averaged over languages", _percentile, "percentile(5)", 100
    ),
    "constant": Entry("set to a number", lambda c: Kind(0.0, c), "constant(0.1)"),
    "scale": Entry("multiplied with a number", lambda alpha: Kind(alpha), "scale(0.5)"),
    "add": Entry(
        "moved by so many times the mean over the set's own language",
        lambda alpha: Kind(1.0, lambda values, language: alpha * _own(values, language), MEAN),
        "add(1.5)",
    ),
    "toward": Entry(
        "moved by so many times the difference between the set's own language's mean and the others' "
        "(DiffMean; Marks & Tegmark 2024)",
        lambda alpha: Kind(
            1.0, lambda values, language: alpha * (_own(values, language) - _others(values, language)), MEAN
        ),
        "toward(1.5)",
    ),
}.items():
    KINDS.register(_name)(_entry)


@lru_cache
def kind_named(name: str) -> Kind:
    """The kind that a name such as ``zero`` or ``scale(0.5)`` stands for.

    Raises:
        NeuroglotError: An unknown family, or a number that is missing, too much, not finite or out of range.
    """
    found = re.fullmatch(r"(\w+)(?:\(([^()\s]*)\))?", name)
    if found is None or found[1] not in KINDS:
        raise unknown(KINDS.kind, name, [entry.example or family for family, entry in KINDS.items()])
    family, told = found.groups()
    entry = KINDS[family]
    if not entry.example:
        if told is not None:
            raise NeuroglotError(f"intervention {name!r}: {family} takes no number")
        return entry.make(0.0)
    if not told:
        raise NeuroglotError(f"intervention {name!r} needs a number, as in {entry.example!r}")
    try:
        number = float(told)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise NeuroglotError(f"intervention {name!r}: {told!r} is not a finite number")
    if math.isfinite(entry.limit) and not 0 < number < entry.limit:
        raise NeuroglotError(
            f"intervention {name!r}: the number must be above 0 and below {entry.limit:g}, not {told}"
        )
    return entry.make(number)


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
        if kind_named(self.kind).reads:
            if self.means is None:
                raise NeuroglotError(f"intervention {self.kind!r} needs mean activations")
            if self.means.shape[1:] != self.neurons.shape:
                given = self.means.shape[1:]
                raise NeuroglotError(
                    f"mean activations of shape {given} do not fit a set of {self.neurons.shape}"
                )
            _ = self.shift  # a kind that cannot make its values says so now, not after the pass

    @property
    def gain(self) -> float:
        """What the activation is multiplied with."""
        return kind_named(self.kind).gain

    @cached_property
    def shift(self) -> Shift | None:
        """What is added to each neuron, or None."""
        shift = kind_named(self.kind).shift
        if not callable(shift):
            return np.full(self.neurons.shape, shift, dtype=np.float32) if shift else None
        assert self.means is not None  # a shift that is made is made of activations
        try:
            return shift(self.means, self.neurons.language).values.astype(np.float32)
        except NeuroglotError as error:
            raise NeuroglotError(str(error), f"intervention {self.kind}") from error
