"""Do scores and overlaps go with how finely the tokenizer cuts a language?"""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.controls.charts.marks import names_beside
from neuroglot.report.controls.columns import recipes_of, rows
from neuroglot.report.findings import Findings
from neuroglot.report.theme import data, language_colour

_MEASURES = {"f1_relative": "relative LangSpec-F1", "jaccard": "overlap with other languages (Jaccard)"}


def draw(findings: Findings) -> alt.ConcatChart:
    """A panel a measure and recipe; a point a language, with its name."""
    frame = rows(findings, "tokens_per_character")
    found = rows(findings, "tokens_correlation").set_index(["recipe", "of"])["spearman"].to_dict()
    parts = [
        _panel(findings, frame[frame["recipe"] == recipe], recipe, measure, found.get((recipe, measure)))
        for recipe in recipes_of(findings, frame)
        for measure in _MEASURES
    ]
    return alt.concat(*parts, columns=2)


def _panel(
    findings: Findings, frame: pd.DataFrame, recipe: str, measure: str, spearman: float | None
) -> alt.LayerChart:
    columns = ["recipe", "language", "script", "tokens_per_character", measure, "loss_per_byte"]
    chart = alt.Chart().encode(
        x=alt.X("tokens_per_character:Q", title="tokens a character").scale(zero=False, padding=24),
        y=alt.Y(f"{measure}:Q", title=_MEASURES[measure]).scale(zero=False, padding=14).axis(tickCount=5),
        tooltip=["language:N", "script:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in columns[3:])],
    )
    points = chart.mark_point(filled=True, size=70, opacity=1).encode(
        color=language_colour(findings.languages).legend(None)
    )
    sided, names = names_beside(chart, frame[columns], "tokens_per_character")
    said = "" if spearman is None or pd.isna(spearman) else f" · Spearman {spearman:.2f}".replace("-", "−")
    return alt.layer(points, *names, data=data(sided)).properties(
        width=320, height=210, title=f"{recipe}{said}"
    )


TOKENS = Figure(
    name="tokens",
    title="Scores, overlaps and tokens a character",
    reading=(
        "A point a language: how many tokens the tokenizer needs a character, against the F1 of its set and "
        "against how many neurons its set shares with the others'. Points along a line would say that the "
        "tokenizer, or what it was trained on, has a hand in it."
    ),
    limits=(
        "A handful of languages: with eight, a Spearman correlation below 0.74 can be chance. Tokens a "
        "character go with the script and with how much of a language the model has read."
    ),
    source="tokens_per_character",
    draw=draw,
)
