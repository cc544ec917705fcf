"""Loss over the strength that a set is left with: its language, the others, the matched control."""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.controls.charts.marks import CONTROL, SECOND, SET, dashed, in_order
from neuroglot.report.controls.columns import recipes_of, rows
from neuroglot.report.findings import Findings
from neuroglot.report.theme import data

_SERIES = {"its language": SET, "others, mean": SECOND, "matched control": CONTROL}


def draw(findings: Findings) -> alt.FacetChart:
    """A panel a language; the recipe comes from a list, and the saved picture shows the best."""
    own, control = rows(findings, "dose"), rows(findings, "dose_control")
    others = {"others_drop": "drop", "others_low": "low", "others_high": "high"}
    keys = ["recipe", "strength", "target"]
    named = (
        own[[*keys, *others.values()]].assign(series="its language"),
        own[[*keys, *others]].rename(columns=others).assign(series="others, mean"),
        control[[*keys, *others.values()]].assign(series="matched control"),
    )
    frame = pd.concat([each for each in named if len(each)]).rename(columns={"target": "language"})
    frame = in_order(findings, frame)
    order = recipes_of(findings, frame)
    recipe = alt.param(
        name="dose_recipe", value=order[0], bind=alt.binding_select(options=order, name="recipe")
    )
    shown = [name for name in _SERIES if name in set(frame["series"])]
    chart = alt.Chart().encode(
        x=alt.X("strength:Q", title="what is left of the activation").axis(tickCount=5, format=".2~f"),
        color=alt.Color("series:N", title=None, legend=alt.Legend(symbolOpacity=1)).scale(
            domain=shown, range=[_SERIES[name] for name in shown]
        ),
        tooltip=[
            "language:N",
            "series:N",
            "strength:Q",
            *(alt.Tooltip(f"{name}:Q", format=".3f") for name in others.values()),
        ],
    )
    band = chart.mark_area(opacity=0.2).encode(y="low:Q", y2="high:Q")
    line = chart.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=22)).encode(
        y=alt.Y("drop:Q", title="nats a token lost").axis(tickCount=4),
        strokeDash=alt.condition("datum.series === 'matched control'", alt.value([5, 3]), alt.value([1, 0])),
    )
    return (
        alt.layer(dashed(0.0, "y"), dashed(1.0), band, line)
        .properties(width=165, height=120)
        .facet(
            facet=alt.Facet("language:N", title=None, sort=findings.languages).header(labelAnchor="start"),
            columns=4,
            data=data(
                frame.sort_values("language", key=lambda x: x.map(findings.languages.index), kind="stable")
            ),
        )
        .transform_filter("datum.recipe === dose_recipe")
        .add_params(recipe)
        .properties(title=alt.Title(alt.expr("dose_recipe")))
    )


DOSE = Figure(
    name="dose",
    title="Does the loss follow the dose?",
    reading=(
        "Each set's activations times 0 (silence) to 2; 1, at the dashed line, is the untouched model. Blue: "
        "what its own language loses, orange: the others' mean, grey: the matched control in the same "
        "language; bands are intervals over documents. A loss that grows step by step towards silence is not "
        "the accident of one value."
    ),
    limits=(
        "Below the line at 0 a language got better. Beyond 1 the model is pushed where it never is, and so "
        "is whatever comes of that. The control is the first draw only."
    ),
    source="dose",
    draw=draw,
)
