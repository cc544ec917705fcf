"""What a set writes straight to the logits, against all that it does."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.controls.charts.marks import SECOND, dashed, in_order, panels
from neuroglot.report.controls.columns import rows
from neuroglot.report.findings import Findings
from neuroglot.report.theme import INK, PAPER


def draw(findings: Findings) -> alt.FacetChart:
    """The total as a pale bar, the direct effect inside it."""
    frame = in_order(findings, rows(findings, "direct").rename(columns={"target": "language"}))
    chart = alt.Chart().encode(
        y=alt.Y("language:N", title=None, sort=findings.languages),
        tooltip=[
            "language:N",
            *(
                alt.Tooltip(f"{name}{end}:Q", format=".3f")
                for name in ("total", "direct", "share")
                for end in ("", "_low", "_high")
            ),
        ],
    )
    kinds = alt.Scale(domain=["total", "direct"], range=["#9cc3dd", SECOND])
    layers = []
    for name, height in (("total", 14), ("direct", 7)):
        layers += [
            chart.mark_bar(height=height)
            .encode(
                x=alt.X(f"{name}:Q", title="nats a token that the target loses").axis(tickCount=5),
                color=alt.Color("of:N", title=None, scale=kinds),
            )
            .transform_calculate(of=f"'{name}'"),
        ]
    for name in ("total", "direct"):
        ends = {"x": f"{name}_low:Q", "x2": f"{name}_high:Q"}
        layers += [
            chart.mark_rule(color=PAPER, strokeWidth=3.5).encode(**ends),
            chart.mark_rule(color=INK, strokeWidth=1.3).encode(**ends),
        ]
    return panels(findings, frame, *layers, dashed(0.0), step=24)


DIRECT = Figure(
    name="direct",
    title="Straight to the output, or through the model?",
    reading=(
        "Pale: what the target loses when its set is off. Orange: what it loses when only the set's own "
        "writing to the logits is taken away and all later layers see the old stream. Lines are intervals "
        "over documents. A short orange bar says that the rest passes through later layers."
    ),
    limits=(
        "Direct and indirect need not add up: later layers can repair, or the normalisation before the head "
        "can mix them, so a direct effect may be negative or longer than the total."
    ),
    source="direct",
    draw=draw,
)
