"""Moderated z-score over languages.

Over few languages the plain z = (S − μ)/σ is degenerate: with 2 all |z| are equal, with 3 it never passes
1.15, and it is the neurons with next to no spread, hence next to no effect, that reach the cap. Adding the
layer's median spread σ₀ to the denominator asks for an effect that is large for its layer too.
"""

from collections.abc import Sequence

import numpy as np

from neuroglot.specificity.arrays import Statistic, divide, empty_slices, layer_by_layer
from neuroglot.specificity.contrasts import CONTRASTS, require_languages


@CONTRASTS.register("zscore")
def zscore(statistic: Statistic, languages: Sequence[str]) -> Statistic:
    """(S_L − μ) / (σ + σ₀): μ, σ over languages (ddof 1), σ₀ the median σ of the neuron's layer.

    A neuron that is equal in all languages has specificity 0.

    Raises:
        NeuroglotError: Fewer than 3 languages.
    """
    require_languages("zscore", languages, 3, "over two, every neuron's plain |z| is the same")
    return layer_by_layer(_moderated, statistic)


def _moderated(statistic: Statistic) -> Statistic:
    # Measured from the minimum, equal values have a spread of exactly 0 (see `scales`).
    above = statistic - statistic.min(axis=0)
    spread = above.std(axis=0, ddof=1)
    with empty_slices():
        typical = np.nanmedian(spread, axis=1, keepdims=True)
    return divide(above - above.mean(axis=0), spread + typical)
