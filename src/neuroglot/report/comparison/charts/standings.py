"""Who stands where: the study's own charts, of the main budget."""

from dataclasses import replace

import altair as alt

from neuroglot.report.charts.langspec import LANGSPEC
from neuroglot.report.charts.marks import number_map
from neuroglot.report.comparison.compared import Compared
from neuroglot.report.standings import by_language


def _standings(compared: Compared) -> alt.TopLevelMixin:
    return LANGSPEC.draw(compared.findings)


STANDINGS = replace(LANGSPEC, source="standings", draw=_standings)


def _each(compared: Compared) -> alt.LayerChart:
    rows = by_language(compared.findings)
    rows = rows[rows["kind"].isin(["recipe", "everything_off"])]
    rows = rows.assign(set=rows["recipe"].where(rows["kind"] == "recipe", "everything off"))
    order = [*compared.recipes, "everything off"]
    frame = rows[["set", "language", "f1_relative"]]
    languages = list(compared.findings.languages)
    return number_map(frame, "language", "set", "f1_relative", "relative F1", languages, order)


EACH = replace(
    STANDINGS,
    name="languages",
    title="Language by language",
    reading="Relative LangSpec-F1 of every recipe's set for every language, beside everything off.",
    limits="Without intervals: those are in the table `standings`. Empty sets score 0.",
    draw=_each,
)
