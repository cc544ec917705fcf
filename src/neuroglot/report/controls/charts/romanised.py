"""The same text in its own script and in Latin letters."""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.controls.charts.marks import CONTROL, SECOND, SET, THIRD, dots, series
from neuroglot.report.controls.columns import rows
from neuroglot.report.findings import Findings

_SERIES = {
    "native": ("native text, native set", SET),
    "romanised": ("romanised text, native set", SECOND),
    "control": ("romanised text, matched control", CONTROL),
    "found": ("romanised text, set found on it", THIRD),
}


def draw(findings: Findings) -> alt.FacetChart:
    """Four dots a language."""
    frame = rows(findings, "romanised")
    shown = pd.concat(
        [
            series(frame, "target", name, f"{column}_drop", f"{column}_low", f"{column}_high").assign(
                survives=frame["survives"], jaccard=frame["jaccard"], chance=frame["chance"]
            )
            for column, (name, _) in _SERIES.items()
        ]
    )
    return dots(findings, shown, dict(_SERIES.values()), "nats a character lost", marks=[0.0])


ROMANISED = Figure(
    name="romanised",
    title="The language in Latin letters",
    reading=(
        "What is lost when the set found on native text is off: on that text (blue) and on the same text "
        "romanised (orange), beside the matched control (grey) and the set found on romanised text (green). "
        "Orange at blue: the set follows the language; orange at grey: it follows the script."
    ),
    limits=(
        "The model has seen little romanised text, so there is less to lose; romanising loses tones and "
        "distinctions. A character of Latin letters carries less than one of the native script, so blue and "
        "orange are not on one scale; orange and grey are."
    ),
    source="romanised",
    draw=draw,
)
