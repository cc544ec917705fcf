"""Which recipes choose the same neurons, which languages share them, and how single neurons respond."""

import logging
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

from neuroglot.neurons import NeuronSet
from neuroglot.study.comparison.comparing import Comparing
from neuroglot.study.jaccard import jaccard
from neuroglot.study.sections import Frames

logger = logging.getLogger(__name__)

SHOWN = 3
"""Neurons of each language whose responses are kept."""


def overlap(comparing: Comparing) -> Frames:
    """Frames ``recipe_overlap``, ``language_overlap`` and ``density``."""
    sets = {recipe.name: comparing.chosen(recipe) for recipe in comparing.comparison.recipes}
    between = [
        (
            one,
            two,
            float(np.mean([jaccard(sets[one][name], sets[two][name]) for name in comparing.languages])),
        )
        for one, two in combinations_with_replacement(sets, 2)
        if _comparable(sets[one], sets[two])
    ]
    within = [
        (recipe, one, two, (shared := own[one].overlap(own[two])).shared, shared.jaccard)
        for recipe, own in sets.items()
        for one, two in combinations_with_replacement(comparing.languages, 2)
    ]
    return {
        "recipe_overlap": pd.DataFrame(between, columns=["recipe_a", "recipe_b", "jaccard"]),
        "language_overlap": pd.DataFrame(
            within, columns=["recipe", "language_a", "language_b", "shared", "jaccard"]
        ),
        "density": _density(comparing),
    }


def _comparable(first: dict[str, NeuronSet] | object, second: dict[str, NeuronSet] | object) -> bool:
    one, two = (next(iter(sets.values())) for sets in (first, second))  # type: ignore[attr-defined]
    return bool(one.shape == two.shape and one.site.startswith("mlp") and two.site.startswith("mlp"))


def _density(comparing: Comparing) -> pd.DataFrame:
    """Every sample's score at each language's most specific neurons, in that language and in the others."""
    recipes = [recipe for recipe in comparing.comparison.recipes if recipe.score.name == "relevance"]
    recipe = (recipes or comparing.comparison.recipes)[0]
    bank = comparing.run.bank
    columns = ["recipe", "target", "language", "layer", "neuron", "value"]
    if any(shard.attrs.get("unit") for shard in bank.shards):
        logger.warning("the bank was streamed: the density of single neurons is left out")
        return pd.DataFrame(columns=columns)
    ranking = recipe.candidates(recipe.statistic(bank), bank)
    layers = bank.layers(recipe.site)
    rows = []
    responses = {name: bank.samples(recipe.quantity, name, recipe.per)[0] for name in comparing.languages}
    for target in comparing.languages:
        scores = np.nan_to_num(ranking.sel(language=target).values, nan=-np.inf)
        best = np.argsort(scores, axis=None)[::-1][:SHOWN]
        for place, neuron in zip(*np.unravel_index(best, scores.shape), strict=True):
            rows += [
                (recipe.name, target, language, int(layers[place]), int(neuron), float(value))
                for language, samples in responses.items()
                for value in samples[:, place, neuron]
            ]
    return pd.DataFrame(rows, columns=columns)
