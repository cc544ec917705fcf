"""F1 per token, per character, per byte."""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.controls.charts.marks import SECOND, SET, THIRD, dots, in_order, series
from neuroglot.report.controls.columns import rows
from neuroglot.report.findings import Findings

_COLOURS = {"tokens": SET, "characters": SECOND, "bytes": THIRD}


def draw(findings: Findings) -> alt.FacetChart:
    """A dot a unit, in every language."""
    frame = rows(findings, "units")
    own = frame[frame["kind"] == "recipe"]
    shown = series(own, "language", own["unit"], "f1_relative", "f1_relative_low", "f1_relative_high")
    shown = shown.assign(collateral=own["collateral_mean"])
    return dots(
        findings, in_order(findings, pd.DataFrame(shown)), _COLOURS, "relative LangSpec-F1", domain=(0, 1)
    )


UNITS = Figure(
    name="units",
    title="Per token, character or byte",
    reading=(
        "LangSpec-F1 of the same losses, divided by tokens, characters or bytes. A tokenizer decides only "
        "the first. Lines are intervals over documents."
    ),
    limits=(
        "Smaller units have a likelihood nearer 1, so the same loss is a smaller share of it and every F1 is "
        "lower, also that of the controls. Compare within a colour."
    ),
    source="units",
    draw=draw,
)
