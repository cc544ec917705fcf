"""What other languages lose, by whether they share the target's script."""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.controls.charts.marks import SECOND, SET, dashed
from neuroglot.report.controls.columns import recipes_of, rows
from neuroglot.report.findings import Findings
from neuroglot.report.theme import INK, data

_KINDS = {"same script": SECOND, "different script": SET}
_WIDEST = (-0.5, 1.5)


def draw(findings: Findings) -> alt.FacetChart:
    """A strip a kind of pair: a dot a pair of languages, the mean and its interval in ink."""
    pairs = rows(findings, "scripts")
    pairs = pairs.assign(
        pairs_of=pairs["same_script"].astype(bool).map({True: "same script", False: "different script"})
    )
    means = rows(findings, "script_pairs")
    means = means[means["pairs_of"].isin(list(_KINDS))]
    keys = ["recipe", "pairs_of", "share", "low", "high"]
    frame = pd.concat(
        [
            pairs[[*keys, "target", "language", "target_script", "language_script"]].assign(of="pair"),
            means[[*keys, "pairs"]].assign(of="mean"),
        ]
    )
    for name in ("share", "low", "high"):
        frame[name] = frame[name].clip(*_WIDEST)
    order = recipes_of(findings, frame)
    frame = frame.sort_values("recipe", key=lambda names: names.map(order.index), kind="stable")
    kinds = list(_KINDS)
    # Pairs are spread over the height of their strip by their place, so that they do not hide each other.
    place = frame.groupby(["recipe", "pairs_of", "of"]).cumcount()
    frame = frame.assign(spread=(place * 0.618) % 1)
    chart = alt.Chart().encode(y=alt.Y("pairs_of:N", title=None, sort=kinds))
    dots = (
        chart.mark_point(filled=True, size=28, opacity=0.55)
        .encode(
            x=alt.X("share:Q", title="loss of the other language over the target's").axis(
                tickCount=6, format=".2~f"
            ),
            yOffset=alt.YOffset("spread:Q").scale(domain=[-0.3, 1.3]),
            color=alt.Color("pairs_of:N", title=None, legend=None).scale(
                domain=kinds, range=list(_KINDS.values())
            ),
            tooltip=[
                "target:N", "target_script:N", "language:N", "language_script:N",
                *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("share", "low", "high")),
            ],
        )
        .transform_filter("datum.of === 'pair'")
    )  # fmt: skip
    mean = chart.transform_filter("datum.of === 'mean'").encode(
        tooltip=["pairs_of:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("share", "low", "high"))]
    )
    layers = (
        dots,
        mean.mark_rule(color=INK, strokeWidth=3).encode(x="low:Q", x2="high:Q"),
        mean.mark_point(shape="diamond", filled=True, size=130, color=INK, opacity=1).encode(x="share:Q"),
    )
    return (
        alt.layer(dashed(0.0), dashed(1.0), *layers)
        .properties(width=300, height={"step": 62, "for": "position"})
        .facet(
            facet=alt.Facet("recipe:N", title=None, sort=order).header(labelAnchor="start"),
            columns=2,
            data=data(frame),
        )
    )


SCRIPTS = Figure(
    name="scripts",
    title="Language or script?",
    reading=(
        "A dot a pair of languages: what the other language loses over what the target loses when the "
        "target's set is off; 1, at the dashed line, is as much. The diamond is the mean, with its interval "
        "over documents. If sets served scripts, languages in the same script would lie at 1."
    ),
    limits=(
        "Languages that share a script are often kin, share words and history: a difference is not the "
        f"script's alone. Shares outside of {_WIDEST[0]:g} to {_WIDEST[1]:g} are drawn at the edge."
    ).replace("-", "−"),
    source="scripts",
    draw=draw,
)
