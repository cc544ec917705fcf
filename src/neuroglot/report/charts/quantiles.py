"""Score quantiles by layer, before and after scaling."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.findings import Findings
from neuroglot.report.standings import recipes
from neuroglot.report.theme import data, language_colour

_BEFORE, _AFTER = "before scaling", "after scaling"


def draw(findings: Findings) -> alt.FacetChart:
    """A line of panels a recipe, two columns: a thin line a quantile and language, the median a thick one."""
    long = findings.quantiles.melt(
        ["recipe", "language", "layer", "quantile"], ["raw", "scaled"], var_name="stage", value_name="score"
    )
    picked = alt.selection_point(fields=["language"], bind="legend")
    return (
        alt.Chart()
        .mark_line(interpolate="monotone")
        .encode(
            x=alt.X("layer:Q", title="layer").scale(nice=False).axis(grid=False, tickMinStep=1),
            y=alt.Y("score:Q", title=None).scale(zero=False).axis(tickCount=4, format=".3~g"),
            color=language_colour(findings.languages),
            detail="quantile:N",
            strokeWidth=alt.condition(alt.datum.quantile == 0.5, alt.value(2.5), alt.value(1)),
            opacity=alt.condition(picked, alt.value(0.9), alt.value(0.08)),
            tooltip=[
                "recipe:N",
                "language:N",
                "layer:Q",
                "quantile:Q",
                alt.Tooltip("score:Q", format=".4~g"),
            ],
        )
        .add_params(picked)
        .properties(width=360, height=130)
        .facet(
            row=alt.Row("recipe:N", title=None, sort=recipes(findings)).header(labelAngle=-90),
            column=alt.Column("stage:N", title=None, sort=[_BEFORE, _AFTER]).header(labelAnchor="start"),
            spacing=16,
            data=data(long.assign(stage=long["stage"].map({"raw": _BEFORE, "scaled": _AFTER}))),
        )
        .resolve_scale(y="independent")
    )


QUANTILES = Figure(
    name="quantiles",
    title="Scores by layer, before and after scaling",
    reading=(
        "Each line is a quantile (5, 25, 50, 75, 95, 99 %) of a score over the neurons of a layer, the "
        "median thick. After scaling means: on the recipe's own scales and then as z-scores inside each "
        "layer, as in the chart of single neurons. Languages whose lines lie together are comparable. "
        "Click a language in the legend to single it out."
    ),
    limits=(
        "The axis of every panel is its own. Neurons are chosen from far beyond the 99 % line, which this "
        "chart does not show."
    ),
    source="quantiles",
    draw=draw,
)
