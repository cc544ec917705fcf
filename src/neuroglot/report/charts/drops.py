"""The drop heat map: what every set did to every language."""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.findings import Findings
from neuroglot.report.standings import labels, standings
from neuroglot.report.theme import HARM, INK, PAPER, data

_SHARED = "shared by all languages"
_ROOM_FOR_NUMBERS = 6
_MEASURES = ["drop_relative", "drop_absolute", "delta_log_prob", "perplexity"]


def draw(findings: Findings) -> alt.FacetChart:
    """A panel a set of sets: a line a target language, a column an evaluated one; seeds are averaged."""
    frame = findings.drops.assign(label=labels(findings.drops))
    means = frame.groupby(["label", "target", "language"], sort=False, as_index=False)[_MEASURES].mean()
    order = list(standings(findings)["label"])
    shared = means["target"] == ""
    cells = means.assign(
        panel=means["label"].mask(shared, _SHARED),
        line=means["target"].mask(shared, means["label"]),
    )
    roomy = len(findings.languages) <= _ROOM_FOR_NUMBERS
    chart = alt.Chart().encode(
        x=alt.X("language:N", title=None, sort=findings.languages).axis(
            orient="top", labelAngle=0 if roomy else -60
        ),
        y=alt.Y("line:N", title=None, sort=[*findings.languages, *order]),
        tooltip=[
            alt.Tooltip("label:N", title="set"),
            alt.Tooltip("line:N", title="found for"),
            alt.Tooltip("language:N", title="evaluated on"),
            alt.Tooltip("drop_relative:Q", title="relative drop", format=".3f"),
            alt.Tooltip("drop_absolute:Q", title="absolute drop", format=".4f"),
            alt.Tooltip("delta_log_prob:Q", title="Δ log p per token", format=".3f"),
            alt.Tooltip("perplexity:Q", format=".4~g"),
        ],
    )
    heat = chart.mark_rect(stroke=PAPER, strokeWidth=1.5).encode(
        color=alt.Color("drop_relative:Q", title="share of the probability lost")
        .scale(domain=[-0.25, 0, 0.33, 0.66, 1], range=HARM, clamp=True)
        .legend(format=".2~f", gradientLength=220)
    )
    numbers = chart.mark_text(fontSize=11).encode(
        text=alt.Text("drop_relative:Q", format=".2f"),
        color=alt.condition(alt.datum.drop_relative > 0.6, alt.value(PAPER), alt.value(INK)),
    )
    step = 46 if roomy else 24
    return (
        alt.layer(*([heat, numbers] if roomy else [heat]))
        .properties(width={"step": step}, height={"step": 26 if roomy else 20})
        .facet(
            facet=alt.Facet("panel:N", title=None, sort=[*order, _SHARED]).header(labelAnchor="start"),
            columns=4,
            data=data(_in_order(cells, [*order, _SHARED])),
        )
        .resolve_scale(y="independent")
        .resolve_axis(x="independent", y="independent")
    )


def _in_order(cells: pd.DataFrame, panels: list[str]) -> pd.DataFrame:
    # Panels are filled in the order of the data where their own scales hide the sort.
    return cells.sort_values("panel", key=lambda names: names.map(panels.index), kind="stable")


DROPS = Figure(
    name="drops",
    title="What each set does to each language",
    reading=(
        "Line: the language that the set was found for. Column: the language that was evaluated. Colour "
        "and number: the share of the per-token probability that was lost, δ = 1 − S(masked)/S. A specific "
        "set is dark on the diagonal and pale elsewhere."
    ),
    limits=(
        "A small negative drop (teal) is a language that got better; F1 counts it as none. The size of a "
        "drop depends on how well the model knew the language to begin with. Seeds of a control are "
        "averaged."
    ),
    source="drops",
    draw=draw,
)
