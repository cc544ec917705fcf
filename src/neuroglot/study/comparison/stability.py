"""Would the same neurons be chosen again: on other halves, documents, text, under other thresholds?"""

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Int

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Mask
from neuroglot.evaluation.tables import tabulate
from neuroglot.intervention.kinds import Intervention
from neuroglot.neurons import NeuronSet
from neuroglot.statistics.bank import ScoreBank
from neuroglot.study.comparison.comparing import Comparing, Frames, Sets
from neuroglot.study.comparison.overlap import jaccard
from neuroglot.study.recipe import Recipe
from neuroglot.study.steps import score, select

logger = logging.getLogger(__name__)


def stability(comparing: Comparing) -> Frames:
    """Frames ``stability`` (a row a recipe, kind and language) and ``thresholds``."""
    comparison = comparing.comparison
    bank, draw = comparing.run.bank, np.random.default_rng(comparison.seed)
    recipes = [recipe for recipe in comparison.recipes if not recipe.searched]
    rows = []
    documents = _documents(bank)
    mixed = draw.permutation(documents)
    halves = [_of_documents(bank, half) for half in (mixed[::2], mixed[1::2])]
    redrawn = [
        _of_documents(bank, draw.choice(documents, len(documents))) for _ in range(comparison.compare.redrawn)
    ]
    other = _other(comparing, recipes)
    pairs: list[tuple[str, Sets, Sets]]
    for recipe in recipes:
        own = comparing.chosen(recipe)
        first, second = (_selected(half, recipe, comparing.size) for half in halves)
        pairs = [("split_half", first, second)]
        pairs += [("bootstrap", own, _selected(again, recipe, comparing.size)) for again in redrawn]
        if other is not None:
            pairs.append(("other_corpus", own, _selected(other, recipe, comparing.size)))
        for kind, first, second in pairs:
            if first and second:
                rows += [
                    (recipe.name, kind, language, jaccard(first[language], second[language]))
                    for language in comparing.languages
                ]
    return {
        "stability": pd.DataFrame(rows, columns=["recipe", "kind", "language", "jaccard"]),
        "thresholds": _thresholds(comparing),
    }


def _selected(bank: ScoreBank, recipe: Recipe, size: int | float) -> Mapping[str, NeuronSet]:
    try:
        return select(bank, recipe, size)
    except NeuroglotError as error:  # half of the sentences may be too few
        logger.warning("stability of %s: left out (%s)", recipe.name, error)
        return {}


def _documents(bank: ScoreBank) -> np.ndarray:
    """Every document of the bank, once."""
    names = {
        str(name)
        for shard in bank.shards
        for node in shard.children.values()
        for name in node.dataset["document"].values
    }
    return np.array(sorted(names))


def _of_documents(bank: ScoreBank, documents: np.ndarray) -> ScoreBank:
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


def _other(comparing: Comparing, recipes: list[Recipe]) -> ScoreBank | None:
    """The bank of another corpus, if the comparison names one."""
    text = comparing.comparison.compare.other
    if text is None:
        return None
    corpus = text.parts(comparing.comparison.seed)["identify"]
    folder = comparing.run.folder / "bank" / f"other-{corpus.fingerprint[:16]}"
    return score(comparing.run.model, corpus, recipes, folder=folder, track=comparing.run.track)


def _thresholds(comparing: Comparing) -> pd.DataFrame:
    """CRANE's own rule: kurtosis above a threshold, in z-scores of its layer."""
    columns = ["threshold", "language", "size", "f1_relative", "collateral_mean", "jaccard"]
    crane = next(
        (
            recipe
            for recipe in comparing.comparison.recipes
            if recipe.samples.name == "kurtosis"
            and recipe.scale.layer == "z"
            and recipe.contrast.name == "none"
        ),
        None,
    )
    if crane is None:
        return pd.DataFrame(columns=columns)
    sets = {}
    for value in sorted({1.0, *comparing.comparison.compare.thresholds}):
        rule = {"rule": "threshold", "value": value}
        swept = Recipe.model_validate(crane.model_dump(mode="json") | {"name": "swept", "select": rule})
        sets[value] = select(comparing.run.bank, swept, comparing.size)
    acts = [
        (
            Mask(f"threshold {value} {language}", "recipe", f"{value}", "zero", language, len(own)),
            Intervention(own),
        )
        for value, by_language in sets.items()
        for language, own in by_language.items()
    ]
    table = tabulate(comparing.measured(acts), resamples=100, seed=comparing.comparison.seed).langspec
    table = table[table["kind"] == "recipe"]
    rows = [
        (
            float(row["recipe"]),
            row["language"],
            row["size"],
            row["f1_relative"],
            row["collateral_mean"],
            jaccard(sets[float(row["recipe"])][row["language"]], sets[1.0][row["language"]]),
        )
        for _, row in table.iterrows()
    ]
    return pd.DataFrame(rows, columns=columns)
