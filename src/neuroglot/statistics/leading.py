"""Statistics of a neuron's place among the others: in what share of the samples it is one that leads.

They compare the neurons of one sample with each other, so the sample's length and loss do not matter.
"""

import numpy as np
from jaxtyping import Float

from neuroglot.statistics.language import OfLayer, PerNeuron, Scores, layer_by_layer, sample_statistic


@sample_statistic("topk_share")
def topk_share(scores: Scores, units: np.ndarray, *, share: float = 0.05) -> PerNeuron:
    """The share of samples in which the neuron is in its layer's top ``share`` by score.

    Of w neurons the top is exactly round(share·w), at least 1; of equal scores the first neurons.

    Source: Zhao et al. 2024 (PLND), consistency over a language's documents.
    """
    width = scores.shape[2]
    top = max(round(share * width), 1)

    def of_layer(layer: OfLayer) -> Float[np.ndarray, " neuron"]:
        last = np.partition(layer, width - top, axis=1)[:, width - top, None]
        above, level = layer > last, layer == last
        left = top - above.sum(axis=1, keepdims=True)
        leads = above | (level & (level.cumsum(axis=1) <= left))
        return np.asarray(leads.mean(axis=0))

    return layer_by_layer(of_layer, scores)


@sample_statistic("prompt_share")
def prompt_share(scores: Scores, units: np.ndarray, *, of_max: float = 0.3) -> PerNeuron:
    """The share of samples in which the score is above ``of_max`` × the largest of all the sample's neurons.

    A sample without a positive score counts for no neuron.

    Source: Dai et al. 2022 (Knowledge Neurons), coarse threshold and refinement over prompts.
    """
    bar = of_max * scores.max(axis=(1, 2))[:, None]
    return layer_by_layer(lambda layer: (layer > bar).mean(axis=0), scores)
