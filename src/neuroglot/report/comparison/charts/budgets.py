"""F1 over budgets, and under each baseline."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.marks import at, number_map
from neuroglot.report.comparison.compared import Compared
from neuroglot.report.theme import LANGUAGE_COLOURS, data


def _budgets(compared: Compared) -> alt.LayerChart:
    means = compared.rows("means")
    rows = means[(means["kind"] == "recipe") & (means["baseline"] == "zero")]
    several = rows.groupby("recipe")["budget"].transform("nunique") > 1
    rows = rows[several][["recipe", "budget", "f1_relative", "collateral_mean", "size"]]
    names = [name for name in compared.recipes if name in set(rows["recipe"])]
    colours = [LANGUAGE_COLOURS[place % len(LANGUAGE_COLOURS)] for place in range(len(names))]
    chart = alt.Chart(data(rows)).encode(
        x=alt.X("budget:Q", title="share of the neurons")
        .scale(type="log")
        .axis(format=".1%", labelOverlap="greedy", labelSeparation=6),
        y=alt.Y("f1_relative:Q", title="mean relative F1").scale(domain=[0, 1]),
        color=alt.Color("recipe:N", title=None, sort=names).scale(domain=names, range=colours),
        tooltip=["recipe:N", "budget:Q", alt.Tooltip("f1_relative:Q", format=".3f"), "collateral_mean:Q"],
    )
    lines = alt.layer(chart.mark_line(strokeWidth=2), chart.mark_point(filled=True, size=40))
    off = compared.everything_off
    return alt.layer(lines, *([] if off is None else [at(off)])).properties(width=620, height=320)


BUDGETS = Figure(
    name="budgets",
    title="Over budgets",
    reading=(
        "Mean relative LangSpec-F1 as a language is allowed more neurons. The dashed line is everything "
        "off. The area under each line is in the table `area`."
    ),
    limits=(
        "Recipes whose sizes emerge by a rule of their own, and searches, are measured at the main budget "
        "only. Past some budget every ranking reaches neurons that all languages need."
    ),
    source="area",
    draw=_budgets,
)


def _baselines(compared: Compared) -> alt.LayerChart:
    means = compared.rows("means")
    rows = means[(means["kind"] == "recipe") & (means["budget"] == compared.budget)]
    kinds = list(dict.fromkeys(rows["baseline"]))
    frame = rows[["recipe", "baseline", "f1_relative"]]
    return number_map(frame, "baseline", "recipe", "f1_relative", "mean F1", kinds, compared.recipes)


BASELINES = Figure(
    name="baselines",
    title="What the neurons are set to",
    reading=(
        "Mean relative LangSpec-F1 of the same sets under each baseline: 0, the mean over languages, the "
        "mean over the other languages, the 5th percentile."
    ),
    limits=(
        "A baseline can itself carry language; sets that hurt only under 0 may owe it to values that the "
        "model never meets."
    ),
    source="means",
    draw=_baselines,
)
