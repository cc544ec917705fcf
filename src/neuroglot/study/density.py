"""How a language's most specific neurons respond to every sentence (Le et al. 2026, Fig. 2)."""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from neuroglot.statistics.bank import ScoreBank
from neuroglot.study.recipe import Recipe

logger = logging.getLogger(__name__)

SHOWN = 3
"""Neurons of each language whose responses are kept."""

COLUMNS = ["recipe", "target", "language", "layer", "neuron", "value"]


def density(bank: ScoreBank, recipes: Sequence[Recipe]) -> pd.DataFrame:
    """Every sample's score at each language's most specific neurons, in that language and in the others.

    Args:
        bank: With the score of every sample; of a streamed one nothing can be said.
        recipes: The first by relevance is asked, as in the paper, or else the first.

    Returns:
        `COLUMNS`; each language's most specific neuron comes first.
    """
    by_relevance = [recipe for recipe in recipes if recipe.score.name == "relevance"]
    recipe = (by_relevance or list(recipes))[0]
    if any(shard.attrs.get("unit") for shard in bank.shards):
        logger.warning("the bank was streamed: the density of single neurons is left out")
        return pd.DataFrame(columns=COLUMNS)
    ranking = recipe.candidates(recipe.statistic(bank), bank)
    layers = bank.layers(recipe.site)
    found = {}
    for target in bank.languages:
        scores = np.nan_to_num(ranking.sel(language=target).values, nan=-np.inf)
        best = np.argsort(scores, axis=None)[::-1][:SHOWN]
        found[target] = list(zip(*np.unravel_index(best, scores.shape), strict=True))
    rows = []
    for language in bank.languages:  # one after the other: all samples of all languages are many
        samples = bank.samples(recipe.quantity, language, recipe.per)[0]
        rows += [
            (recipe.name, target, language, int(layers[place]), int(neuron), float(value))
            for target, best in found.items()
            for place, neuron in best
            for value in samples[:, place, neuron]
        ]
    return pd.DataFrame(rows, columns=COLUMNS)
