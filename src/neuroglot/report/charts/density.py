"""How single neurons respond to sentences of their own language and of others (Le et al. 2026, Fig. 2)."""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.findings import Findings
from neuroglot.report.theme import data, language_colour


def densities(rows: pd.DataFrame, languages: list[str]) -> alt.FacetChart:
    """A panel a language: its first neuron's score over the sentences, a curve each language.

    Args:
        rows: Columns of `findings.COLUMNS`'s ``density``, each language's most specific neuron first.
        languages: In their order.
    """
    first = rows.groupby(["target", "layer", "neuron"], sort=False).ngroup()
    kept = rows[rows.assign(place=first).groupby("target")["place"].transform("min") == first]
    places = ": layer " + kept["layer"].astype(str) + ", neuron " + kept["neuron"].astype(str)
    frame = kept.assign(panel=kept["target"].astype(str) + places)
    panels = list(dict.fromkeys(frame["panel"]))
    chart = (
        alt.Chart()
        .transform_density("value", as_=["value", "density"], groupby=["panel", "language"], steps=80)
        .mark_area(opacity=0.35, line=True)
        .encode(
            x=alt.X("value:Q", title="score of a sentence").axis(format=".1~e", tickCount=3),
            y=alt.Y("density:Q", title=None, stack=None).axis(None),
            color=language_colour(languages),
        )
        .properties(width=210, height=120)
    )
    return chart.facet(
        facet=alt.Facet("panel:N", title=None, sort=panels),
        columns=4,
        data=data(frame[["panel", "language", "value"]]),
    ).resolve_scale(x="independent", y="independent")


def draw(findings: Findings) -> alt.FacetChart:
    """The study's own."""
    return densities(findings.density, findings.languages)


DENSITY = Figure(
    name="density",
    title="How the chosen neurons respond",
    reading=(
        "For each language the most specific neuron: the density of its score over the sentences of that "
        "language and of the others. A language neuron's own curve stands apart."
    ),
    limits="The neurons were chosen on these very sentences; that they stand apart here is no evidence.",
    source="density",
    draw=draw,
)
