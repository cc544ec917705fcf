"""Scores against exact effects: rank correlations, neurons one by one, whole sets."""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.marks import whiskers
from neuroglot.report.comparison.compared import Compared
from neuroglot.report.theme import ACCENT, FAINT, data, language_colour


def _correlations(compared: Compared) -> alt.LayerChart:
    rows = compared.rows("faithfulness").sort_values("spearman", ascending=False)
    rows = rows.assign(against=rows["signed"].map({True: "effect", False: "size of the effect"}))
    order = list(rows["score"])
    least = max(-1.0, min(-0.2, float(rows["low"].min())))
    chart = alt.Chart(data(rows)).encode(
        y=alt.Y("score:N", title=None, sort=order).axis(labelLimit=320),
        tooltip=["score:N", alt.Tooltip("spearman:Q", format=".3f"), "neurons:Q", "against:N"],
    )
    bars = chart.mark_bar(height=13).encode(
        x=alt.X("spearman:Q", title="Spearman's rank correlation").scale(domain=[least, 1]),
        color=alt.Color("against:N", title="compared with").scale(range=[ACCENT, "#9cc3dd"]),
    )
    return alt.layer(bars, whiskers(chart, "low", "high")).properties(width=380, height={"step": 22})


FAITHFULNESS = Figure(
    name="faithfulness",
    title="Do scores say what happens?",
    reading=(
        "Rank correlation between a score and what really happens to the log-probability when a neuron is "
        "switched off alone, over neurons drawn evenly from the layers and from small to large first-order "
        "effects; mean over the languages, with an interval over redrawn neurons. Signed scores are "
        "compared with the effect, the others with its size."
    ),
    limits=(
        "Single neurons on a few sentences. A faithful score need not be specific: the contrast decides "
        "that. Scores that keep the largest token are compared with an effect of the whole sentence."
    ),
    source="faithfulness",
    draw=_correlations,
)


def _neurons(compared: Compared) -> alt.FacetChart:
    rows = compared.rows("effects")
    best = compared.rows("faithfulness").sort_values("spearman", ascending=False)["score"].tolist()
    shown = [*best[:4], *best[-2:]] if len(best) > 6 else best
    rows = rows[rows["score"].isin(shown)]
    ranks = rows.groupby(["score", "language"])
    frame = rows.assign(rank=ranks["value"].rank(pct=True), effect_rank=ranks["effect"].rank(pct=True))
    chart = (
        alt.Chart()
        .mark_circle(size=14, opacity=0.5)
        .encode(
            x=alt.X("rank:Q", title="rank of the score").axis(format=".0%", values=[0, 0.5, 1]),
            y=alt.Y("effect_rank:Q", title="rank of the effect").axis(format=".0%", values=[0, 0.5, 1]),
            color=language_colour(list(compared.findings.languages)),
            tooltip=["language:N", "layer:Q", "neuron:Q", "value:Q", "effect:Q"],
        )
        .properties(width=210, height=180)
    )
    return chart.facet(
        facet=alt.Facet("score:N", title=None, sort=shown), columns=3, data=data(frame[list(frame.columns)])
    )


NEURONS = Figure(
    name="effects",
    title="Neuron by neuron",
    reading=(
        "A point a neuron and language: its rank by the score against its rank by the exact effect. The "
        "four most faithful scores and the two least. On the rising diagonal a score is right; unsigned "
        "scores are high at both ends of the effect."
    ),
    limits="Ranks hide how small most effects are: a few neurons carry nearly all of them.",
    source="effects",
    draw=_neurons,
)


def _sets(compared: Compared) -> alt.LayerChart:
    rows = compared.rows("predicted")
    top = float(rows[["predicted", "measured"]].max().max())
    line = pd.DataFrame({"x": [0.0, top], "y": [0.0, top]})
    diagonal = alt.Chart(data(line)).mark_line(color=FAINT, strokeDash=[4, 3]).encode(x="x:Q", y="y:Q")
    points = (
        alt.Chart(data(rows))
        .mark_circle(size=60, opacity=0.75)
        .encode(
            x=alt.X("predicted:Q", title="predicted: sum of first-order effects, nats a token")
            .scale(type="symlog")
            .axis(labelOverlap="greedy", labelSeparation=6),
            y=alt.Y("measured:Q", title="measured, nats a token").scale(type="symlog"),
            color=language_colour(list(compared.findings.languages)),
            tooltip=["recipe:N", "language:N", "predicted:Q", "measured:Q"],
        )
    )
    return alt.layer(diagonal, points).properties(width=420, height=300)


SETS = Figure(
    name="predicted",
    title="Whole sets: predicted and measured",
    reading=(
        "A point a recipe and language: what first-order effects of single neurons add up to, against what "
        "the target really lost when the whole set was off. On the dashed line they agree."
    ),
    limits=(
        "Gradients are local. Sets of hundreds of neurons go far beyond where a straight line holds, and "
        "prediction is on identification text, the measurement on the report."
    ),
    source="predicted",
    draw=_sets,
)
