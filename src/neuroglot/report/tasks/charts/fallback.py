"""In which language a model answers when that of the question is silenced."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.marks import BLUES
from neuroglot.report.findings import Findings
from neuroglot.report.tasks.columns import NONE, languages, rows
from neuroglot.report.tasks.sets import ALL_KINDS, set_name
from neuroglot.report.theme import INK, PAPER, data

_UNKNOWN = "unknown"


def draw(findings: Findings) -> alt.FacetChart:
    """A panel a model and set of sets: question's language against the answer's, the silenced one its own."""
    shares = rows(findings.tasks, "fallback")
    shown = (shares["target"] == "") | (shares["target"] == shares["language"])
    shares = shares[shown & (shares["kind"] != "uniform")]
    names = [set_name(*row) for row in shares[["mask", "recipe", "kind", "target"]].values]
    frame = shares.assign(
        panel=shares["subject"] + ": " + names,
        answered_in=shares["answered_in"].replace("", _UNKNOWN),
    ).sort_values("kind", key=lambda kinds: kinds.map(ALL_KINDS.index), kind="stable")
    frame = frame.sort_values("subject", key=lambda subjects: subjects != "base", kind="stable")
    frame["panel"] = frame["panel"].mask(frame["kind"] == NONE, frame["subject"] + ": nothing off")
    asked = languages(findings.tasks)
    answered = [*asked, *sorted(set(frame["answered_in"]) - set(asked))]
    panels = list(dict.fromkeys(frame["panel"]))
    roomy = len(answered) <= 7
    chart = alt.Chart().encode(
        x=alt.X("answered_in:N", title=None, sort=answered).axis(
            labelAngle=0 if roomy else -60, orient="top"
        ),
        y=alt.Y("language:N", title=None, sort=asked),
        tooltip=[
            alt.Tooltip("panel:N", title="set"),
            alt.Tooltip("language:N", title="question in"),
            alt.Tooltip("answered_in:N", title="answered in"),
            alt.Tooltip("share:Q", format=".3f"),
        ],
    )
    heat = chart.mark_rect(stroke=PAPER, strokeWidth=1.5).encode(
        color=alt.Color("share:Q", title="share of the answers")
        .scale(domain=[0, 1], range=BLUES)
        .legend(format=".0%", gradientLength=180)
    )
    numbers = chart.mark_text(fontSize=10).encode(
        text=alt.Text("share:Q", format=".2f"),
        color=alt.condition(alt.datum.share > 0.5, alt.value(PAPER), alt.value(INK)),
    )
    return (
        alt.layer(*([heat, numbers] if roomy else [heat]))
        .properties(width={"step": 44 if roomy else 22}, height={"step": 24 if roomy else 20})
        .facet(
            facet=alt.Facet("panel:N", title=None, sort=panels).header(labelAnchor="start"),
            columns=3,
            data=data(frame[["panel", "language", "answered_in", "share"]]),
        )
        .resolve_axis(x="independent", y="independent")
    )  # fmt: skip


FALLBACK = Figure(
    name="fallback",
    title="Where answers fall back to",
    reading=(
        "A line a language of the question, a column a language of the answer. In the panels of a recipe and "
        "of its matched random sets it is the set of the question's own language that is off. Dark on the "
        "diagonal: the model stays in the language. Dark elsewhere: that is where it falls back to."
    ),
    limits=(
        "Languages are identified among those of the study only, so an answer in none of them is given to "
        "the likeliest; short or broken answers are easily mistaken."
    ),
    source="fallback",
    draw=draw,
)
