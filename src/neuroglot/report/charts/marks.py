"""What several pages draw: maps of numbers, whiskers, a line at everything off, colours of sets."""

from collections.abc import Mapping
from itertools import cycle

import altair as alt
import pandas as pd

from neuroglot.report.theme import ACCENT, FAINT, INK, LANGUAGE_COLOURS, PAPER, data

BLUES = ["#f3f5f7", "#9cc3dd", ACCENT, "#06304d"]


def number_map(
    frame: pd.DataFrame, x: str, y: str, value: str, title: str, columns: list[str], rows: list[str]
) -> alt.LayerChart:
    """Cells with their numbers, from pale to dark; what was not measured stays empty."""
    high = float(frame[value].max()) if len(frame) else 1.0
    chart = alt.Chart(data(frame)).encode(
        x=alt.X(f"{x}:N", title=None, sort=columns).axis(labelAngle=-40, orient="top"),
        y=alt.Y(f"{y}:N", title=None, sort=rows),
        tooltip=[f"{x}:N", f"{y}:N", alt.Tooltip(f"{value}:Q", format=".3f")],
    )
    cells = chart.mark_rect(stroke=PAPER, strokeWidth=1.5).encode(
        color=alt.Color(f"{value}:Q", title=title)
        .scale(domain=[0, max(high, 1e-9)], range=BLUES)
        .legend(format=".2~f", gradientLength=180)
    )
    numbers = chart.mark_text(fontSize=10).encode(
        text=alt.Text(f"{value}:Q", format=".2f"),
        color=alt.condition(alt.datum[value] > 0.55 * high, alt.value(PAPER), alt.value(INK)),
    )
    return alt.layer(cells, numbers).properties(width={"step": 44}, height={"step": 22})


def whiskers(chart: alt.Chart, low: str, high: str) -> alt.LayerChart:
    """An interval that stays visible on a dark bar."""
    ends = {"x": f"{low}:Q", "x2": f"{high}:Q"}
    return alt.layer(
        chart.mark_rule(color=PAPER, strokeWidth=4).encode(**ends),
        chart.mark_rule(color=INK, strokeWidth=1.5).encode(**ends),
    )


def at(value: float, axis: str = "y") -> alt.Chart:
    """A dashed line at a value."""
    frame = data(pd.DataFrame({"value": [value]}))
    return alt.Chart(frame).mark_rule(color=FAINT, strokeDash=[4, 3]).encode(**{axis: "value:Q"})


def set_colours(kinds: Mapping[str, str]) -> list[str]:
    """Colours of lines: nothing off black, everything off red, recipes in colour, random sets grey.

    Args:
        kinds: Set → its kind, in the order of the legend.
    """
    own, greys = cycle([ACCENT, *LANGUAGE_COLOURS[1:]]), cycle(["#8f99a5", "#c3cad2"])
    plain = {"none": INK, "everything_off": "#b03a2e"}
    return [plain.get(kind) or next(own if kind == "recipe" else greys) for kind in kinds.values()]
