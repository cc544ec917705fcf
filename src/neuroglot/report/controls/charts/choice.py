"""Choosing how a sentence goes on, before and after; and whether likelihood says the same."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.controls.charts.marks import (
    CONTROL,
    SECOND,
    SET,
    WIDTH,
    dashed,
    in_order,
    names_beside,
    panels,
)
from neuroglot.report.controls.columns import recipes_of, rows
from neuroglot.report.findings import Findings
from neuroglot.report.theme import FAINT, INK, data

_AFTER = {"recipe": "the set off", "matched": "matched control off", "everything_off": "everything off"}
_COLOURS = {"nothing off": INK, "the set off": SET, "matched control off": CONTROL}
_CHANCE = 0.25


def _choice(findings: Findings) -> alt.FacetChart:
    frame = rows(findings, "choice")
    own = frame[(frame["language"] == frame["target"]) & frame["kind"].isin(["recipe", "matched"])]
    own = own.assign(
        after_low=(own["accuracy_before"] - own["lost_high"]).clip(0, 1),
        after_high=(own["accuracy_before"] - own["lost_low"]).clip(0, 1),
        of=own["kind"].map(_AFTER),
    )
    own = in_order(findings, own.drop(columns="language").rename(columns={"target": "language"}))
    chart = alt.Chart().encode(
        y=alt.Y("language:N", title=None, sort=findings.languages).axis(grid=True).scale(padding=0.25),
        yOffset=alt.YOffset("of:N", sort=list(_AFTER.values())[:2]),
        tooltip=[
            "language:N",
            "of:N",
            "items:Q",
            *(
                alt.Tooltip(f"{name}:Q", title=name.replace("_", " "), format=".3f")
                for name in (
                    "accuracy_before", "before_low", "before_high", "accuracy_after", "lost", "lost_low",
                    "lost_high",
                )
            ),
        ],
    )  # fmt: skip
    colour = alt.Color("of:N", title=None, legend=alt.Legend(symbolOpacity=1)).scale(
        domain=list(_COLOURS), range=list(_COLOURS.values())
    )
    x = alt.X("accuracy_after:Q", title="share of the choices that are right").axis(format=".0%", tickCount=5)
    layers = (
        chart.mark_rule(color=FAINT, strokeWidth=1).encode(x="accuracy_before:Q", x2="accuracy_after:Q"),
        chart.mark_rule(strokeWidth=2.5, opacity=0.55).encode(
            x="after_low:Q", x2="after_high:Q", color=colour
        ),
        chart.mark_point(filled=True, size=34, opacity=1)
        .encode(x="accuracy_before:Q", color=alt.Color("start:N"))
        .transform_calculate(start="'nothing off'"),
        chart.mark_point(filled=True, size=64, opacity=1).encode(x=x.scale(domain=[0, 1]), color=colour),
    )
    return panels(findings, own, dashed(_CHANCE), *layers, step=28)


CHOICE = Figure(
    name="choice",
    title="Does a task suffer?",
    reading=(
        "Of four second halves of a sentence, all in its language, how often the right one is the likeliest: "
        "with nothing off (dark), with the target's set off (blue), with its matched control off (grey). The "
        "pale line is the interval of the loss. The dashed line is chance, 25 %."
    ),
    limits=(
        "One simple task, made of the report's own text. A language that is at chance from the start cannot "
        "lose and gets no F1; chance itself is reached only on average."
    ),
    source="choice",
    draw=_choice,
)

_VERDICTS = {
    "both": SET,
    "likelihood only": SECOND,
    "task only": "#cc79a7",
    "neither": CONTROL,
    "task at chance": "#dfe4e9",
}


def _agreement(findings: Findings) -> alt.FacetChart:
    frame = rows(findings, "agreement").rename(columns={"target": "language"})
    frame = in_order(findings, frame)
    shown = [name for name in _VERDICTS if name in set(frame["verdict"])]
    order = recipes_of(findings, frame)
    columns = ["recipe", "language", "likelihood_drop", "accuracy_lost", "verdict"]
    chart = alt.Chart().encode(
        x=alt.X("likelihood_drop:Q", title="share of the likelihood lost").axis(format=".0%", tickCount=5),
        y=alt.Y("accuracy_lost:Q", title="accuracy lost").axis(format=".0%", tickCount=5).scale(padding=12),
        tooltip=[
            "language:N",
            "verdict:N",
            *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("likelihood_drop", "accuracy_lost")),
        ],
    )
    points = chart.mark_point(filled=True, size=80, opacity=1, stroke=FAINT, strokeWidth=0.5).encode(
        color=alt.Color("verdict:N", title=None).scale(
            domain=shown, range=[_VERDICTS[name] for name in shown]
        )
    )
    sided, names = names_beside(chart, frame[columns], "likelihood_drop")
    return (
        alt.layer(dashed(0.0), dashed(0.0, "y"), points, *names)
        .properties(width=WIDTH, height=230)
        .facet(
            facet=alt.Facet("recipe:N", title=None, sort=order).header(labelAnchor="start"),
            columns=2,
            data=data(sided),
        )
    )


AGREEMENT = Figure(
    name="agreement",
    title="Where likelihood and task disagree",
    reading=(
        "A dot a language: what its set costs it in likelihood, against what it costs in right choices. The "
        "colour says for which of the two the interval excludes 0. Blue dots lose both."
    ),
    limits=(
        "“Likelihood only” can also mean that there are too few choices to show the loss. Languages "
        "at chance from the start are not judged."
    ),
    source="agreement",
    draw=_agreement,
)
