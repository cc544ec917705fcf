"""The same sets, set to other values than 0."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.controls.charts.marks import dots, series
from neuroglot.report.controls.columns import rows
from neuroglot.report.findings import Findings
from neuroglot.report.theme import LANGUAGE_COLOURS


def draw(findings: Findings) -> alt.FacetChart:
    """A dot a baseline, in every language."""
    frame = rows(findings, "baselines")
    kinds = list(dict.fromkeys(frame["kind"]))
    names = {kind: str(kind).replace("_", " ") for kind in kinds}
    colours = {names[kind]: LANGUAGE_COLOURS[i % len(LANGUAGE_COLOURS)] for i, kind in enumerate(kinds)}
    shown = series(frame, "target", frame["kind"].map(names), "f1_relative", "low", "high")
    shown = shown.assign(collateral=frame["collateral_mean"], drop=frame["drop"])
    return dots(findings, shown, colours, "relative LangSpec-F1", domain=(0, 1))


BASELINES = Figure(
    name="baselines",
    title="Does it hang on the value 0?",
    reading=(
        "LangSpec-F1 of the same sets when their neurons are set to 0, to their mean over the languages, "
        "over the other languages, to the median, to a low percentile. Where the dots of a language lie "
        "together, the value hardly matters."
    ),
    limits=(
        "The own mean hands the language its own typical value, so little should be lost under it. A "
        "baseline can carry a language itself; collateral and drop are in the tooltip."
    ),
    source="baselines",
    draw=draw,
)
