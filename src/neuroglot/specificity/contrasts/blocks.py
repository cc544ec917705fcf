"""All languages' samples of a few neurons at a time, for contrasts that read samples."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from jaxtyping import Float, Int

from neuroglot.specificity.arrays import Statistic

SampleScores = Sequence[Float[np.ndarray, "_ layer neuron"]]
"""The scores of every language's samples [sample, layer, neuron], an array a language."""

Responses = Float[np.ndarray, "neuron sample"]
"""Some neurons' scores of the samples of all languages."""

Labels = Int[np.ndarray, " sample"]
"""The language of each sample, by number."""

VALUES = 2**21
"""Numbers a block: a formula's dozen temporaries of that size are 16 MB each."""


def in_blocks(
    formula: Callable[[Responses, Labels], Float[np.ndarray, "language neuron"]],
    scores: SampleScores,
    values: int = 1,
) -> Statistic:
    """A formula on neurons that do not look at each other, at a block of them in turn.

    A neuron with an unknown (NaN) score in any sample is NaN in every language.

    Args:
        formula: (responses, language of each sample) → specificity.
        scores: An array a language.
        values: What a temporary of the formula holds a neuron, where that is more than one a sample.
    """
    labels = np.repeat(np.arange(len(scores)), [len(own) for own in scores])
    layers, width = scores[0].shape[1:]
    step = max(VALUES // max(len(labels), values), 1)
    found = np.empty((len(scores), layers, width))
    for layer, first in product(range(layers), range(0, width, step)):
        block = slice(first, first + step)
        responses = np.concatenate([own[:, layer, block].T for own in scores], axis=1)
        unknown = np.isnan(responses).any(axis=1)
        specificity = formula(np.where(unknown[:, None], 0.0, responses), labels)
        found[:, layer, block] = np.where(unknown, np.nan, specificity)
    return found
