"""S minus S of one reference language, or minus the mean of the others."""

from collections.abc import Sequence

import numpy as np

from neuroglot.errors import unknown
from neuroglot.specificity.arrays import Statistic, layer_by_layer, mean_of_others
from neuroglot.specificity.contrasts import CONTRASTS, require_languages

FIRST = "first"
"""Stands for the first language of the study, whichever it is."""


@CONTRASTS.register("difference")
def difference(statistic: Statistic, languages: Sequence[str], *, reference: str | None = None) -> Statistic:
    """S_L − S_reference, or S_L − mean of the other languages when ``reference`` is None.

    The reference itself has nothing to be compared with: its specificity is NaN.

    Args:
        statistic: S.
        languages: Their names.
        reference: One of them, or ``"first"``.

    Raises:
        NeuroglotError: Fewer than 2 languages, or ``reference`` is none of them.
    """
    require_languages("difference", languages, 2, "there is nothing to subtract")
    if reference is None:
        return layer_by_layer(lambda layer: layer - mean_of_others(layer), statistic)
    if reference not in (FIRST, *languages):
        raise unknown("language", reference, (FIRST, *languages), "contrast 'difference': reference")
    place = 0 if reference == FIRST else languages.index(reference)
    specificity: Statistic = statistic - statistic[place]
    specificity[place] = np.nan
    return specificity
