"""The share of every effect that is left on the other models."""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.marks import at
from neuroglot.report.standings import labels
from neuroglot.report.theme import data
from neuroglot.report.transfer.charts.marks import in_order, model_colour
from neuroglot.report.transfer.moved import Moved

MEASURES = {
    "target": "target language",
    "beyond": "target, beyond matched controls",
    "others": "other languages",
}

_EDGE = 2.0
"""Shares beyond it, and ends of intervals, are drawn at the edge."""

_ENDS = ["share", "share_low", "share_high"]


def _survival(moved: Moved) -> alt.ConcatChart:
    rows = moved.rows("survival")
    rows = rows[(rows["language"] == "") & rows["share"].notna()]
    shown = {f"{name}_at": rows[name].clip(-0.5, _EDGE) for name in _ENDS}
    frame = rows.assign(set=labels(rows), **shown)
    measures = [measure for measure in MEASURES if (frame["measure"] == measure).any()]
    return alt.concat(*(_panel(moved, frame, measure) for measure in measures), columns=3, spacing=28)


def _panel(moved: Moved, frame: pd.DataFrame, measure: str) -> alt.LayerChart:
    own = frame[frame["measure"] == measure]
    chart = alt.Chart(data(own)).encode(
        y=alt.Y("set:N", title=None, sort=in_order(own)).axis(grid=True),
        yOffset=alt.YOffset("model:N", sort=moved.models[1:]),
        color=model_colour(moved.models, first=False),
        tooltip=[
            "set:N",
            "model:N",
            alt.Tooltip("before:Q", title="effect where found, nats a token", format=".3f"),
            alt.Tooltip("after:Q", title="effect here", format=".3f"),
            *(alt.Tooltip(f"{name}:Q", title=name.replace("_", " "), format=".2f") for name in _ENDS),
        ],
    )
    intervals = chart.mark_rule(strokeWidth=2).encode(x="share_low_at:Q", x2="share_high_at:Q")
    points = chart.mark_point(filled=True, size=60, opacity=1).encode(
        x=alt.X("share_at:Q", title="share of the effect that is left").axis(format=".0%")
    )
    height = max(24, 12 * (len(moved.models) - 1))
    return alt.layer(at(1.0, "x"), intervals, points).properties(
        width=220, height={"step": height, "for": "position"}, title=MEASURES[measure]
    )


SURVIVAL = Figure(
    name="survival",
    title="What is left of the effect",
    reading=(
        "The log-probability that a set costs on the other model, over what it costs where it was found: "
        "100 % is all of it, 0 none. Means over the languages, with the interval of a bootstrap that draws "
        "the same documents for both models. In turn: the target language; the target's loss beyond that "
        "under matched random sets; what the other languages lose, where less is better. Compare a recipe "
        "with its matched controls: where those keep as much, what survives is not owed to the choice of "
        "neurons."
    ),
    limits=(
        "A share is left out where the effect on the first model cannot be told from nothing. Shares below "
        f"−50 % or beyond {_EDGE:.0%} are drawn at the edge. A share says nothing of how well either model "
        "knew the language: see the raw scores."
    ),
    source="survival",
    draw=_survival,
)
