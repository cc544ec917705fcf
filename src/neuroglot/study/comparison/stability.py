"""Would the same neurons be chosen again: on other halves, documents, text, under other thresholds?"""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Int

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Mask
from neuroglot.evaluation.tables import tabulate
from neuroglot.intervention.kinds import Intervention
from neuroglot.statistics.bank import ScoreBank
from neuroglot.study.comparison.comparing import Comparing
from neuroglot.study.comparison.overlap import jaccard
from neuroglot.study.recipe import Recipe
from neuroglot.study.sections import Frames, Sets
from neuroglot.study.steps import score, select

logger = logging.getLogger(__name__)


def stability(comparing: Comparing) -> Frames:
    """Frames ``stability`` (a row a recipe, kind and language) and ``thresholds``."""
    bank = comparing.run.bank
    recipes = [recipe for recipe in comparing.comparison.recipes if not recipe.searched]
    own = {recipe.name: comparing.chosen(recipe) for recipe in recipes}
    pairs: list[tuple[str, Mapping[str, Sets], Mapping[str, Sets]]] = []
    if any(shard.attrs.get("unit") for shard in bank.shards):
        logger.warning("the bank was streamed: stability over halves and redrawn documents is left out")
    else:
        mixed, *redrawn = _draws(bank, comparing)
        first, second = (_again(comparing, _of_documents(bank, half)) for half in (mixed[::2], mixed[1::2]))
        pairs = [("split_half", first, second)]
        # One at a time: each is as large as the bank itself.
        pairs += [("bootstrap", own, _again(comparing, _of_documents(bank, one))) for one in redrawn]
    other = _other(comparing, recipes)
    if other is not None:
        pairs.append(("other_corpus", own, _again(comparing, other)))
    rows = [
        (recipe, kind, language, jaccard(one[recipe][language], two[recipe][language]))
        for recipe in own
        for kind, one, two in pairs
        if recipe in one and recipe in two
        for language in comparing.languages
    ]
    return {
        "stability": pd.DataFrame(rows, columns=["recipe", "kind", "language", "jaccard"]),
        "thresholds": _thresholds(comparing),
    }


def swept_threshold(recipes: Sequence[Recipe]) -> Recipe | None:
    """CRANE, or what ranks by the same numbers."""
    for recipe in recipes:
        if (recipe.samples.name, recipe.scale.layer, recipe.contrast.name) == ("kurtosis", "z", "none"):
            return recipe
    return None


def _again(comparing: Comparing, bank: ScoreBank) -> dict[str, Sets]:
    """What every recipe chooses from another bank; without those that cannot."""
    found: dict[str, Sets] = {}
    for recipe in comparing.comparison.recipes:
        if not recipe.searched:
            try:
                found[recipe.name] = select(bank, recipe, comparing.size)
            except NeuroglotError as error:  # half of the sentences may be too few
                logger.warning("stability of %s: left out (%s)", recipe.name, error)
    return found


def _draws(bank: ScoreBank, comparing: Comparing) -> list[np.ndarray]:
    """The bank's documents in a random order, then redrawn with replacement."""
    draw, documents = np.random.default_rng(comparing.comparison.seed), _documents(bank)
    again = [draw.choice(documents, len(documents)) for _ in range(comparing.comparison.compare.redrawn)]
    return [draw.permutation(documents), *again]


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
    crane = swept_threshold(comparing.comparison.recipes)
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
