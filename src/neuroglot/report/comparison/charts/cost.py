"""What recipes cost, and what path methods lack."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.comparison.compared import Compared
from neuroglot.report.theme import ACCENT, INK, LANGUAGE_COLOURS, data


def _cost(compared: Compared) -> alt.LayerChart:
    means = compared.at_budget("means")
    own = means[means["kind"] == "recipe"][["recipe", "f1_relative"]]
    frame = compared.rows("cost").merge(own, on="recipe")
    chart = alt.Chart(data(frame)).encode(
        x=alt.X("seconds:Q", title="seconds on the same few sentences").scale(type="log"),
        y=alt.Y("f1_relative:Q", title="mean relative F1").scale(zero=False),
        tooltip=["recipe:N", "seconds:Q", "passes:Q", "peak_mb:Q", "f1_relative:Q"],
    )
    points = chart.mark_circle(size=70, color=ACCENT)
    names = chart.mark_text(align="left", dx=7, fontSize=11, color=INK).encode(text="recipe:N")
    return alt.layer(points, names).properties(width=640, height=360)


COST = Figure(
    name="cost",
    title="What they cost",
    reading=(
        "Seconds to score the same few sentences for each recipe alone, against what its sets come to. The "
        "tooltip has forward passes (partial ones of path methods count) and peak memory."
    ),
    limits=(
        "In a study recipes share passes: the next plain score costs next to nothing. A search of gates "
        "costs much more than its ranking, which is all that is timed here. One run on a shared machine."
    ),
    source="cost",
    draw=_cost,
)


def _completeness(compared: Compared) -> alt.LayerChart:
    frame = compared.rows("completeness")
    names = list(dict.fromkeys(frame["score"]))
    colours = [LANGUAGE_COLOURS[place % len(LANGUAGE_COLOURS)] for place in range(len(names))]
    chart = alt.Chart(data(frame)).encode(
        x=alt.X("layer:O", title="layer").axis(labelAngle=0),
        y=alt.Y("share:Q", title="missing share").axis(format=".0%"),
        color=alt.Color("score:N", title=None)
        .scale(domain=names, range=colours)
        .legend(labelLimit=420, columns=1),
        tooltip=["score:N", "layer:Q", alt.Tooltip("share:Q", format=".1%")],
    )
    return alt.layer(chart.mark_line(), chart.mark_point(filled=True)).properties(width=620, height=220)


COMPLETENESS = Figure(
    name="completeness",
    title="What path methods lack",
    reading=(
        "Integrated gradients and conductance add up to a change in s that is known: how much their sums "
        "over each layer miss of it, in absolute value over all samples. For conductance the sum is over "
        "the residual stream."
    ),
    limits="Errors of single neurons can be larger and cancel in the sum. More steps lack less.",
    source="completeness",
    draw=_completeness,
)
