"""Samples → language: what a neuron's scores over a language's samples come to (METHODS §3).

Each statistic is exact on a per-sample store, and read from the streamed summary where that suffices. Here
is the registry; `ordinary` has the moments, `shape` looks at the distribution of a neuron's scores, `leading`
at the neuron's place among the others of each sample.
"""

import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.registry import Registry

Scores = Float[np.ndarray, "sample layer neuron"]
OfLayer = Float[np.ndarray, "sample neuron"]
Summary = dict[str, np.ndarray]
PerNeuron = Float[np.ndarray, "layer neuron"]
Exact = Callable[..., PerNeuron]
Streamed = Callable[..., PerNeuron]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Statistic:
    """One number a neuron and language.

    Attributes:
        exact: (scores of the samples, N of the samples, options by keyword) → statistic.
        streamed: (one language's summary: samples, units and what ``reads`` names; the same options) →
            statistic; None where no summary suffices.
        reads: Which of mean, m2, m3, m4, sum, max, histogram ``streamed`` needs, and what merging them needs.
        about: What it is, in one line.
        least: Samples below which it says nothing.
        below: Every option is a number above 0 and below this.
        grows: Whether its bound grows with the number of samples, so that it compares languages fairly only
            over as many of each.
    """

    exact: Exact
    streamed: Streamed | None = None
    reads: tuple[str, ...] = ()
    about: str = ""
    least: int = 1
    below: float = 1.0
    grows: bool = False

    @property
    def histogram(self) -> bool:
        """Whether a streaming pass has to count scores in bins for it."""
        return "histogram" in self.reads

    @property
    def options(self) -> dict[str, Any]:
        """Its options and what they are when nobody says."""
        return {
            option.name: option.default
            for option in inspect.signature(self.exact).parameters.values()
            if option.kind is option.KEYWORD_ONLY
        }


STATISTICS: Registry[Statistic] = Registry("sample statistic")


def sample_statistic(
    name: str,
    *,
    streamed: Streamed | None = None,
    reads: tuple[str, ...] = (),
    least: int = 1,
    below: float = 1.0,
    grows: bool = False,
) -> Callable[[Exact], Exact]:
    """Registers an exact formula under ``name``; its docstring's first line says what it is.

    The rest is that of `Statistic`.
    """

    def enter(exact: Exact) -> Exact:
        about = (exact.__doc__ or "").strip().splitlines()[0]
        STATISTICS.register(name)(Statistic(exact, streamed, reads, about, least, below, grows))
        return exact

    return enter


def check_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a statistic: those given, the others as they are by default.

    Raises:
        NeuroglotError: An unknown statistic or option, or a value out of its range.
    """
    statistic = STATISTICS[name]
    known = statistic.options
    for option, value in options.items():
        where = f"statistic {name!r}"
        if not known:
            raise NeuroglotError(f"{where} has no options (given: {option!r})")
        if option not in known:
            raise unknown("option", option, known, where)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and 0 < value < statistic.below):
            raise NeuroglotError(
                f"{where}: {option} must be a number above 0 and below {statistic.below:g}, not {value!r}"
            )
    return {**known, **options}


def require_samples(name: str, samples: Mapping[str, int]) -> None:
    """Refuses a statistic of fewer samples than it needs.

    Args:
        name: The statistic.
        samples: How many each language has.

    Raises:
        NeuroglotError: A language has fewer than the statistic's ``least``.
    """
    least = STATISTICS[name].least
    for language, count in samples.items():
        if count < least:
            raise NeuroglotError(f"{name} needs at least {least} samples of {language!r}, which has {count}")


def warn_of_unequal_samples(name: str, samples: Mapping[str, int]) -> None:
    """Logs that languages of unequal samples are compared by a statistic whose bound grows with them."""
    if STATISTICS[name].grows and len(set(samples.values())) > 1:
        fewest, most = min(samples, key=samples.__getitem__), max(samples, key=samples.__getitem__)
        logger.warning(
            "%s grows with the number of samples, and languages have from %d (%s) to %d (%s): "
            "take as many of each to compare them",
            *(name, samples[fewest], fewest, samples[most], most),
        )


def layer_by_layer(formula: Callable[[OfLayer], Float[np.ndarray, " neuron"]], scores: Scores) -> PerNeuron:
    """A formula over the samples of one layer, at each in turn: its temporaries are those of a layer."""
    return np.stack([formula(scores[:, layer]) for layer in range(scores.shape[1])])


# Each import registers the statistics of a file, and needs the names above.
from neuroglot.statistics import leading, ordinary, shape  # noqa: E402, F401
