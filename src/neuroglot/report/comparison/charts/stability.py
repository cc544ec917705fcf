"""Would the same neurons be chosen again?"""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.marks import number_map
from neuroglot.report.comparison.compared import Compared
from neuroglot.report.theme import data, language_colour

_KINDS = {"split_half": "other half", "bootstrap": "redrawn documents", "other_corpus": "other corpus"}


def _stability(compared: Compared) -> alt.LayerChart:
    rows = compared.rows("stability")
    frame = rows.groupby(["recipe", "kind"], as_index=False)["jaccard"].mean()
    frame = frame.assign(kind=frame["kind"].map(_KINDS))
    present = [name for name in compared.recipes if name in set(frame["recipe"])]
    return number_map(frame, "kind", "recipe", "jaccard", "Jaccard index", list(_KINDS.values()), present)


STABILITY = Figure(
    name="stability",
    title="Would the same neurons be chosen again?",
    reading=(
        "Jaccard index of two selections, mean over the languages: on two halves of the documents, on "
        "documents drawn again with replacement against all of them, and on another corpus where one was "
        "given."
    ),
    limits=(
        "Halves have half the text, so they agree less than two corpora of full size would. A stable set "
        "need not be a right one. Sets that are empty both times count as the same."
    ),
    source="stability",
    draw=_stability,
)


def _thresholds(compared: Compared) -> alt.HConcatChart:
    frame = compared.rows("thresholds")
    chart = alt.Chart(data(frame)).encode(
        x=alt.X("threshold:Q", title="threshold"),
        color=language_colour(list(compared.findings.languages)),
        tooltip=["language:N", "threshold:Q", "size:Q", "f1_relative:Q", "jaccard:Q"],
    )
    panels = []
    for column, title in (
        ("size", "neurons"),
        ("f1_relative", "relative F1"),
        ("jaccard", "Jaccard index with threshold 1"),
    ):
        y = alt.Y(f"{column}:Q", title=title)
        panels.append(
            alt.layer(chart.mark_line(strokeWidth=2), chart.mark_point(filled=True, size=36))
            .encode(y=y)
            .properties(width=220, height=190)
        )
    return alt.hconcat(*panels)


THRESHOLDS = Figure(
    name="thresholds",
    title="CRANE under its own threshold",
    reading=(
        "Sets of every neuron whose kurtosis, as a z-score inside its layer, passes a threshold: how many "
        "they are, how specific, and how much they share with those of threshold 1."
    ),
    limits="Sizes differ between languages and thresholds: these F1 are not at equal budgets.",
    source="thresholds",
    draw=_thresholds,
)
