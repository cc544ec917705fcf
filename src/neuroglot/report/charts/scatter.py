"""Specificity, layer by layer: each neuron's score in one language against its best in the others.

The layout follows figure 3 of CRANE (Le 2026): a panel a layer, a point a neuron, dashed lines at 1.
"""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.findings import Findings
from neuroglot.report.standings import recipes
from neuroglot.report.theme import ACCENT, FAINT, data

_POINTS = 24_000
"""What a page can carry: more make it heavy on a phone and show no more."""

_CHOSEN, _REST = "chosen", "not chosen"


def draw(findings: Findings) -> alt.FacetChart:
    """A panel a layer; recipe and language come from lists, and the saved picture shows the first of each."""
    frame = thin(findings.scatter)
    points = frame.assign(chosen=frame["chosen"].map({True: _CHOSEN, False: _REST})).sort_values(
        ["chosen", "layer"], ascending=[False, True]
    )
    order = [name for name in recipes(findings) if name in set(frame["recipe"])]
    recipe = alt.param(name="recipe", value=order[0], bind=alt.binding_select(options=order, name="recipe"))
    language = alt.param(
        name="language",
        value=findings.languages[0],
        bind=alt.binding_select(options=findings.languages, name="language"),
    )
    chart = alt.Chart()
    scale = alt.Scale(type="symlog", nice=False, padding=6)
    axis = alt.Axis(tickCount=4, grid=False, labelFontSize=10, labelOverlap=True, labelSeparation=6)
    neurons = chart.mark_point(filled=True, size=14).encode(
        x=alt.X("target:Q", title="score in the language", scale=scale, axis=axis),
        y=alt.Y("others:Q", title="largest in the others", scale=scale, axis=axis),
        color=alt.Color("chosen:N", title=None).scale(domain=[_CHOSEN, _REST], range=[ACCENT, "#aab3bd"]),
        opacity=alt.condition(alt.datum.chosen == _CHOSEN, alt.value(0.9), alt.value(0.45)),
        tooltip=[
            "layer:O",
            "neuron:O",
            alt.Tooltip("target:Q", format=".3f"),
            alt.Tooltip("others:Q", format=".3f"),
            "chosen:N",
        ],
    )
    dashes = {"color": FAINT, "strokeDash": [4, 3], "strokeWidth": 1}
    upright = chart.mark_rule(**dashes).encode(x=alt.datum(1))
    level = chart.mark_rule(**dashes).encode(y=alt.datum(1))
    return (
        alt.layer(neurons, upright, level)
        .properties(width=130, height=120, view={"stroke": "#e6e9ed"})
        .facet(
            facet=alt.Facet("layer:O", title=None).header(
                labelExpr="'layer ' + datum.value", labelAnchor="start"
            ),
            columns=6,
            spacing={"row": 30, "column": 14},
            bounds="flush",
            data=data(points),
        )
        .transform_filter("datum.recipe === recipe && datum.language === language")
        .add_params(recipe, language)
    )


def thin(points: pd.DataFrame, limit: int = _POINTS) -> pd.DataFrame:
    """At most about ``limit`` points: all the chosen ones, and every n-th of the rest.

    Every n-th, not a random draw: the panels stay in proportion and the page the same from run to run.
    """
    rest = points.loc[~points["chosen"].astype(bool)]
    room = max(limit - (len(points) - len(rest)), 1)
    every = -(-len(rest) // room)
    return pd.concat([rest.iloc[:: max(every, 1)], points.loc[points["chosen"].astype(bool)]])


SCATTER = Figure(
    name="scatter",
    title="Specific or merely strong?",
    reading=(
        "A panel a layer, a point a neuron: right is a high normalised score in the language, up is a high "
        "one in some other language. Specific neurons lie to the lower right; those on the rising diagonal "
        "are strong everywhere. Dashed lines mark 1. Both axes are linear near 0 and logarithmic beyond."
    ),
    limits=(
        "All chosen neurons are drawn, but only a sample of the others, so the density of grey points "
        "means nothing."
    ),
    source="scatter",
    draw=draw,
)
