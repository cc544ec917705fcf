"""Recipes on a model whose answer is known."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.comparison.compared import Compared
from neuroglot.report.theme import ACCENT, INK, data


def _known(compared: Compared) -> alt.LayerChart:
    rows = compared.rows("known_answer")
    means = rows.groupby("recipe", as_index=False)[["precision", "recall", "decoys"]].mean()
    means = means.assign(missed=(1 - means["precision"] - means["decoys"]).clip(lower=0))
    order = list(means.sort_values("precision", ascending=False)["recipe"])
    parts = {"precision": "right", "decoys": "decoys", "missed": "other neurons"}
    frame = means.melt("recipe", list(parts), "part", "share")
    frame = frame.assign(part=frame["part"].map(parts), rank=frame["part"].map(list(parts).index))
    chart = alt.Chart(data(frame)).encode(y=alt.Y("recipe:N", title=None, sort=order))
    bars = chart.mark_bar(height=14).encode(
        x=alt.X("share:Q", title="share of what the recipe chose").axis(format=".0%").scale(domain=[0, 1]),
        color=alt.Color("part:N", title=None).scale(
            domain=list(parts.values()), range=[ACCENT, "#d9772b", "#dfe4e9"]
        ),
        order=alt.Order("rank:Q"),
        tooltip=["recipe:N", "part:N", alt.Tooltip("share:Q", format=".2f")],
    )
    found = (
        alt.Chart(data(means))
        .mark_text(align="left", dx=6, fontSize=11, color=INK)
        .encode(y=alt.Y("recipe:N", sort=order), x=alt.datum(1), text=alt.Text("recall:Q", format=".2f"))
    )
    return alt.layer(bars, found).properties(width=420, height={"step": 22}, title="recall at the right")


KNOWN = Figure(
    name="known_answer",
    title="On a model whose answer is known",
    reading=(
        "A tiny transformer in which it is known by construction which neurons serve which language. Blue: "
        "chosen and right. Orange: decoys, which fire loudly for one language and change nothing. Grey: "
        "neurons that serve all languages, or none. At the right, the share of the true neurons that were "
        "found. The budget is their number."
    ),
    limits=(
        "A toy: three layers, written and not trained. It tells recipes that look at activations from "
        "those that look at effects; it does not tell good gradients from better ones."
    ),
    source="known_answer",
    draw=_known,
)
