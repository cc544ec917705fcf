"""Raw target scores before and after (Le et al. 2026, Fig. 6)."""

import altair as alt

from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.marks import set_colours
from neuroglot.report.standings import labels
from neuroglot.report.theme import data
from neuroglot.report.transfer.moved import Moved


def _raw(moved: Moved) -> alt.FacetChart:
    rows = moved.rows("raw")
    rows = rows[(rows["baseline"] == "zero") | (rows["kind"] == "none")]
    recipes = list(dict.fromkeys(rows.loc[rows["kind"] == "recipe", "recipe"]))
    rows = rows[(rows["kind"] != "matched") | (rows["recipe"] == recipes[0])] if recipes else rows
    named = labels(rows).str.removesuffix(" · zero").mask(rows["kind"] == "none", "nothing off")
    frame = rows.assign(set=named)
    sets = list(dict.fromkeys(frame["set"]))
    colours = set_colours(dict(frame.drop_duplicates("set").set_index("set")["kind"]))
    chart = alt.Chart().encode(
        x=alt.X("model:N", title=None, sort=moved.models).axis(labelAngle=-30),
        y=alt.Y("score:Q", title="probability a token"),
        color=alt.Color("set:N", title="switched off", sort=sets).scale(domain=sets, range=colours),
        tooltip=[
            "set:N",
            "model:N",
            "language:N",
            *(
                alt.Tooltip(f"{name}:Q", format=".4f", title=name.replace("_", " "))
                for name in ("score", "score_low", "score_high")
            ),
        ],
    )
    ends = chart.mark_rule(strokeWidth=1).encode(y="score_low:Q", y2="score_high:Q")
    lines = chart.mark_line(point=alt.OverlayMarkDef(size=45, filled=True), strokeWidth=2)
    return (
        alt.layer(ends, lines)
        .properties(width=max(110, 50 * len(moved.models)), height=150)
        .facet(
            facet=alt.Facet("language:N", title=None, sort=moved.findings.languages),
            columns=4,
            data=data(frame),
        )
        .resolve_scale(y="independent")
    )


RAW = Figure(
    name="raw",
    title="Raw scores, before and after",
    reading=(
        "A panel a language: its per-token probability S = exp(mean log p) on each model, from where the "
        "sets were found (left) to where they were applied, with nothing off and with the language's own "
        "set, its matched control (of the first recipe), a uniform one and everything off. The gap between "
        "two lines is what a set costs; compare it left and right. Bars: intervals over documents."
    ),
    limits=(
        "Baseline zero only. Axes differ between languages, because S does. A line that falls with the "
        "black one says that the model changed, not that the set did more."
    ),
    source="raw",
    draw=_raw,
)
