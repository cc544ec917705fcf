"""One look for every chart: calm, told apart by the colour-blind, legible in print and on a phone.

Colours mean the same everywhere: a recipe is blue, its controls are grey, everything off is nearly black. The
language colours are Okabe and Ito's set and, beyond its seven, Paul Tol's muted one.
"""

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

INK, FAINT, PAPER = "#1f2933", "#6b7785", "#ffffff"
ACCENT = "#0b64a0"
KIND_COLOURS = {"recipe": ACCENT, "matched": "#8f99a5", "uniform": "#c3cad2", "everything_off": "#2b2f36"}
KIND_NAMES = {
    "recipe": "recipe",
    "matched": "matched random",
    "uniform": "uniform random",
    "everything_off": "everything off",
}
LANGUAGE_COLOURS = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
    "#882255", "#999933", "#332288", "#44aa99", "#aa4499", "#6b7785",
]  # fmt: skip
HARM = ["#3d8f8a", "#f6f5f2", "#f3c48f", "#d9772b", "#7d2d05"]
"""A drop: teal where the language got better, paper where nothing happened, brown where it was lost."""

FONT = ", ".join(
    [
        "Inter",
        "'Segoe UI'",
        "'Helvetica Neue'",
        "Arial",
        "'Liberation Sans'",
        "'Noto Sans'",
        "'Noto Sans CJK SC'",
        "sans-serif",
    ]
)

CONFIG: Mapping[str, Any] = {
    "background": PAPER,
    "font": FONT,
    "padding": 6,
    "view": {"stroke": None, "continuousWidth": 320, "continuousHeight": 200},
    "axis": {
        "labelColor": INK,
        "titleColor": FAINT,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelLimit": 240,
        "gridColor": "#e6e9ed",
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
    },
    "header": {
        "labelColor": INK,
        "labelFontSize": 13,
        "labelFontWeight": 600,
        "labelLimit": 240,
        "titleColor": FAINT,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
    "legend": {
        "labelColor": INK,
        "titleColor": FAINT,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "orient": "top",
        "labelLimit": 200,
        "symbolLimit": 0,
    },
    "title": {"color": INK, "fontSize": 13, "fontWeight": 600, "anchor": "start", "frame": "group"},
    "text": {"color": INK, "fontSize": 12},
}


def data(frame: pd.DataFrame) -> alt.InlineData:
    """A frame as CSV inside the chart: a third of the size of records, and no limit on rows.

    Four significant digits are more than a pixel shows. Infinities have no place on an axis and become gaps.
    """
    finite = frame.replace([float("inf"), float("-inf")], float("nan"))
    numeric = {str(name): pd.api.types.is_numeric_dtype(kind) for name, kind in frame.dtypes.items()}
    parse = {name: "number" if yes else "string" for name, yes in numeric.items()}
    return alt.InlineData(
        values=finite.to_csv(index=False, float_format="%.4g"),
        format=alt.CsvDataFormat(type="csv", parse=parse),
    )


def kind_colour() -> alt.Color:
    """Recipe, control or everything off, as colour."""
    return alt.Color("kind:N", title=None).scale(
        domain=[KIND_NAMES[kind] for kind in KIND_COLOURS], range=list(KIND_COLOURS.values())
    )


def language_colour(languages: list[str]) -> alt.Color:
    """The same colour for a language in every chart."""
    colours = [LANGUAGE_COLOURS[i % len(LANGUAGE_COLOURS)] for i in range(len(languages))]
    return alt.Color("language:N", title="language").scale(domain=languages, range=colours)
