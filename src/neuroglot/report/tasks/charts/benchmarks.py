"""What every set costs every benchmark, beside LangSpec-F1 (Le et al. 2026, Fig. 4)."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.marks import whiskers
from neuroglot.report.findings import KINDS, Findings
from neuroglot.report.tasks.columns import rows
from neuroglot.report.tasks.sets import Line, lines
from neuroglot.report.theme import HARM, INK, KIND_NAMES, PAPER, data, kind_colour

_CHANCE, _CHANCE_INK = "#e6e9ed", "#8f99a5"


def draw(findings: Findings) -> alt.ConcatChart:
    """A line of two panels for each model and panel of tasks."""
    frames = findings.tasks
    scores, f1 = rows(frames, "benchmark"), rows(frames, "benchmark_f1")
    parts = []
    for (subject, panel), own in scores.groupby(["subject", "panel"], sort=False):
        shown = [line for line in lines(frames, str(subject), KINDS) if line.mask in set(own["mask"])]
        title = f"{panel}, {subject} model"
        parts.append(_losses(own, shown, title))
        marks = f1[(f1["subject"] == subject) & (f1["panel"] == panel) & f1["f1"].notna()]
        if len(marks):
            parts.append(_f1(marks, shown))
    return alt.concat(*parts, columns=2, spacing=24).resolve_scale(color="independent")


def _losses(frame: pd.DataFrame, shown: Sequence[Line], title: str) -> alt.LayerChart:
    label = {line.mask: line.label for line in shown}
    columns = frame["task"] + " (" + frame["language"] + ")"
    cells = frame.assign(column=columns, label=frame["mask"].map(label)).dropna(subset=["label"])
    most = max(float(cells["lost"].abs().max()), 0.01)
    kept = ["label", "column", "score", "lost", "lost_low", "lost_high", "at_chance"]
    chart = alt.Chart(data(cells[kept].astype({"at_chance": str}))).encode(
        x=alt.X("column:N", title=None, sort=list(dict.fromkeys(columns))).axis(orient="top", labelAngle=-40),
        y=alt.Y("label:N", title=None, sort=list(label.values())),
        tooltip=[
            alt.Tooltip("label:N", title="set"),
            alt.Tooltip("column:N", title="task"),
            *(
                alt.Tooltip(f"{name}:Q", title=name.replace("_", " "), format=".3f")
                for name in ("score", "lost", "lost_low", "lost_high")
            ),
            alt.Tooltip("at_chance:N", title="at chance"),
        ],
    )  # fmt: skip
    lucky = alt.datum.at_chance == "True"
    colour = alt.Color("lost:Q", title="accuracy lost").scale(
        domain=[-most / 4, 0, most / 3, 2 * most / 3, most], range=HARM, clamp=True
    )
    heat = chart.mark_rect(stroke=PAPER, strokeWidth=1.5).encode(
        color=alt.condition(lucky, alt.value(_CHANCE), colour.legend(format=".2~f", gradientLength=180))
    )
    numbers = chart.mark_text(fontSize=11).encode(
        text=alt.Text("lost:Q", format=".2f"),
        color=alt.when(lucky)
        .then(alt.value(_CHANCE_INK))
        .when(alt.datum.lost > 0.6 * most)
        .then(alt.value(PAPER))
        .otherwise(alt.value(INK)),
    )
    return alt.layer(heat, numbers).properties(width={"step": 54}, height={"step": 22}, title=title)


def _f1(frame: pd.DataFrame, shown: Sequence[Line]) -> alt.LayerChart:
    label = {line.mask: line.label for line in shown}
    off = frame[frame["kind"] == "everything_off"].set_index("target")["f1"]
    bars = frame.assign(
        label=frame["mask"].map(label),
        off=frame["target"].map(off),
        alone=frame["kind"].isin(["recipe", "matched"]),
        kind=frame["kind"].map(KIND_NAMES),
    )
    kept = ["label", "target", "f1", "low", "high", "collateral_mean", "off", "kind"]
    tooltip = [
        alt.Tooltip("label:N", title="set"),
        alt.Tooltip("target:N", title="scored for"),
        *(
            alt.Tooltip(f"{name}:Q", title=name.replace("_", " "), format=".3f")
            for name in ("f1", "low", "high", "collateral_mean")
        ),
        alt.Tooltip("off:Q", title="everything off", format=".3f"),
    ]  # fmt: skip
    y = (
        alt.Y("label:N", title=None, sort=list(label.values()))
        .scale(domain=list(label.values()))
        .axis(grid=False)
    )
    x = alt.X("f1:Q", title=None).scale(domain=[0, 1]).axis(values=[0, 0.25, 0.5, 0.75, 1], format=".2~f")
    own = alt.Chart(data(bars.loc[bars["alone"], kept])).encode(y=y, tooltip=tooltip)
    shared = alt.Chart(data(bars.loc[~bars["alone"], kept])).encode(y=y, tooltip=tooltip)
    return alt.layer(
        own.mark_bar(height=13).encode(x=x, color=kind_colour()),
        whiskers(own, "low", "high"),
        own.mark_tick(color="#b03a2e", thickness=2, height=20).encode(x="off:Q"),
        shared.mark_point(filled=True, size=46, opacity=1).encode(x=x, color=kind_colour()),
    ).properties(width=250, height={"step": 22}, title="LangSpec-F1")


BENCHMARKS = Figure(
    name="benchmarks",
    title="What each set costs each benchmark",
    reading=(
        "Left: accuracy with nothing off minus accuracy with the set off; a line a set, a column a task. "
        "Right: LangSpec-F1 on those losses, with its interval over items; the red mark is everything off, "
        "scored for the same language. A set that all languages share has a dot for each of them."
    ),
    limits=(
        "Grey columns are at chance with nothing switched off: they can lose nothing, and have no F1. A loss "
        "of a few points is within the noise of a few hundred items: the intervals are in the tables and "
        "under the pointer."
    ),
    source="benchmark",
    draw=draw,
)
