"""Selection rules of published methods, and filters that narrow a ranking down before it is chosen from.

A rule is a function from arrays to a mask [language, layer, neuron]; a filter one to a specificity in which
NaN marks what may not be chosen. NaN is never chosen. Knowledge Neurons' refinement, the neurons above a
share of prompts, is `selection.threshold` of the statistic ``prompt_share``.
"""

import numpy as np
from jaxtyping import Float

from neuroglot.errors import NeuroglotError
from neuroglot.specificity.arrays import LanguageMask, Statistic, divide
from neuroglot.specificity.selection import budget, neurons_allowed, parse_budget


def both_ends(specificity: Statistic, size: int | float) -> LanguageMask:
    """The k/2 highest and the k/2 lowest neurons of every language; of an odd k one more of the highest.

    A neuron is chosen once: one that both ends reach belongs to the top, and the bottom goes on above it.

    Args:
        specificity: Average precision, low where the neuron is silent for the language.
        size: k, a count (int) or a fraction of all neurons (float).

    Raises:
        NeuroglotError: ``size`` allows no neuron, or more than there are.

    Source: Kojima et al. 2024, top-k and bottom-k by average precision.
    """
    count = neurons_allowed(size, specificity[0].size)
    known = np.where(np.isneginf(specificity), np.nan, specificity)  # −∞ is no candidate for the bottom
    chosen = budget(known, count - count // 2)
    if count > 1:
        chosen |= budget(np.where(chosen, np.nan, -known), count // 2)
    return chosen


def consistent(statistic: Statistic, consistency: float = 1.0) -> LanguageMask:
    """The neurons that lead in enough of the language's samples, but for those that do so in all languages.

    {j : S_L(j) ≥ consistency} without ∩_L {j : S_L(j) ≥ consistency}.

    Args:
        statistic: Share of the language's samples in which the neuron is in its layer's top k (the statistic
            ``topk_share``).
        consistency: The share that is enough; 1 is the paper's.

    Raises:
        NeuroglotError: Fewer than 2 languages, or a consistency outside (0, 1].

    Source: Zhao et al. 2024 (PLND).
    """
    if not 0 < consistency <= 1:
        raise NeuroglotError(f"consistency must be above 0 and at most 1, not {consistency}")
    _require_two(statistic, "consistent", "every neuron of the one is a neuron of all")
    leading = statistic >= consistency
    specific: LanguageMask = leading & ~leading.all(axis=0)
    return specific


def culnig(
    scores: Statistic,
    control: Statistic,
    *,
    share: float = 0.003,
    control_share: float = 0.01,
    least_z: float = 0.5,
) -> LanguageMask:
    """CULNIG's group-specific neurons: those of `culnig_general` that stand out among the languages.

    1. The top ``share`` of all neurons, by the language's own score.
    2. Less the top ``control_share`` on the second control task.
    3. Of these, the ones with z = (S_L − μ)/σ ≥ ``least_z``, μ and σ over languages. σ is that of the
       population (ddof 0): the languages of the study are all there are, no sample of more. A neuron that is
       equal in all languages has z = 0; over two languages z is ±1, so that the larger one passes.

    Args:
        scores: What the method ranks by: the score on the task less that on the first control.
        control: The score on the second control.
        share: Of all neurons. To pool the neurons of several sites, lay them side by side in one array
            [language, 1, neuron].
        control_share: Of all neurons.
        least_z: Lowest z.

    Raises:
        NeuroglotError: Fewer than 2 languages, arrays of different shapes, or a share that allows no neuron.

    Source: CULNIG 2025 (METHODS §4).
    """
    _require_two(scores, "culnig", "a z over one says nothing")
    # Measured from the minimum, equal values have a spread of exactly 0 (see `scales`).
    above = scores - scores.min(axis=0)
    z = divide(above - above.mean(axis=0), above.std(axis=0))
    chosen = culnig_general(scores, control, share=share, control_share=control_share)
    specific: LanguageMask = chosen & (z >= least_z)
    return specific


def culnig_general(
    scores: Statistic, control: Statistic, *, share: float = 0.01, control_share: float = 0.01
) -> LanguageMask:
    """The top ``share`` of each language's neurons less the top ``control_share`` on the second control.

    For CULNIG's one general set give the mean over languages as the only one, of each site alone (1 % of the
    gates, 0.2 % of queries, keys and values). Arguments, errors and source are those of `culnig`.
    """
    if scores.shape != control.shape:
        raise NeuroglotError(f"culnig: scores are {scores.shape} and the control is {control.shape}")
    chosen: LanguageMask = _top(scores, share, "share") & ~_top(control, control_share, "control_share")
    return chosen


def among(specificity: Statistic, filter_specificity: Statistic, keep: int | float) -> Statistic:
    """The specificity of the neurons that another, cheaper ranking puts first; NaN for all others.

    Args:
        specificity: What is chosen by in the end.
        filter_specificity: The other ranking, of the same shape.
        keep: How many of its best neurons each language keeps: a count (int) or a share of all (float).

    Raises:
        NeuroglotError: Arrays of different shapes, or a ``keep`` that allows no neuron or more than there
            are.
    """
    if specificity.shape != filter_specificity.shape:
        raise NeuroglotError(
            f"among: the specificity is {specificity.shape} and the filter {filter_specificity.shape}"
        )
    return np.where(budget(filter_specificity, keep), specificity, np.nan)


def among_layers(
    specificity: Statistic, layer_score: Float[np.ndarray, "language layer"], keep: int | float
) -> Statistic:
    """The specificity of the neurons in each language's highest-scoring layers; NaN in the others.

    Args:
        specificity: What is chosen by in the end.
        layer_score: For example the norm of the gradient at the residual stream; of equal layers the first.
        keep: How many layers: a count (int) or a share of them (float).

    Raises:
        NeuroglotError: ``keep`` allows no layer, or more than there are, or the shapes do not fit.
    """
    languages, layers, _ = specificity.shape
    if layer_score.shape != (languages, layers):
        raise NeuroglotError(
            f"among_layers: {layers} layers of {languages} languages need as many scores, "
            f"not {layer_score.shape}"
        )
    keep = parse_budget(keep)
    count = keep if isinstance(keep, int) else round(keep * layers)
    if not 1 <= count <= layers:
        raise NeuroglotError(f"among_layers: {keep} of {layers} layers is {count}, not 1 to {layers}")
    return np.where(budget(layer_score[:, :, None], count), specificity, np.nan)


def _top(scores: Statistic, share: float, name: str) -> LanguageMask:
    try:
        return budget(scores, float(share))
    except NeuroglotError as error:
        raise NeuroglotError(str(error), f"culnig: {name}") from None


def _require_two(statistic: Statistic, name: str, why: str) -> None:
    if len(statistic) < 2:
        raise NeuroglotError(f"selection rule {name!r} needs at least 2 languages: {why}")
