"""Steering: who brings the answers into another language, and what it costs them."""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.findings import Findings
from neuroglot.report.theme import ACCENT, INK, KIND_COLOURS, data

METHODS = {
    "enhance": "enhance (times)",
    "add": "add (means)",
    "replace": "replace",
    "diffmean": "DiffMean (differences)",
}
"""Those with a strength or a set, and what their strength is."""

MARKS = {"none": "nothing done", "prompt": "asked for it in words", "own": "asked in that language"}
"""What every method stands beside."""

ALL = "all pairs"
_FOUND, _RANDOM, _STREAM = "found neurons", "matched random neurons", "residual stream"
_SERIES = {_FOUND: ACCENT, _RANDOM: KIND_COLOURS["matched"], _STREAM: "#009e73"}
_MARK_COLOURS = {"nothing done": "#882255", "asked for it in words": "#d55e00", "asked in that language": INK}
_METHOD_COLOURS = {"enhance": ACCENT, "add": "#56b4e9", "replace": "#cc79a7", "diffmean": "#009e73"}
_NUMBERS = ("in_target", "in_target_low", "in_target_high", "fluency", "chrf", "repetition", "length")


def _named(findings: Findings) -> tuple[pd.DataFrame, list[str]]:
    """The frame with names for readers, and the pairs: the mean over all first, if there are several."""
    frame = findings.tasks["steering"]
    pair = (frame["source"] + " → " + frame["target"]).mask(frame["source"] == "", ALL)
    series = (
        frame["control"].map({"": _FOUND, "matched": _RANDOM}).mask(frame["method"] == "diffmean", _STREAM)
    )
    frame = frame.assign(pair=pair, series=series, way=frame["method"].map(METHODS | MARKS))
    pairs = [name for name in dict.fromkeys(pair) if name != ALL]
    return frame, [ALL, *pairs] if len(pairs) > 1 else pairs


def _choice(name: str, pairs: list[str]) -> alt.Parameter:
    return alt.param(
        name=name, value=pairs[0], bind=alt.binding_select(options=pairs, name="asked → answered")
    )


def _tooltip(*first: str) -> list[alt.Tooltip]:
    numbers = [alt.Tooltip(f"{name}:Q", format=".3f", title=name.replace("_", " ")) for name in _NUMBERS]
    return [alt.Tooltip(name) for name in first] + numbers


def _shares(findings: Findings) -> alt.FacetChart:
    frame, pairs = _named(findings)
    steered = frame[frame["method"].isin(list(METHODS))]
    shown = [name for name in METHODS.values() if name in set(steered["way"])]
    # Every panel has the marks: they are repeated, a method at a time.
    marks = frame[frame["method"].isin(list(MARKS))].assign(series=lambda rows: rows["way"])
    repeated = [marks.assign(way=name) for name in shown]
    everything = pd.concat([steered, *repeated])
    colours = {
        name: colour
        for name, colour in (_SERIES | _MARK_COLOURS).items()
        if name in set(everything["series"])
    }
    is_mark = "datum.method === 'none' || datum.method === 'prompt' || datum.method === 'own'"
    chart = alt.Chart().encode(
        y=alt.Y("in_target:Q", title="answered in the target")
        .axis(format="%", tickCount=5)
        .scale(domain=[0, 1]),
        color=alt.Color("series:N", title=None, legend=alt.Legend(symbolOpacity=1)).scale(
            domain=list(colours), range=list(colours.values())
        ),
        tooltip=_tooltip("pair:N", "way:N", "series:N", "strength:Q"),
    )
    own = chart.transform_filter(f"!({is_mark})").encode(
        x=alt.X("strength:O", title="strength").axis(labelAngle=0)
    )
    rules = chart.mark_rule(strokeWidth=1.5, strokeDash=[2, 2]).transform_filter(is_mark)
    ends = own.mark_rule(strokeWidth=1.5, opacity=0.6).encode(y="in_target_low:Q", y2="in_target_high:Q")
    lines = own.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=40, filled=True)).encode(
        strokeDash=alt.condition(f"datum.series === '{_RANDOM}'", alt.value([5, 3]), alt.value([1, 0]))
    )
    return (
        alt.layer(rules, ends, lines)
        .properties(width=165, height=190)
        .facet(
            facet=alt.Facet("way:N", title=None, sort=shown).header(labelAnchor="start"),
            columns=4,
            data=data(everything),
        )
        .resolve_scale(x="independent")
        .transform_filter("datum.pair === steering_pair")
        .add_params(_choice("steering_pair", pairs))
    )


