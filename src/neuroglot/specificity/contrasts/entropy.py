"""LAPE's entropy as a contrast: how unevenly a neuron is spread over the languages.

With p' = p / Σ_L p and H = −Σ_L p' ln p', low H means few languages. It does not say which, so each neuron
goes to the language where its p' is largest. A neuron that hardly ever fires has a low H by accident; LAPE's
filter leaves out those that no language uses more than it uses the ``filter_rate`` share of all (neuron,
language) pairs.

Source: Tang et al. 2024 (LAPE), its entropy and filter; with a budget, this is the recipe ``lape_budget``.
"""

from collections.abc import Sequence

import numpy as np

from neuroglot.specificity.arrays import Statistic, layer_by_layer
from neuroglot.specificity.contrasts import CONTRASTS, require_languages, require_non_negative
from neuroglot.specificity.lape import kth_smallest, language_entropy


@CONTRASTS.register("entropy")
def entropy(statistic: Statistic, languages: Sequence[str], *, filter_rate: float = 0.95) -> Statistic:
    """−H in the language where the neuron's p' is largest (in all of them on a tie), NaN elsewhere.

    Args:
        statistic: p, never negative; LAPE's is the share of tokens with an activation above 0.
        languages: Their names.
        filter_rate: τ is the round(filter_rate·n)-th smallest of all n values of p; neurons without a p > τ
            are NaN.

    Raises:
        NeuroglotError: Fewer than 2 languages, a negative p, or a filter rate outside (0, 1].
    """
    require_languages("entropy", languages, 2, "over one, every entropy is 0")
    require_non_negative("entropy", statistic)
    threshold = kth_smallest(statistic[~np.isnan(statistic)], filter_rate, "filter_rate")

    def of_the_largest(layer: Statistic) -> Statistic:
        # max() is NaN where a language is, and NaN is above nothing.
        largest = layer.max(axis=0)
        return np.where((layer == largest) & (largest > threshold), -language_entropy(layer), np.nan)

    return layer_by_layer(of_the_largest, statistic)
