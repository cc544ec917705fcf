"""Score × contrast: every score under every contrast, so that a contrast's merit is not its score's."""

import logging

import pandas as pd

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Mask
from neuroglot.evaluation.tables import tabulate
from neuroglot.intervention.kinds import Intervention
from neuroglot.study.comparison.comparing import Comparing, recrossed
from neuroglot.study.recipe import Recipe
from neuroglot.study.sections import Frames
from neuroglot.study.steps import select

logger = logging.getLogger(__name__)

COLUMNS = ["score", "contrast", "f1_relative", "f1_absolute", "collateral_mean", "size"]


def crossed(comparing: Comparing) -> Frames:
    """Frame ``crossed``: a row a score (with its reduction and statistic) and contrast."""
    acts: list[tuple[Mask, Intervention]] = []
    names: dict[str, tuple[str, str]] = {}
    for label, recipe in scores_of(comparing.comparison.recipes).items():
        for contrast in comparing.comparison.compare.contrasts:
            try:
                crossing = recrossed(recipe, contrast)
                sets = select(comparing.run.bank, crossing, comparing.size)
            except (NeuroglotError, ValueError) as error:  # a ratio of signed numbers, an average of kurtoses
                logger.info("%s × %s: left out (%s)", label, contrast, error)
                continue
            names[crossing.name] = (label, contrast)
            acts += comparing.acts(crossing.name, sets)
    comparison = comparing.comparison
    ablation = comparing.measured(acts, comparing.few(comparison.compare.crossed_sentences))
    means = tabulate(ablation, resamples=100, seed=comparison.seed).means
    rows = [
        (*names[row["recipe"]], *(row[key] for key in COLUMNS[2:]))
        for _, row in means[means["kind"] == "recipe"].iterrows()
    ]
    return {"crossed": pd.DataFrame(rows, columns=COLUMNS)}


def scores_of(recipes: list[Recipe]) -> dict[str, Recipe]:
    """The different scores of recipes, each as its reduction and statistic make it, by name."""
    found: dict[str, Recipe] = {}
    for recipe in recipes:
        if recipe.searched or recipe.minus or recipe.score.name == "random":
            continue
        label = f"{recipe.score.name} ({recipe.tokens}, {recipe.samples.name})"
        if recipe.site != "mlp":
            label += f" at {recipe.site}"
        if recipe.objective.name not in ("logprob", "layer_change"):
            label += f" of {recipe.objective.name}"
        found.setdefault(label, recipe)
    return found
