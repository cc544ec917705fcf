"""LangSpec-F1 over all languages, with its interval, beside the collateral."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.findings import COLUMNS, Findings
from neuroglot.report.standings import standings
from neuroglot.report.theme import FAINT, INK, KIND_NAMES, PAPER, data, kind_colour

_WIDEST = 2.0
"""Collateral has no upper end; beyond this a point sits on the edge and its tooltip has the value."""


def draw(findings: Findings) -> alt.ConcatChart:
    """F1 as bars with whiskers, collateral as a point with a line to the worst.

    Each panel has its labels, so that a phone can show one above the other.
    """
    lines = standings(findings)
    frame = lines.assign(
        kind=lines["kind"].map(KIND_NAMES),
        mean_at=lines["collateral_mean"].clip(upper=_WIDEST),
        worst_at=lines["collateral_max"].clip(upper=_WIDEST),
    )
    chart = alt.Chart().encode(
        tooltip=[
            alt.Tooltip("label:N", title="set"),
            *(
                alt.Tooltip(f"{name}:Q", title=name.replace("_", " "), format=".3f")
                for name in COLUMNS["means"][3:]
            ),
        ],
        y=alt.Y("label:N", title=None, sort=list(lines["label"])).axis(grid=False),
    )
    return alt.concat(_f1(chart), _collateral(chart), columns=2, spacing=28, data=data(frame))


def _f1(chart: alt.Chart) -> alt.LayerChart:
    axis = alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".2~f")
    ends = {"x": "f1_relative_low:Q", "x2": "f1_relative_high:Q"}
    return alt.layer(
        chart.mark_bar(height=14).encode(
            x=alt.X("f1_relative:Q", title=None, axis=axis).scale(domain=[0, 1]), color=kind_colour()
        ),
        chart.mark_rule(color=PAPER, strokeWidth=4).encode(**ends),  # or the line would vanish in a dark bar
        chart.mark_rule(color=INK, strokeWidth=1.5).encode(**ends),
        chart.mark_point(shape="diamond", size=42, filled=True, color=PAPER, stroke=FAINT, opacity=1).encode(
            x="f1_absolute:Q"
        ),
    ).properties(width=290, height={"step": 24}, title="LangSpec-F1 (more is better)")


def _collateral(chart: alt.Chart) -> alt.LayerChart:
    axis = alt.Axis(values=[0, 0.5, 1, 1.5, 2], format=".2~f")
    return alt.layer(
        chart.mark_rule(color=INK, strokeWidth=1.5).encode(
            x=alt.X("mean_at:Q", title=None, axis=axis).scale(domain=[0, _WIDEST]), x2="worst_at:Q"
        ),
        chart.mark_point(filled=True, size=80, opacity=1).encode(x="mean_at:Q", color=kind_colour()),
    ).properties(width=290, height={"step": 24}, title="collateral (less is better)")


LANGSPEC = Figure(
    name="langspec",
    title="How specific each set is",
    reading=(
        "Left: mean LangSpec-F1 over the languages on the relative drop (bar), its bootstrap interval over "
        "documents (line) and the same on the absolute drop (diamond). It is 1 when the target language "
        "loses everything and no other loses anything. Right: what the other languages lost over what the "
        "target lost, on average (point) and for the worst hit (end of the line)."
    ),
    limits=(
        "A mean hides the hard languages (next chart), and a high F1 says little where the black bar is as "
        f"long: switching everything off scores too. Collateral beyond {_WIDEST:g} is drawn at the edge."
    ),
    source="langspec",
    draw=draw,
)
