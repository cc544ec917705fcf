"""LangSpec-F1 in every language, one panel each."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.findings import Findings
from neuroglot.report.standings import by_language, standings
from neuroglot.report.theme import INK, KIND_NAMES, PAPER, data, kind_colour


def draw(findings: Findings) -> alt.FacetChart:
    """A panel a language: a bar a set, with its interval."""
    frame = by_language(findings)
    chart = alt.Chart().encode(
        y=alt.Y("label:N", title=None, sort=list(standings(findings)["label"])).axis(grid=False),
        tooltip=[
            alt.Tooltip("label:N", title="set"),
            alt.Tooltip("language:N"),
            alt.Tooltip("f1_relative:Q", title="F1 relative", format=".3f"),
            alt.Tooltip("f1_relative_low:Q", title="low", format=".3f"),
            alt.Tooltip("f1_relative_high:Q", title="high", format=".3f"),
            alt.Tooltip("f1_absolute:Q", title="F1 absolute", format=".3f"),
        ],
    )
    x = alt.X("f1_relative:Q", title=None).scale(domain=[0, 1]).axis(values=[0, 0.5, 1], format=".1~f")
    bars = chart.mark_bar(height=10).encode(x=x, color=kind_colour())
    ends = {"x": "f1_relative_low:Q", "x2": "f1_relative_high:Q"}
    casing = chart.mark_rule(color=PAPER, strokeWidth=3.5).encode(
        **ends
    )  # or the line would vanish in a dark bar
    whiskers = chart.mark_rule(color=INK, strokeWidth=1.3).encode(**ends)
    return (
        alt.layer(bars, casing, whiskers)
        .properties(width=160, height={"step": 18})
        .facet(
            facet=alt.Facet("language:N", title=None, sort=findings.languages).header(labelAnchor="start"),
            columns=4,
            data=data(frame.assign(kind=frame["kind"].map(KIND_NAMES))),
        )
    )


LANGUAGES = Figure(
    name="languages",
    title="The same, language by language",
    reading=(
        "LangSpec-F1 on the relative drop of the set found for each language; lines are bootstrap "
        "intervals over documents. Random sets that all languages share, and everything off, are scored as "
        "if each language were the target."
    ),
    limits=(
        "An interval covers other documents of the same corpus, not other corpora; intervals of two sets "
        "that overlap can still differ when compared in pairs (see the table of differences)."
    ),
    source="langspec",
    draw=draw,
)
