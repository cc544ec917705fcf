"""From a recipe's ranking to the sets that a search on the model ends with (rule ``gates``).

The search learns on one part of the identification text and is judged on another; they share no document, and
the text to report on has no part in it.
"""

from pathlib import Path
from typing import Any

import numpy as np

from neuroglot.errors import NeuroglotError
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from neuroglot.objective import samples_of
from neuroglot.progress import Track, silent
from neuroglot.specificity.selection import parse_budget
from neuroglot.statistics.bank import ScoreBank
from neuroglot.study.gates import search_gates
from neuroglot.study.recipe import Recipe
from neuroglot.study.steps import as_sets
from neuroglot.text.corpus import Corpus

VALIDATION = 1 / 3
"""The share of the documents that a search is judged on."""


def search(
    model: LanguageModel,
    bank: ScoreBank,
    recipe: Recipe,
    corpus: Corpus,
    budget: int | float | str = "1%",
    *,
    seed: int = 0,
    folder: Path | None = None,
    track: Track = silent,
) -> tuple[dict[str, NeuronSet], list[dict[str, Any]]]:
    """The sets of a recipe with the rule ``gates``.

    Args:
        model: The model.
        bank: What `score` returned for the recipe.
        recipe: Its ranking is where the search starts.
        corpus: The identification text.
        budget: Neurons a language.
        seed: Which documents the search learns on, and which it is judged on.
        folder: Where its state is kept; a search that was killed goes on from there.
        track: Progress bar.

    Returns:
        Language → set, and the validation curves: a row a language, step and pair of λ and step size.

    Raises:
        NeuroglotError: It is no such recipe, or there are too few documents to divide.
    """
    rule = recipe.searched
    if rule is None:
        raise NeuroglotError(f"recipe {recipe.name!r} chooses from its ranking: there is nothing to search")
    size = parse_budget(budget)
    fewest = min(len(corpus.documents[language]) for language in corpus.languages)
    if fewest < 2:
        raise NeuroglotError(
            f"recipe {recipe.name!r} learns and validates on different documents: it needs 2"
        )
    held = max(1, round(VALIDATION * fewest))
    parts = corpus.split(seed, train=fewest - held, validation=held)
    text = {
        name: samples_of(model, _at_most(parts[name], sentences, seed))
        for name, sentences in (("train", rule.train), ("validation", rule.validation))
    }
    ranking = recipe.candidates(recipe.statistic(bank), bank)
    start = {
        language: np.full((model.layers, ranking.sizes["neuron"]), -np.inf) for language in bank.languages
    }
    layers = list(bank.layers(recipe.site))
    for language, own in start.items():
        own[layers] = np.nan_to_num(ranking.sel(language=language).values, nan=-np.inf)
    found = search_gates(
        model,
        text["train"],
        text["validation"],
        start,
        size,
        site=recipe.site,
        settings=rule.settings,
        folder=folder,
        track=track,
    )
    masks = np.stack([found[language].mask[layers] for language in bank.languages])
    validated = {language: found[language].worth for language in bank.languages}
    sets = as_sets(bank, recipe, masks, size, search={"seed": seed, "worth on validation": validated})
    curves = [{"language": language, **row} for language, one in found.items() for row in one.curve]
    return sets, curves


def _at_most(corpus: Corpus, sentences: int, seed: int) -> Corpus:
    return corpus.take(min(sentences, *(corpus.sentences(language) for language in corpus.languages)), seed)
