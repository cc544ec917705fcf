"""LangSpec-F1 where the sets were found and where they were applied."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.standings import labels
from neuroglot.report.theme import data
from neuroglot.report.transfer.charts.marks import in_order, model_colour
from neuroglot.report.transfer.moved import Moved


def _f1(moved: Moved) -> alt.LayerChart:
    means = moved.rows("means")
    frame = means.assign(set=labels(means))
    chart = alt.Chart(data(frame)).encode(
        y=alt.Y("set:N", title=None, sort=in_order(frame)).axis(grid=True),
        yOffset=alt.YOffset("model:N", sort=moved.models),
        color=model_colour(moved.models),
        tooltip=[
            "set:N",
            "model:N",
            *(
                alt.Tooltip(f"{name}:Q", title=name.replace("_", " "), format=".3f")
                for name in ("f1_relative", "f1_relative_low", "f1_relative_high", "collateral_mean")
            ),
        ],
    )
    ends = {"x": "f1_relative_low:Q", "x2": "f1_relative_high:Q"}
    points = chart.mark_point(filled=True, size=60, opacity=1).encode(
        x=alt.X("f1_relative:Q", title="mean relative LangSpec-F1").scale(domain=[0, 1])
    )
    height = max(24, 12 * len(moved.models))
    return alt.layer(chart.mark_rule(strokeWidth=2).encode(**ends), points).properties(
        width=420, height={"step": height, "for": "position"}
    )


F1 = Figure(
    name="f1",
    title="Specific here, specific there?",
    reading=(
        "Mean LangSpec-F1 on the relative drop, with its interval over documents, of the same sets on the "
        "model that they were found on and on the others. The paired differences are in the table above."
    ),
    limits=(
        "F1 is a balance of shares: it can stay while the effect shrinks, and the reverse. Read it with the "
        "surviving share, and with everything off, which scores on any model."
    ),
    source="means",
    draw=_f1,
)
