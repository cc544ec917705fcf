"""A set against the matched random neurons: the effect of each, and ρ."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.controls.charts.marks import CONTROL, SET, in_order, panels
from neuroglot.report.controls.columns import rows
from neuroglot.report.findings import Findings
from neuroglot.report.theme import FAINT, INK
from neuroglot.report.words import interval


def draw(findings: Findings) -> alt.FacetChart:
    """Effect and control as two dots on one line, ρ with its interval in words at the right."""
    frame = in_order(findings, rows(findings, "matched").rename(columns={"target": "language"}))
    ratios = frame[["rho", "rho_low", "rho_high"]].astype(float).values
    words = [f"ρ {interval(value, low, high, digits=1)}" for value, low, high in ratios]
    frame = frame.assign(said=words)
    chart = alt.Chart().encode(
        y=alt.Y("language:N", title=None, sort=findings.languages),
        tooltip=[
            "language:N",
            *(
                alt.Tooltip(f"{name}:Q", title=title, format=".3f")
                for name, title in (
                    ("effect", "the set"), ("control", "matched, mean"), ("rho", "ρ"), ("rho_low", "low"),
                    ("rho_high", "high"), ("standardised", "standardised effect"), ("p", "p"),
                    ("p_holm", "p, Holm"),
                )
            ),
            "seeds:Q",
        ],
    )  # fmt: skip
    kinds = alt.Scale(domain=["the set", "matched random"], range=[SET, CONTROL])
    points = [
        chart.mark_point(filled=True, size=64, opacity=1).encode(
            x=alt.X(f"{column}:Q", title="nats a token that the target loses").axis(tickCount=5),
            color=alt.Color("of:N", title=None, scale=kinds),
        ).transform_calculate(of=f"'{name}'")
        for column, name in (("control", "matched random"), ("effect", "the set"))
    ]  # fmt: skip
    line = chart.mark_rule(color=FAINT, strokeWidth=1).encode(x="control:Q", x2="effect:Q")
    rho = chart.mark_text(align="left", color=INK, fontSize=11).encode(x=alt.value(260), text="said:N")
    return panels(findings, frame, line, *points, rho, step=22, width=250)


MATCHED = Figure(
    name="matched",
    title="Would other neurons do as well?",
    reading=(
        "Blue: what the target loses when its set is off. Grey: when as many random neurons are off, of the "
        "same layers and as active, mean over the draws. At the right ρ, the first over the second, with its "
        "interval over documents: where that is above 1, it is these neurons and not any."
    ),
    limits=(
        "Matched in number, layer and activity; not in what else could matter. An interval without an upper "
        "end (≥) is one where the control does next to nothing. The tooltip has p, which n draws cannot "
        "bring below 1/(n + 1)."
    ),
    source="matched",
    draw=draw,
)
