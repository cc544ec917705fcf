"""Average precision: how well a neuron's response tells the language's samples from all the others'.

Samples are ranked by response, largest first; with R_n and P_n the recall and precision of "this language"
down to the n-th distinct response, AP = Σ_n (R_n − R_{n−1})·P_n. Equal responses enter together, as in
scikit-learn's ``average_precision_score``, which takes one neuron at a time. Chance is the language's share
of the samples, 1/languages when they are balanced (a little more with few samples); 1 is perfect. A neuron
that is *low* for the language is below chance, which is why Kojima takes both ends (`rules.both_ends`).

Source: Kojima et al. 2024, *On the Multilingual Ability of Decoder-based Pre-trained Language Models*.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from neuroglot.specificity.arrays import Statistic
from neuroglot.specificity.contrasts import SAMPLE_CONTRASTS, require_languages
from neuroglot.specificity.contrasts.blocks import Labels, Responses, SampleScores, in_blocks


@SAMPLE_CONTRASTS.register("average_precision")
def average_precision(scores: SampleScores, languages: Sequence[str]) -> Statistic:
    """AP of each neuron's response as a detector of each language against all the others.

    Raises:
        NeuroglotError: Fewer than 2 languages.
    """
    require_languages("average_precision", languages, 2, "there is nothing to tell it from")
    return in_blocks(_average_precision, scores)


def _average_precision(responses: Responses, labels: Labels) -> Float[np.ndarray, "language neuron"]:
    order = np.argsort(-responses, axis=1)
    ranked = np.take_along_axis(responses, order, axis=1)
    samples = np.arange(responses.shape[1])
    # The last place of each run of equal responses: all of a run enter when its last one does.
    ends = np.full(ranked.shape, samples[-1])
    np.copyto(ends[:, :-1], samples[:-1], where=ranked[:, :-1] != ranked[:, 1:])
    ends = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    ranked_labels = labels[order]
    found = np.empty((labels.max() + 1, len(responses)))
    for language, own in enumerate(found):
        hits = ranked_labels == language
        precision = hits.cumsum(axis=1) / (samples + 1)
        own[:] = np.where(hits, np.take_along_axis(precision, ends, axis=1), 0).sum(axis=1)
        own /= (labels == language).sum()
    return found
