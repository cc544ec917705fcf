"""No contrast: a neuron is specific to a language if it matters to it, whatever it does for the others.

Source: Le et al. 2026 (CRANE), which thresholds each language's own kurtosis.
"""

from collections.abc import Sequence

from neuroglot.specificity.arrays import Statistic
from neuroglot.specificity.contrasts import CONTRASTS


@CONTRASTS.register("none")
def none(statistic: Statistic, languages: Sequence[str]) -> Statistic:
    """S itself."""
    return statistic
