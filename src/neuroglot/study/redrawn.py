"""Would the same neurons be chosen again: on other halves of the documents, redrawn ones, or other text?"""

import logging
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Int

from neuroglot.errors import NeuroglotError
from neuroglot.neurons import NeuronSet
from neuroglot.statistics.bank import ScoreBank
from neuroglot.study.jaccard import expected_jaccard, jaccard
from neuroglot.study.recipe import Recipe
from neuroglot.study.sections import Sets
from neuroglot.study.steps import select

logger = logging.getLogger(__name__)

ByRecipe = Mapping[str, Sets]


def chosen_again(
    bank: ScoreBank,
    recipes: Sequence[Recipe],
    chosen: ByRecipe,
    size: int | float,
    *,
    seed: int,
    redrawn: int,
    other: ScoreBank | None = None,
) -> pd.DataFrame:
    """How alike the sets of selections are that read different text.

    Args:
        bank: What the sets were chosen from.
        recipes: Those that choose from a bank alone; no search.
        chosen: Recipe → its sets.
        size: The budget.
        seed: Of the draws.
        redrawn: How many times documents are redrawn with replacement.
        other: What the recipes need of another corpus.

    Returns:
        A row a recipe, kind and language (and redraw): ``jaccard``, and ``chance``, its mean over random sets
        of the same sizes. ``split_half`` compares two halves of the documents; ``bootstrap`` redrawn
        documents, and ``other_corpus`` other text, with all documents.
    """
    rows = []
    for kind, one, two in _pairs(bank, recipes, chosen, size, seed, redrawn, other):
        for recipe in recipes:
            if recipe.name in one and recipe.name in two:
                for language, first in one[recipe.name].items():
                    second = two[recipe.name][language]
                    neurons = len(bank.layers(recipe.site)) * first.shape[1]
                    chance = expected_jaccard(len(first), len(second), neurons)
                    rows.append((recipe.name, kind, language, jaccard(first, second), chance))
    found = pd.DataFrame(rows, columns=["recipe", "kind", "language", "jaccard", "chance"])
    order = [recipe.name for recipe in recipes]
    return found.sort_values("recipe", key=lambda names: names.map(order.index), kind="stable")


def draws(bank: ScoreBank, seed: int, redrawn: int) -> list[np.ndarray]:
    """The bank's documents in a random order, then redrawn with replacement."""
    draw, documents = np.random.default_rng(seed), _documents(bank)
    again = [draw.choice(documents, len(documents)) for _ in range(redrawn)]
    return [draw.permutation(documents), *again]


def of_documents(bank: ScoreBank, documents: np.ndarray) -> ScoreBank:
    """The bank of these documents, each as often as it is named."""

    def rows(dataset: xr.Dataset) -> Int[np.ndarray, " row"]:
        own = np.array(dataset["document"].values.tolist())
        found: np.ndarray = np.concatenate([np.flatnonzero(own == name) for name in documents])
        return found

    shards = []
    for shard in bank.shards:
        sites = {site: node.to_dataset() for site, node in shard.children.items()}
        tree = xr.DataTree.from_dict({site: one.isel(sample=rows(one)) for site, one in sites.items()})
        tree.attrs.update(shard.attrs)
        shards.append(tree)
    return ScoreBank(tuple(shards))


def _pairs(
    bank: ScoreBank,
    recipes: Sequence[Recipe],
    chosen: ByRecipe,
    size: int | float,
    seed: int,
    redrawn: int,
    other: ScoreBank | None,
) -> Iterator[tuple[str, ByRecipe, ByRecipe]]:
    """Kind, and the two selections that are compared."""
    if any(shard.attrs.get("unit") for shard in bank.shards):
        logger.warning("the bank was streamed: stability over halves and redrawn documents is left out")
    else:
        mixed, *again = draws(bank, seed, redrawn)
        first, second = (
            _select(of_documents(bank, half), recipes, size) for half in (mixed[::2], mixed[1::2])
        )
        yield "split_half", first, second
        for documents in again:  # one at a time: each is as large as the bank itself
            yield "bootstrap", chosen, _select(of_documents(bank, documents), recipes, size)
    if other is not None:
        yield "other_corpus", chosen, _select(other, recipes, size)


def _select(bank: ScoreBank, recipes: Sequence[Recipe], size: int | float) -> dict[str, dict[str, NeuronSet]]:
    """What every recipe chooses from another bank; without those that cannot."""
    found = {}
    for recipe in recipes:
        try:
            found[recipe.name] = select(bank, recipe, size)
        except NeuroglotError as error:  # half of the sentences may be too few
            logger.warning("stability of %s: left out (%s)", recipe.name, error)
    return found


def _documents(bank: ScoreBank) -> np.ndarray:
    """Every document of the bank, once."""
    names = {
        str(name)
        for shard in bank.shards
        for node in shard.children.values()
        for name in node.dataset["document"].values
    }
    return np.array(sorted(names))
