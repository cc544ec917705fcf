"""Where the neurons sit: a layer histogram a language and recipe."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.findings import Findings
from neuroglot.report.standings import recipes
from neuroglot.report.theme import data, language_colour


def draw(findings: Findings) -> alt.FacetChart:
    """A line of panels a language, a column a recipe."""
    order = [name for name in recipes(findings) if name in set(findings.layers["recipe"])]
    return (
        alt.Chart()
        .mark_bar(width={"band": 0.85})
        .encode(
            x=alt.X("layer:O", title="layer").axis(labelAngle=0, labelOverlap=True, labelFontSize=10),
            y=alt.Y("neurons:Q", title="neurons").axis(tickCount=3, labelFontSize=10),
            color=language_colour(findings.languages).legend(None),
            tooltip=["recipe:N", "language:N", "layer:O", "neurons:Q"],
        )
        .properties(width=170, height=64)
        .facet(
            row=alt.Row("language:N", title=None, sort=findings.languages).header(
                labelAngle=0, labelAlign="left", labelPadding=4
            ),
            column=alt.Column("recipe:N", title=None, sort=order).header(labelAnchor="start"),
            spacing=12,
            data=data(findings.layers),
        )
    )


LAYERS = Figure(
    name="layers",
    title="Where the neurons sit",
    reading=(
        "Each bar counts the neurons of one layer in a language's set; layer 0 is the one next to the input."
    ),
    limits=(
        "Where a score is large is not where a language is processed: a recipe with a scale inside each "
        "layer spreads its sets, one without gathers them where activations are large."
    ),
    source="layers",
    draw=draw,
)
