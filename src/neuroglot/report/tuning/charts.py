"""The figures of a tuning: changes of each language, selected against its rivals, loss on the way."""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.theme import ACCENT, FAINT, KIND_COLOURS, data
from neuroglot.report.tuning.tuned import NAMES, Tuned, named

_KINDS = {"selected neurons": ACCENT, "matched random": KIND_COLOURS["matched"], "LoRA": "#d55e00"}
_KIND_OF = dict(zip(("selected", "matched", "lora"), _KINDS, strict=True))


def _changes(tuned: Tuned) -> alt.FacetChart:
    rows = tuned.frames["changes"]
    frame = rows.assign(
        arm=rows["arm"].map(named), kind=rows["kind"].map(_KIND_OF), language=rows["language"].map(_place)
    )
    order = [named(arm) for arm in tuned.order]
    return _panels(frame, "change", "arm", order, _languages(tuned))


def _differences(tuned: Tuned) -> alt.FacetChart:
    rows = tuned.frames["differences"]
    frame = rows.assign(
        arm=rows["rival"].map(lambda rival: f"selected − {_KIND_OF[rival]}"),
        kind=rows["rival"].map(_KIND_OF),
        language=rows["language"].map(_place),
    )
    return _panels(frame, "difference", "arm", list(dict.fromkeys(frame["arm"])), _languages(tuned))


def _panels(
    frame: pd.DataFrame, value: str, y: str, order: list[str], languages: list[str]
) -> alt.FacetChart:
    """A panel a language: a point a line, with its interval, and where nothing changed."""
    chart = alt.Chart().encode(
        y=alt.Y(f"{y}:N", title=None, sort=order).axis(grid=False),
        tooltip=[
            "language:N",
            f"{y}:N",
            *(alt.Tooltip(f"{name}:Q", format=".4f") for name in (value, "low", "high")),
        ],
    )
    colour = alt.Color("kind:N", title=None).scale(domain=list(_KINDS), range=list(_KINDS.values()))
    zero = alt.Chart().mark_rule(color=FAINT, strokeDash=[4, 3]).encode(x=alt.datum(0))
    whisker = chart.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q", color=colour)
    point = chart.mark_point(filled=True, size=60, opacity=1).encode(
        x=alt.X(f"{value}:Q", title="nats a token"), color=colour
    )
    return (
        alt.layer(zero, whisker, point)
        .properties(width=200, height={"step": 20})
        .facet(
            facet=alt.Facet("language:N", title=None, sort=languages),
            columns=3,
            data=data(
                frame.sort_values("language", key=lambda each: each.map(languages.index), kind="stable")
            ),
        )
    )


def _curves(tuned: Tuned) -> alt.FacetChart:
    arms = tuned.frames["arms"]
    kept = {str(arm): float(rate) for arm, rate in zip(arms["arm"], arms["rate"], strict=True)}
    rows = tuned.frames["curves"]
    frame = rows.assign(
        kept=[abs(rate / kept[arm] - 1) < 1e-9 for arm, rate in zip(rows["arm"], rows["rate"], strict=True)],
        arm=rows["arm"].map(named),
        rate=rows["rate"].map("{:g}".format),
    )
    frame = frame[(frame["part"] == "validation") | frame["kept"]]
    rates = [f"{rate:g}" for rate in sorted(rows["rate"].unique())]
    order = [named(arm) for arm in tuned.frames["arms"]["arm"]]
    chart = alt.Chart().encode(
        x=alt.X("step:Q", title="step"), y=alt.Y("loss:Q", title="nats a token").scale(zero=False)
    )
    colour = alt.Color("rate:N", title="step size", sort=rates).scale(scheme="viridis")
    train = chart.mark_line(color=FAINT, strokeWidth=1, opacity=0.5).transform_filter("datum.part == 'train'")
    validation = (
        chart.mark_line()
        .encode(
            color=colour,
            strokeWidth=alt.condition("datum.kept == 'True'", alt.value(3), alt.value(1.2)),
            tooltip=["arm:N", "rate:N", "step:Q", alt.Tooltip("loss:Q", format=".4f")],
        )
        .transform_filter("datum.part == 'validation'")
    )
    return (
        alt.layer(train, validation)
        .properties(width=230, height=170)
        .facet(
            facet=alt.Facet("arm:N", title=None, sort=order),
            columns=3,
            data=data(frame.assign(kept=frame["kept"].map(str))),
        )
    )


def _place(language: str) -> str:
    return NAMES["others"] if language == "others" else language


def _languages(tuned: Tuned) -> list[str]:
    return [*tuned.languages, NAMES["others"]]


GALLERY = (
    Figure(
        name="changes",
        title="What each arm does to each language",
        reading=(
            "A panel a language, the one that was tuned on first. Right of the dashed line the language has "
            "become more likely, left of it less. Lines are 95 % intervals over documents. All arms have as "
            "many trainable numbers, the same text in the same order, and a step size chosen for each on "
            "other documents."
        ),
        limits=(
            "The single random sets show how much the choice of random neurons matters; the interval of "
            "their mean does not. The report text is like the text that was tuned on, so help may be for its "
            "kind of text rather than for the language: another language that gains, too, says as much."
        ),
        source="changes",
        draw=_changes,
    ),
    Figure(
        name="differences",
        title="Selected neurons against their rivals",
        reading=(
            "The change under the selected neurons less that under the rival, on the same documents. Where "
            "the line crosses the dashed one this run cannot tell the two apart."
        ),
        limits="Matched random sets count as their mean. LoRA is spread over all layers, the sets are not.",
        source="differences",
        draw=_differences,
    ),
    Figure(
        name="curves",
        title="Loss on the way",
        reading=(
            "Coloured: loss on the validation documents at every step size; the thick line is the one that "
            "was kept. Grey: loss on each step's own text, at that step size."
        ),
        limits="Validation documents are of the tuned language only, and none of them is in the report.",
        source="curves",
        draw=_curves,
    ),
)
"""Every figure of a tuning, in the order of the page."""
