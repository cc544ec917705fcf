"""Would the same neurons be chosen again, and how many by chance?"""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.controls.charts.marks import CONTROL, SECOND, SET, THIRD, dots, series
from neuroglot.report.controls.rivals.sets import KINDS, chosen_again
from neuroglot.report.findings import Findings

_COLOURS = {**dict(zip(KINDS.values(), (SET, THIRD, SECOND), strict=True)), "chance": CONTROL}


def draw(findings: Findings) -> alt.FacetChart:
    """A dot a kind of repetition, in every language, and what chance would give."""
    frame = chosen_again(findings)
    chance = frame.groupby(["recipe", "language"], sort=False)["chance"].mean().reset_index()
    again = series(frame, "language", frame["kind"].replace(KINDS), "jaccard")
    shown = pd.concat([again, series(chance, "language", "chance", "chance")])
    return dots(
        findings, shown, _COLOURS, "Jaccard index with the set chosen again", marks=[1 / 3], domain=(0, 1)
    )


STABILITY = Figure(
    name="stability",
    title="Would the same neurons be chosen again?",
    reading=(
        "Neurons in both selections over neurons in either: on two halves of the documents, on documents "
        "drawn again with replacement against all of them, on another corpus where one was given. Grey: "
        "random sets of the same sizes. At the dashed line, half of a set comes again."
    ),
    limits=(
        "Halves have half the text, so they agree less than two corpora of full size would. There are no "
        "intervals here; a stable set need not be a right one."
    ),
    source="stability",
    draw=draw,
)
