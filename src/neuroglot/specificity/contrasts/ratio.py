"""S as a multiple of the mean of the other languages."""

from collections.abc import Sequence

from neuroglot.specificity.arrays import Statistic, layer_by_layer, mean_of_others
from neuroglot.specificity.contrasts import CONTRASTS, require_languages, require_non_negative


@CONTRASTS.register("ratio")
def ratio(statistic: Statistic, languages: Sequence[str], *, epsilon: float = 1e-12) -> Statistic:
    """(S_L + ε) / (S₀ + ε), S₀ = mean of the other languages' S.

    Args:
        statistic: S, never negative: a quotient of signed numbers orders nothing.
        languages: Their names.
        epsilon: In units of S; raise it to the size below which S is noise, or neurons that hardly do
            anything in any language win.

    Raises:
        NeuroglotError: Fewer than 2 languages, or a negative S.
    """
    require_languages("ratio", languages, 2, "there is nothing to divide by")
    require_non_negative("ratio", statistic)
    return layer_by_layer(lambda layer: (layer + epsilon) / (mean_of_others(layer) + epsilon), statistic)
