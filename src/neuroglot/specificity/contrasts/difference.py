"""S minus S of one reference language, or minus the mean of the others."""

from collections.abc import Sequence

import numpy as np

from neuroglot.errors import unknown
from neuroglot.specificity.arrays import Statistic, layer_by_layer, mean_of_others
from neuroglot.specificity.contrasts import CONTRASTS, require_languages


@CONTRASTS.register("difference")
def difference(statistic: Statistic, languages: Sequence[str], *, reference: str | None = None) -> Statistic:
    """S_L − S_reference, or S_L − mean of the other languages when ``reference`` is None.

    The reference itself has nothing to be compared with: its specificity is NaN.

    Raises:
        NeuroglotError: Fewer than 2 languages, or ``reference`` is none of them.
    """
    require_languages("difference", languages, 2, "there is nothing to subtract")
    if reference is not None and reference not in languages:
        raise unknown("language", reference, languages, "contrast 'difference': reference")
    if reference is None:
        return layer_by_layer(lambda layer: layer - mean_of_others(layer), statistic)
    specificity: Statistic = statistic - statistic[languages.index(reference)]
    specificity[languages.index(reference)] = np.nan
    return specificity
