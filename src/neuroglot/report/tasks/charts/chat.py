"""Raw scores of a language's task on the base model and on the chat model (Le et al. 2026, Fig. 6)."""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.marks import set_colours
from neuroglot.report.findings import Findings
from neuroglot.report.tasks.columns import NONE, rows, subjects
from neuroglot.report.tasks.sets import set_name
from neuroglot.report.theme import FAINT, data

NOTHING = "nothing off"


def draw(findings: Findings) -> alt.FacetChart:
    """A panel a task: nothing off, the sets of its language, everything off."""
    scores = rows(findings.tasks, "benchmark")
    own = (scores["kind"] == "recipe") & (scores["target"] == scores["language"])
    frame = scores[own | scores["kind"].isin([NONE, "everything_off"])]
    named = [set_name(*row) for row in frame[["mask", "recipe", "kind", "target"]].values]
    lucky = frame["at_chance"].astype(bool)
    frame = frame.assign(
        set=pd.Series(named, frame.index).mask(frame["kind"] == NONE, NOTHING),
        at=frame["task"] + " (" + frame["language"] + ")" + lucky.map({True: ", at chance", False: ""}),
    )
    order = frame.drop_duplicates(["task", "language"])
    names = {
        (task, language): max(own["at"], key=len)
        for (task, language), own in frame.groupby(["task", "language"])
    }
    frame["at"] = [names[pair] for pair in zip(frame["task"], frame["language"], strict=True)]
    kinds = dict(frame.drop_duplicates("set").set_index("set")["kind"])
    panels = [names[pair] for pair in zip(order["task"], order["language"], strict=True)]
    chart = alt.Chart().encode(
        x=alt.X("subject:N", title=None, sort=subjects(findings.tasks)).axis(labelAngle=0),
        y=alt.Y("score:Q", title="accuracy").scale(zero=False),
        color=alt.Color("set:N", title="switched off", sort=list(kinds)).scale(
            domain=list(kinds), range=set_colours(kinds)
        ),
        tooltip=[
            "set:N",
            "subject:N",
            *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("score", "low", "high", "chance")),
        ],
    )
    chance = chart.mark_rule(strokeDash=[4, 3]).encode(y="chance:Q", x=alt.X(), color=alt.value(FAINT))
    kept = ["set", "subject", "at", "score", "low", "high", "chance"]
    return (
        alt.layer(
            chance,
            chart.mark_rule(strokeWidth=1, opacity=0.6).encode(y="low:Q", y2="high:Q"),
            chart.mark_line(point=alt.OverlayMarkDef(size=45, filled=True), strokeWidth=2),
        )
        .properties(width=150, height=150)
        .facet(
            facet=alt.Facet("at:N", title=None, sort=panels),
            columns=4,
            data=data(frame[kept]),
        )
        .resolve_scale(y="independent")
        .resolve_axis(x="independent")
    )


CHAT = Figure(
    name="chat",
    title="Does it last when the model learns to chat?",
    reading=(
        "A panel a task: its accuracy on the base model, on which the sets were found, and on the chat "
        "model, with nothing off, with the sets of the task's own language off, and with everything off. "
        "The gap to the black line is what a set costs. Dashed: chance. Thin lines: intervals over items."
    ),
    limits="Axes differ between the tasks. A task at chance shows nothing, wherever its lines lie.",
    source="benchmark",
    draw=draw,
)
