"""Answers to open questions under every mask: the share in the question's language, and the judge's marks."""

import altair as alt
import pandas as pd

from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.marks import number_map
from neuroglot.report.findings import Findings
from neuroglot.report.tasks.columns import languages, rows
from neuroglot.report.tasks.sets import ALL_KINDS, lines


def _maps(findings: Findings, frame: pd.DataFrame, value: str, title: str) -> alt.ConcatChart:
    """A map a model: a line a set, a column a language of the question."""
    order = languages(findings.tasks)
    panels = []
    for subject, own in frame.groupby("subject", sort=False):
        label = {line.mask: line.label for line in lines(findings.tasks, str(subject), ALL_KINDS)}
        cells = own.assign(set=own["mask"].map(label)).dropna(subset=[value])
        shown = [label[mask] for mask in label if mask in set(cells["mask"])]
        chart = number_map(cells[["set", "language", value]], "language", "set", value, title, order, shown)
        panels.append(chart.properties(title=f"{subject} model"))
    return alt.concat(*panels, columns=2, spacing=28)


def _language(findings: Findings) -> alt.ConcatChart:
    return _maps(findings, rows(findings.tasks, "generation"), "in_language", "share in the language")


LANGUAGE = Figure(
    name="answer_language",
    title="Do answers keep the language of the question?",
    reading=(
        "A line a set that is off, a column a language of the questions; the number is the share of the "
        "answers that are in it. A specific set is pale in its own column and dark elsewhere."
    ),
    limits="Intervals over questions are in the table. A share says nothing of what the answers say.",
    source="generation",
    draw=_language,
)


def _marks(findings: Findings) -> alt.ConcatChart:
    return _maps(findings, rows(findings.tasks, "judge"), "score", "mean mark")


MARKS = Figure(
    name="marks",
    title="The judge's marks",
    reading=(
        "The same for the mean mark, 1 to 10, of the answers that the judge's reply could be read of. Marks "
        "cover quality and whether the answer is in the language of the question."
    ),
    limits=(
        "A judge is a model with tastes of its own: compare lines, not numbers. Marks that could not be read "
        "count nowhere."
    ),
    source="judge",
    draw=_marks,
)
