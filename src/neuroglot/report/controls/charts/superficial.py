"""Which part of a set hurts: what words in random order choose, too, or the rest?"""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.controls.charts.marks import CONTROL, SECOND, SET, THIRD, dots, series
from neuroglot.report.controls.columns import rows
from neuroglot.report.findings import Findings

_COLOURS = {
    "whole set": SET,
    "also superficial": SECOND,
    "beyond superficial": THIRD,
    "random of same size": CONTROL,
}


def draw(findings: Findings) -> alt.FacetChart:
    """A dot a part, in every language."""
    frame = rows(findings, "superficial")
    shown = series(frame, "target", frame["part"], "drop", "drop_low", "drop_high")
    shown = shown.assign(size=frame["size"], share=frame["share"], f1=frame["f1_relative"])
    return dots(findings, shown, _COLOURS, "nats a token that the target loses", marks=[0.0])


SUPERFICIAL = Figure(
    name="superficial",
    title="More than words?",
    reading=(
        "The recipe was run again on the same sentences with their words in random order. Orange: the part "
        "of each set that is chosen then, too. Green: the rest, which words and script alone do not choose. "
        "Grey: as many random neurons. If green lies at grey, the set serves words and script."
    ),
    limits=(
        "Random order leaves the words' own grammar. The parts differ in size (tooltip), and their losses "
        "need not add up to the whole set's."
    ),
    source="superficial",
    draw=draw,
)
