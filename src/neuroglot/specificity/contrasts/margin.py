"""S minus the largest S among the other languages: positive only where no other needs the neuron as much."""

from collections.abc import Sequence

import numpy as np

from neuroglot.specificity.arrays import Statistic, layer_by_layer
from neuroglot.specificity.contrasts import CONTRASTS, require_languages


@CONTRASTS.register("margin")
def margin(statistic: Statistic, languages: Sequence[str]) -> Statistic:
    """S_L − max of the other languages' S.

    Raises:
        NeuroglotError: Fewer than 2 languages.
    """
    require_languages("margin", languages, 2, "there is no other to compare with")
    return layer_by_layer(_margin, statistic)


def _margin(statistic: Statistic) -> Statistic:
    second, first = np.partition(statistic, -2, axis=0)[-2:]
    # The largest rival of the leader is the runner-up; everybody else's is the leader.
    specificity: Statistic = statistic - np.where(statistic == first, second, first)
    return specificity
