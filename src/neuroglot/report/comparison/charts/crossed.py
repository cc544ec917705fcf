"""Score × contrast."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.marks import number_map
from neuroglot.report.comparison.compared import Compared


def _crossed(compared: Compared) -> alt.LayerChart:
    frame = compared.rows("crossed")
    scores = list(frame.groupby("score")["f1_relative"].max().sort_values(ascending=False).index)
    contrasts = list(frame.groupby("contrast")["f1_relative"].mean().sort_values(ascending=False).index)
    return number_map(frame, "contrast", "score", "f1_relative", "mean F1", contrasts, scores)


CROSSED = Figure(
    name="crossed",
    title="Score × contrast",
    reading=(
        "Mean relative LangSpec-F1 of every score (a row, with its token reduction and its statistic over "
        "samples) under every contrast over languages (a column), at the same budget. Read along a row for "
        "what the contrast does, along a column for what the score does. Compare with everything off in "
        "the table above."
    ),
    limits=(
        "Empty cells do not go together: a ratio or an entropy of signed numbers, a contrast that reads "
        "every sample of a statistic that has none. One budget, one baseline, no interval in the cells."
    ),
    source="crossed",
    draw=_crossed,
)
