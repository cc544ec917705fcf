"""Overlap: how much of a neuron's response distribution the language shares with the others.

1. The range of a neuron's responses, over all languages, is cut into equal bins.
2. P_b is the share of the language's samples in bin b; Q_b the mean of the other languages' shares, so that
   a language with more samples does not count for more.
3. overlap = Σ_b min(P_b, Q_b), from 0 (apart) to 1 (alike); the specificity is 1 − overlap.
4. Best split: a neuron goes to the language that stands apart most, and to no other.

It sees any difference, also a lower response, and of spread as well as of level. The paper counts tokens in
400 bins; we count samples, whose responses are already reduced over tokens, and samples are few: with more
bins than samples any two languages would look apart. So 20 bins, unless there are thousands of samples.

Source: DLN 2026 (METHODS §4).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from neuroglot.errors import NeuroglotError
from neuroglot.specificity.arrays import Statistic
from neuroglot.specificity.contrasts import SAMPLE_CONTRASTS, require_languages
from neuroglot.specificity.contrasts.blocks import Labels, Responses, SampleScores, in_blocks


@SAMPLE_CONTRASTS.register("overlap")
def overlap(
    scores: SampleScores, languages: Sequence[str], *, bins: int = 20, best_split: bool = True
) -> Statistic:
    """1 − Σ_b min(P_b, Q_b).

    Args:
        scores: An array [sample, layer, neuron] a language.
        languages: Their names.
        bins: Of each neuron's range of responses.
        best_split: Only the language with the least overlap (all of them on a tie, as between two languages,
            whose overlap is mutual) keeps the neuron; NaN in the others.

    Raises:
        NeuroglotError: Fewer than 2 languages, fewer than 2 bins, or a ``best_split`` that is not true or
            false.
    """
    require_languages("overlap", languages, 2, "there is nothing to overlap with")
    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 2:
        raise NeuroglotError(f"contrast 'overlap': bins must be a whole number of at least 2, not {bins!r}")
    if not isinstance(best_split, bool):
        raise NeuroglotError(f"contrast 'overlap': best_split must be true or false, not {best_split!r}")
    specificity = in_blocks(
        lambda responses, labels: _apart(responses, labels, bins), scores, values=len(languages) * bins
    )
    if best_split:
        specificity[specificity < specificity.max(axis=0)] = np.nan
    return specificity


def _apart(responses: Responses, labels: Labels, bins: int) -> Float[np.ndarray, "language neuron"]:
    lowest = responses.min(axis=1, keepdims=True)
    width = responses.max(axis=1, keepdims=True) - lowest
    places = (responses - lowest) / np.where(width == 0, 1.0, width) * bins
    neurons = len(responses)
    # The largest response belongs to the last bin; each neuron counts in bins of its own.
    flat = places.astype(np.int64).clip(max=bins - 1) + np.arange(neurons)[:, None] * bins
    shares = np.stack(
        [
            np.bincount(flat[:, labels == language].ravel(), minlength=neurons * bins)
            / np.count_nonzero(labels == language)
            for language in range(labels.max() + 1)
        ]
    )
    # Σ of all less the own would leave rounding errors, which break the ties of two languages.
    before, after = shares.cumsum(axis=0), shares[::-1].cumsum(axis=0)[::-1]
    others = np.zeros_like(shares)
    others[1:] += before[:-1]
    others[:-1] += after[1:]
    common = np.minimum(shares, others / (len(shares) - 1))
    return np.asarray(1 - common.reshape(len(shares), neurons, bins).sum(axis=2))