def _costs(findings: Findings) -> alt.HConcatChart:
    frame, pairs = _named(findings)
    names = {
        "chrf": "chrF to the answer in that language",
        "fluency": "log p of the answer, nats a character",
    }
    base = alt.Chart(data(frame)).transform_filter("datum.pair === steering_costs_pair")
    methods = [name for name in METHODS if name in set(frame["method"])]
    panels = []
    for measure, title in names.items():
        chart = base.encode(
            x=alt.X("in_target:Q", title="answered in the target")
            .axis(format="%", tickCount=5)
            .scale(domain=[0, 1]),
            y=alt.Y(f"{measure}:Q", title=title).scale(zero=False),
            tooltip=_tooltip("pair:N", "way:N", "series:N", "strength:Q"),
        )
        steered = chart.transform_filter(alt.FieldOneOfPredicate("method", methods)).encode(
            color=alt.Color("method:N", title=None, sort=methods).scale(
                domain=methods, range=[_METHOD_COLOURS[name] for name in methods]
            )
        )
        found = steered.transform_filter(f"datum.series !== '{_RANDOM}'")
        random = steered.transform_filter(f"datum.series === '{_RANDOM}'")
        marks = chart.transform_filter(alt.FieldOneOfPredicate("method", list(MARKS)))
        panels.append(
            alt.layer(
                found.mark_line(strokeWidth=1.5).encode(order="strength:Q"),
                found.mark_point(filled=True, size=70, opacity=1),
                random.mark_point(size=45, strokeWidth=1.5, opacity=0.9),
                marks.mark_point(shape="cross", filled=True, size=60, color=INK, opacity=1),
                *(
                    marks.mark_text(align=align, dx=dx, dy=-9, fontSize=11, color=INK)
                    .encode(text="way:N")
                    .transform_filter(f"datum.in_target {side} 0.6")
                    for align, dx, side in (("left", 5, "<="), ("right", 5, ">"))
                ),
            ).properties(width=330, height=260)
        )
    return alt.hconcat(*panels, spacing=40).add_params(_choice("steering_costs_pair", pairs))


STEERING = Figure(
    name="steering",
    title="Can the neurons force a language?",
    reading=(
        "Questions in one language, answered while something should bring out another: the share of answers "
        "in that other language (as the identifier tells it), a panel a method, over its strength. Grey and "
        "dashed: as many random neurons, matched, in place of the found ones; where they do as much, it is "
        "not the choice of neurons. Dotted: nothing done; the request in words, at the end of the question; "
        "and the question asked in the target language itself, the most to be had. Bars: intervals over "
        "the questions, drawn alike for all."
    ),
    limits=(
        "Strengths of different methods have nothing in common. An answer in the right language may still be "
        "nonsense: the next figure says what it costs. Unless the study names it, the layer of the "
        "difference of means was chosen on two other questions; that method has no random control here."
    ),
    source="steering",
    draw=_shares,
)

STEERING_COSTS = Figure(
    name="steering_costs",
    title="What a forced language costs",
    reading=(
        "Each point a method at a strength (lines: weak to strong; hollow: matched random neurons). Right: "
        "more answers in the target. Up, on the left: closer to what the untouched model says to the same "
        "question asked in the target (chrF, 0 to 100), so content is kept; on the right: likelier to the "
        "untouched model, after the question in the target, so fluent. Crosses: nothing done, asked in "
        "words, and asked in that language."
    ),
    limits=(
        "Two good answers to an open question share few words: chrF is low even then. Repetition is likely "
        "to any model, and looks fluent: the sentences give its share."
    ),
    source="steering",
    draw=_costs,
)

FIGURES: tuple[Figure, ...] = (STEERING, STEERING_COSTS)
