"""Shared neurons: between recipes, between languages."""

import altair as alt
import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.marks import number_map
from neuroglot.report.comparison.compared import Compared

SHOWN = 4
"""Recipes whose languages are drawn, the best of them."""


def _mirrored(frame: pd.DataFrame, one: str, two: str) -> pd.DataFrame:
    turned = frame.rename(columns={one: two, two: one})
    return pd.concat([frame, turned]).drop_duplicates([*frame.columns.intersection(["recipe"]), one, two])


def clustered(frame: pd.DataFrame, one: str, two: str) -> list[str]:
    """Names in the order of a hierarchical clustering (average linkage on 1 − Jaccard)."""
    table = frame.pivot_table(index=one, columns=two, values="jaccard", aggfunc="mean").fillna(0.0)
    table = table.reindex(index=table.columns)
    distance = 1 - np.nan_to_num(table.to_numpy())
    np.fill_diagonal(distance, 0.0)
    if len(table) < 3:
        return list(table.index)
    tree = linkage(squareform((distance + distance.T) / 2, checks=False), "average")
    return [str(table.index[leaf]) for leaf in leaves_list(tree)]


def _recipes(compared: Compared) -> alt.LayerChart:
    frame = _mirrored(compared.rows("recipe_overlap"), "recipe_a", "recipe_b")
    order = clustered(frame, "recipe_a", "recipe_b")
    chart: alt.LayerChart = number_map(
        frame, "recipe_a", "recipe_b", "jaccard", "Jaccard index", order, order
    )
    return chart.properties(width={"step": 34}, height={"step": 22})


RECIPES = Figure(
    name="recipe_overlap",
    title="Which recipes choose the same neurons",
    reading=(
        "Neurons in both recipes' sets over neurons in either, mean over the languages. Recipes stand in "
        "the order of a clustering, so that kin stand together."
    ),
    limits="Sizes differ where they emerge: a small set inside a large one still has a small index.",
    source="recipe_overlap",
    draw=_recipes,
)


def _languages(compared: Compared) -> alt.VConcatChart | alt.ConcatChart:
    frame = _mirrored(compared.rows("language_overlap"), "language_a", "language_b")
    panels = []
    for recipe in compared.recipes[:SHOWN]:
        own = frame[(frame["recipe"] == recipe) & (frame["language_a"] != frame["language_b"])]
        whole = frame[frame["recipe"] == recipe]
        order = clustered(whole, "language_a", "language_b")
        chart = number_map(
            own[["language_a", "language_b", "jaccard"]],
            *("language_a", "language_b", "jaccard", "Jaccard index"),
            order,
            order,
        )
        panels.append(chart.properties(width={"step": 36}, height={"step": 24}, title=recipe))
    return alt.concat(*panels, columns=4).resolve_scale(color="independent")


LANGUAGES = Figure(
    name="language_overlap",
    title="Which languages share neurons",
    reading=(
        "The same between the languages of one recipe, for the best recipes; the diagonal is left out. "
        "Languages stand in the order of a clustering."
    ),
    limits="Sets drawn by chance overlap a little too: at a budget of 1 % by about 0.005.",
    source="language_overlap",
    draw=_languages,
)
