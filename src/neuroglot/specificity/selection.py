"""Selection: from specificity to the neurons of each language, under an equal budget or over a threshold.

NaN and −∞ are never chosen. Whatever a language cannot spend of its budget stays unspent: the mask then
simply holds fewer neurons than asked, and filling it up with neurons that did not qualify would only blur the
result.
"""

import numpy as np
from jaxtyping import Bool, Float64, Int

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.specificity.arrays import LanguageMask, Statistic

SHARED = ("allow", "exclusive")


def budget(
    specificity: Statistic,
    size: int | float,
    *,
    per_layer: bool = False,
    shared: str = "allow",
) -> LanguageMask:
    """The most specific neurons of every language, the same number for each.

    Args:
        specificity: [language, layer, neuron]; equal values are chosen in (layer, neuron) order.
        size: Neurons allowed a language: a count (int) or a fraction of all neurons (float).
        per_layer: Spread the budget evenly over the layers, the first ones taking the remainder, instead of
            letting layers compete.
        shared: Whether a neuron may belong to several languages. ``exclusive`` leaves it to the language in
            which it is most specific (the first of several equals), and the others choose from the rest.

    Raises:
        NeuroglotError: The budget is 0, over 100 %, or larger than the model; or an unknown ``shared``.
    """
    if shared not in SHARED:
        raise unknown("option", shared, SHARED, "selection: shared")
    _, layers, width = specificity.shape
    count = neurons_allowed(size, layers * width)
    quota = count // layers + (np.arange(layers) < count % layers) if per_layer else [count]
    owner = _owners(specificity) if shared == "exclusive" else None
    chosen = np.zeros(specificity.shape, dtype=bool)
    for language, scores in enumerate(specificity):
        candidates = np.where(np.isnan(scores), -np.inf, scores)
        if owner is not None:
            candidates[owner != language] = -np.inf
        rows = candidates.reshape(len(quota), -1)
        chosen[language] = np.stack(list(map(_highest, rows, quota))).reshape(layers, width)
    return chosen


def _highest(scores: Float64[np.ndarray, " neuron"], count: int) -> Bool[np.ndarray, " neuron"]:
    """The ``count`` highest, of equal ones the first, and none that is −∞."""
    if count == 0:
        return np.zeros(len(scores), dtype=bool)
    # The lowest that is still chosen: a partition finds it in a tenth of the time of a sort.
    last = np.partition(scores, len(scores) - count)[len(scores) - count]
    chosen: Bool[np.ndarray, " neuron"] = scores > last
    if last > -np.inf:
        chosen[np.flatnonzero(scores == last)[: count - np.count_nonzero(chosen)]] = True
    return chosen


def _owners(specificity: Statistic) -> Int[np.ndarray, "layer neuron"]:
    """The language in which each neuron is most specific, the first of several equals."""
    layers = (specificity[:, layer] for layer in range(specificity.shape[1]))
    return np.stack([np.where(np.isnan(layer), -np.inf, layer).argmax(axis=0) for layer in layers])


def threshold(specificity: Statistic, value: float) -> LanguageMask:
    """Every neuron whose specificity is strictly above ``value``; sizes differ between languages.

    Raises:
        NeuroglotError: ``value`` is NaN.
    """
    if np.isnan(value):
        raise NeuroglotError("a threshold must be a number, not NaN")
    above: LanguageMask = specificity > value
    return above


def neurons_allowed(size: int | float | str, total: int) -> int:
    """How many of ``total`` neurons a budget allows.

    Raises:
        NeuroglotError: It allows none, or more than there are.
    """
    size = parse_budget(size)
    count = size if isinstance(size, int) else round(size * total)
    if count == 0:
        raise NeuroglotError(f"a budget of {size:.4%} is less than one of {total} neurons")
    if count > total:
        raise NeuroglotError(f"a budget of {count} neurons is more than the {total} there are")
    return count


def parse_budget(size: int | float | str) -> int | float:
    """A budget as people write it: ``"1%"``, ``"0.5 %"``, ``0.01``, ``368``.

    Returns:
        A count of neurons (int, at least 1) or a fraction of all neurons (float, above 0 and at most 1).

    Raises:
        NeuroglotError: It is no budget, is not above 0, or is over 100 %.
    """
    try:
        if isinstance(size, bool):
            raise ValueError
        if not isinstance(size, str):
            number = size
        elif size.strip().endswith("%"):
            number = float(size.strip().removesuffix("%")) / 100
        else:
            number = int(size) if size.strip().isdigit() else float(size)
    except ValueError:
        raise NeuroglotError(f"budget {size!r} is neither a share ('1%', 0.01) nor a count (368)") from None
    if not number > 0:
        raise NeuroglotError(f"budget {size!r}: a budget must be above 0")
    if isinstance(number, float) and number > 1:
        raise NeuroglotError(f"budget {size!r}: over 100 % of the neurons (a count has no decimal point)")
    return number
