"""Would the same neurons be chosen again: on other halves, documents, text, under other thresholds?"""

from collections.abc import Sequence

import pandas as pd

from neuroglot.evaluation.ablation import Mask
from neuroglot.evaluation.tables import tabulate
from neuroglot.intervention.kinds import Intervention
from neuroglot.statistics.bank import ScoreBank
from neuroglot.study.comparison.comparing import Comparing
from neuroglot.study.jaccard import jaccard
from neuroglot.study.recipe import Recipe
from neuroglot.study.redrawn import chosen_again
from neuroglot.study.sections import Frames
from neuroglot.study.steps import score, select


def stability(comparing: Comparing) -> Frames:
    """Frames ``stability`` (a row a recipe, kind and language) and ``thresholds``."""
    comparison = comparing.comparison
    recipes = [recipe for recipe in comparison.recipes if not recipe.searched]
    again = chosen_again(
        comparing.run.bank,
        recipes,
        {recipe.name: comparing.chosen(recipe) for recipe in recipes},
        comparing.size,
        seed=comparison.seed,
        redrawn=comparison.compare.redrawn,
        other=_other(comparing, recipes),
    )
    return {"stability": again, "thresholds": _thresholds(comparing)}


def swept_threshold(recipes: Sequence[Recipe]) -> Recipe | None:
    """CRANE, or what ranks by the same numbers."""
    for recipe in recipes:
        if (recipe.samples.name, recipe.scale.layer, recipe.contrast.name) == ("kurtosis", "z", "none"):
            return recipe
    return None


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
