"""Set overlap: which languages share neurons."""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.findings import Findings
from neuroglot.report.standings import recipes
from neuroglot.report.theme import ACCENT, INK, PAPER, data


def draw(findings: Findings) -> alt.FacetChart:
    """A panel a recipe, language by language; the diagonal is the set itself and stays empty."""
    pairs = findings.overlap
    mirrored = pairs.rename(columns={"language_a": "language_b", "language_b": "language_a"})
    square = pd.concat([pairs, mirrored]).drop_duplicates(["recipe", "language_a", "language_b"])
    roomy = len(findings.languages) <= 6
    chart = (
        alt.Chart()
        .transform_filter("datum.language_a !== datum.language_b")
        .encode(
            x=alt.X("language_a:N", title=None, sort=findings.languages).axis(
                labelAngle=0 if roomy else -60, orient="top"
            ),
            y=alt.Y("language_b:N", title=None, sort=findings.languages),
            tooltip=[
                "recipe:N",
                "language_a:N",
                "language_b:N",
                "shared:Q",
                alt.Tooltip("jaccard:Q", format=".3f"),
            ],
        )
    )
    heat = chart.mark_rect(stroke=PAPER, strokeWidth=1.5).encode(
        color=alt.Color("jaccard:Q", title="Jaccard index")
        .scale(type="sqrt", domain=[0, 1], range=["#f3f5f7", "#9cc3dd", ACCENT, "#06304d"])
        .legend(format=".2~f", gradientLength=220)
    )
    numbers = chart.mark_text(fontSize=11).encode(
        text=alt.Text("jaccard:Q", format=".2f"),
        color=alt.condition(alt.datum.jaccard > 0.5, alt.value(PAPER), alt.value(INK)),
    )
    return (
        alt.layer(*([heat, numbers] if roomy else [heat]))
        .properties(width={"step": 46 if roomy else 24}, height={"step": 26 if roomy else 20})
        .facet(
            facet=alt.Facet("recipe:N", title=None, sort=recipes(findings)).header(labelAnchor="start"),
            columns=4,
            data=data(square),
        )
        .resolve_axis(x="independent", y="independent")
    )


OVERLAP = Figure(
    name="overlap",
    title="Which languages share neurons",
    reading=(
        "Neurons in both sets over neurons in either (Jaccard index): 0 when two languages share none, 1 "
        "when their sets are the same. Hover for the count."
    ),
    limits=(
        "Sets drawn by chance overlap a little too: at a budget of 1 % of the neurons, by about 0.005. A "
        "recipe that gives each neuron to one language only cannot overlap, whatever the model does."
    ),
    source="overlap",
    draw=draw,
)
