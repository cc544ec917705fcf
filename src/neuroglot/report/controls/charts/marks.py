"""What most charts of the controls are: a panel a recipe, a line a language, dots with their intervals."""

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from neuroglot.report.controls.columns import recipes_of
from neuroglot.report.findings import Findings
from neuroglot.report.theme import ACCENT, FAINT, KIND_COLOURS, data

SET, CONTROL, SECOND, THIRD = ACCENT, KIND_COLOURS["matched"], "#d55e00", "#009e73"
"""The set as it is, its control, and what else is beside them."""

WIDTH = 330
"""Of a panel: two of them fill the page."""


def dots(
    findings: Findings,
    frame: pd.DataFrame,
    series: Mapping[str, str],
    title: str,
    *,
    marks: Sequence[float] = (),
    domain: tuple[float, float] | None = None,
    format: str = ".2~f",
) -> alt.FacetChart:
    """Dots with their intervals.

    Args:
        findings: For the order of recipes and languages.
        frame: Columns ``recipe``, ``language``, ``series``, ``value``, ``low``, ``high``; further
            numbers are in the tooltip. An interval may be lacking (NaN).
        series: Name of each series → its colour, from top to bottom.
        title: Of the axis.
        marks: Where to draw dashed lines.
        domain: Of the axis; what lies beyond is drawn at its edge.
        format: Of the numbers on the axis.
    """
    shown = [name for name in series if name in set(frame["series"])]
    frame = in_order(findings, frame)
    known = ["recipe", "language", "series", "value", "low", "high"]
    if domain:
        frame = frame.assign(**{name: frame[name].clip(*domain) for name in ("value", "low", "high")})
    chart = alt.Chart().encode(
        y=alt.Y("language:N", title=None, sort=findings.languages).axis(grid=True).scale(padding=0.25),
        yOffset=alt.YOffset("series:N", sort=shown),
        color=alt.Color("series:N", title=None).scale(domain=shown, range=[series[name] for name in shown]),
        tooltip=[
            "language:N",
            "series:N",
            *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("value", "low", "high")),
            *(alt.Tooltip(f"{name}:Q", format=".3~f") for name in frame.columns.difference(known)),
        ],
    )  # fmt: skip
    scale = alt.Scale(domain=list(domain)) if domain else alt.Scale(nice=True)
    x = alt.X("value:Q", title=title, scale=scale).axis(format=format, tickCount=6)
    return panels(
        findings,
        frame,
        *(dashed(value) for value in marks),
        chart.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q"),
        chart.mark_point(filled=True, size=52, opacity=1).encode(x=x),
        step=max(22, 10 * len(shown) + 8),
    )


def panels(
    findings: Findings, frame: pd.DataFrame, *layers: alt.Chart, step: int, width: int = WIDTH
) -> alt.FacetChart:
    """A panel a recipe, a line a language."""
    order = recipes_of(findings, frame)
    return (
        alt.layer(*layers)
        .properties(width=width, height={"step": step, "for": "position"})
        .facet(
            facet=alt.Facet("recipe:N", title=None, sort=order).header(labelAnchor="start"),
            columns=2,
            data=data(frame),
        )
    )


def dashed(value: float, axis: str = "x") -> alt.Chart:
    """A dashed line at a value, in every panel."""
    return alt.Chart().mark_rule(color=FAINT, strokeDash=[4, 3]).encode(**{axis: alt.datum(value)})


def names_beside(chart: alt.Chart, frame: pd.DataFrame, x: str) -> tuple[pd.DataFrame, list[alt.Chart]]:
    """Languages written beside their points, right and left by turns, so that neighbours clash less.

    Returns:
        The frame with the side of each name, and the two layers that write them.
    """
    sides = frame.assign(side=frame.groupby("recipe")[x].rank(method="first") % 2)
    layers = [
        chart.mark_text(align=align, dx=dx, fontSize=11)
        .encode(text="language:N")
        .transform_filter(f"datum.side === {side}")
        for side, align, dx in ((1, "left", 8), (0, "right", -8))
    ]
    return sides, layers


def in_order(findings: Findings, frame: pd.DataFrame) -> pd.DataFrame:
    """Recipes best first, which is the order in which panels are filled; languages as in the study."""
    recipes = recipes_of(findings, frame)
    places = dict(
        zip([*recipes, *findings.languages], range(len(recipes) + len(findings.languages)), strict=True)
    )
    by = [name for name in ("recipe", "language") if name in frame]
    for name in reversed(by):
        frame = frame.sort_values(name, key=lambda names: names.map(places), kind="stable")
    return frame


def series(frame: pd.DataFrame, language: str, name: str | pd.Series, *columns: str) -> pd.DataFrame:
    """Some columns of a check's frame as one series of `dots`.

    Args:
        frame: The frame.
        language: The column with the languages.
        name: Of the series.
        columns: Value, and the ends of its interval where there is one.
    """
    lacking = pd.Series(float("nan"), index=frame.index)
    ends = [frame[column] for column in columns[1:]] or [lacking, lacking]
    return pd.DataFrame(
        {
            "recipe": frame["recipe"],
            "language": frame[language],
            "series": name,
            "value": frame[columns[0]],
            "low": ends[0],
            "high": ends[1],
        }
    )
