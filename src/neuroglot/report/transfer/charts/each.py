"""Language by language: the surviving share, and what every set does to every language on every model."""

from dataclasses import replace

import altair as alt

from neuroglot.report.charts.drops import DROPS as STUDY_DROPS
from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.marks import number_map
from neuroglot.report.standings import labels
from neuroglot.report.transfer.charts.marks import in_order
from neuroglot.report.transfer.moved import Moved


def _languages(moved: Moved) -> alt.LayerChart:
    rows = moved.rows("survival")
    rows = rows[(rows["measure"] == "target") & (rows["language"] != "") & rows["share"].notna()]
    rows = rows.assign(set=labels(rows) + " · on " + rows["model"])
    frame, order = rows[["set", "language", "share"]], in_order(rows)
    return number_map(frame, "language", "set", "share", "share left", moved.findings.languages, order)


LANGUAGES = Figure(
    name="languages",
    title="What is left in each language",
    reading=(
        "The share of the target's loss that is left on the other model, for the set of each language; of "
        "random sets and everything off, in each language. 1 is all of it."
    ),
    limits=(
        "An empty cell: on the first model the effect could not be told from nothing. Intervals are in "
        "tables/survival.csv."
    ),
    source="survival",
    draw=_languages,
)


def _drops(moved: Moved) -> alt.TopLevelMixin:
    findings = moved.findings
    shown = findings.drops[findings.drops["kind"].isin(["recipe", "everything_off"])]
    return STUDY_DROPS.draw(replace(findings, drops=shown))


DROPS = replace(STUDY_DROPS, draw=_drops)
