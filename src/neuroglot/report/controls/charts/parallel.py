"""Sets found on parallel and on monolingual text, on the same report."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.controls.charts.marks import SECOND, SET, dots, series
from neuroglot.report.controls.columns import rows
from neuroglot.report.findings import Findings


def draw(findings: Findings) -> alt.FacetChart:
    """A dot a kind of text, in every language."""
    frame = rows(findings, "parallel")
    shown = series(frame, "target", frame["identified_on"], "f1_relative", "low", "high")
    shown = shown.assign(collateral=frame["collateral_mean"], drop=frame["drop"], jaccard=frame["jaccard"])
    return dots(
        findings, shown, {"parallel": SET, "monolingual": SECOND}, "relative LangSpec-F1", domain=(0, 1)
    )


PARALLEL = Figure(
    name="parallel",
    title="Found on the same sentences, or on other text",
    reading=(
        "LangSpec-F1, measured on the same parallel text, of sets found on parallel sentences and of sets "
        "found on monolingual text, where each language speaks of other things. Lines are intervals over "
        "documents."
    ),
    limits=(
        "The texts differ in kind as well as in content, so a lower F1 has more than one cause. How many "
        "neurons both share is in the tooltip (Jaccard index)."
    ),
    source="parallel",
    draw=draw,
)
