"""LAPE, language activation probability entropy: the published algorithm, with its own emergent set sizes.

1. p_L = share of the tokens of language L at which the neuron's activation is above 0; p' = p / Σ_L p.
2. H = −Σ_L p' ln p' is low for a neuron that few languages use.
3. Neurons no p of which passes the ``filter_rate`` value of all p are left out: rarely used is not specific.
4. The ``top_rate`` share with the lowest H, over all layers together, is taken.
5. A taken neuron joins every language whose p passes the ``activation_bar`` value of all p, if any.

Source: Tang et al. 2024, *Language-Specific Neurons: The Key to Multilingual Capabilities in Large Language
Models*. For LAPE's ranking under an equal budget a language see `contrasts.entropy`.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from neuroglot.errors import NeuroglotError
from neuroglot.specificity.arrays import Statistic


def lape(
    p: ArrayLike,
    *,
    top_rate: float = 0.01,
    filter_rate: float = 0.95,
    activation_bar: float = 0.95,
) -> list[Int[np.ndarray, "chosen 2"]]:
    """The neurons of each language, as the reference algorithm picks them.

    Args:
        p: Activation probabilities, 0 to 1, of shape [language, layer, neuron].
        top_rate: Share of all neurons to take, lowest entropy first, equal ones in (layer, neuron) order.
            When fewer pass the filter, those are all: the published code would go on with neurons it has
            filtered out.
        filter_rate: Rank, as a share of all values of p, of the value that a neuron has to pass in some
            language.
        activation_bar: The same for the value that it has to pass in a language to join that language.

    Returns:
        For each language in the order of p its (layer, neuron) pairs, sorted.

    Raises:
        NeuroglotError: p is not three-dimensional, is empty or not all in 0 … 1, or a rate is out of range.
    """
    p = np.asarray(p, dtype=np.float64)
    if p.ndim != 3 or p.size == 0:
        raise NeuroglotError(f"lape: p has shape {p.shape}, not [language, layer, neuron]")
    if not ((p >= 0) & (p <= 1)).all():
        raise NeuroglotError("lape: p holds values that are no probabilities (0 to 1, no NaN)")
    if not 0 < top_rate <= 1:
        raise NeuroglotError(f"lape: top_rate must be above 0 and at most 1, not {top_rate}")

    passing = (p > kth_smallest(p.ravel(), filter_rate, "filter_rate")).any(axis=0).ravel()
    entropy = np.where(passing, language_entropy(p).ravel(), np.inf)
    size = min(round(entropy.size * top_rate), int(passing.sum()))
    chosen = np.sort(np.argsort(entropy, kind="stable")[:size])

    joins = p.reshape(len(p), -1)[:, chosen] > kth_smallest(p.ravel(), activation_bar, "activation_bar")
    pairs = np.stack(np.divmod(chosen, p.shape[2]), axis=1)
    return [pairs[joined] for joined in joins]


def language_entropy(p: Statistic) -> Float[np.ndarray, "layer neuron"]:
    """H = −Σ p' ln p' (nats) with p' = p / Σ_L p and 0·ln 0 = 0.

    A neuron that never fires (Σ p = 0) gets 0, the lowest entropy of all: only a filter on p keeps it out.
    """
    entropy = np.empty(p.shape[1:])
    for layer, own in enumerate(np.moveaxis(p, 1, 0)):  # at a time: its temporaries stay in the cache
        total = own.sum(axis=0)
        share = own / np.where(total == 0, 1.0, total)
        entropy[layer] = -(share * np.log(np.where(share == 0, 1.0, share))).sum(axis=0)
    return entropy


def kth_smallest(values: Float[np.ndarray, " value"], rate: float, name: str) -> float:
    """The round(rate·n)-th smallest of n values, from 1, rounded half to even: the reference's threshold.

    Raises:
        NeuroglotError: ``rate`` (called ``name`` in the message) is outside (0, 1] or rounds to no value.
    """
    if not 0 < rate <= 1:
        raise NeuroglotError(f"{name} must be above 0 and at most 1, not {rate}")
    k = round(values.size * rate)
    if k == 0:
        raise NeuroglotError(f"{name} {rate} of {values.size} values is less than one of them")
    return float(np.partition(values, k - 1)[k - 1])
