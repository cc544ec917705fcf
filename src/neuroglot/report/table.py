"""The results table, for the terminal and for the page: one arrangement, two printers."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from neuroglot.report.findings import Findings
from neuroglot.report.standings import by_language, standings
from neuroglot.report.words import figure, interval


@dataclass(frozen=True)
class Line:
    """One line of the table, every figure already in words.

    Attributes:
        label: The set and its baseline.
        kind: One of `findings.KINDS`.
        figures: Cells under `HEADINGS`.
        languages: Relative F1 in each language, in the study's order.
    """

    label: str
    kind: str
    figures: tuple[str, ...]
    languages: tuple[str, ...]


HEADINGS = ("F1 relative", "F1 absolute", "collateral", "worst", "ρ", "neurons")
"""The columns between the label and the languages."""

_STYLES = {"recipe": "", "matched": "dim", "uniform": "dim", "everything_off": "bold"}


def table_lines(findings: Findings) -> list[Line]:
    """The standings in words: recipes, controls, everything off."""
    each = by_language(findings).pivot(index="label", columns="language", values="f1_relative")
    each = each.reindex(columns=findings.languages)
    return [
        Line(
            label=line["label"],
            kind=line["kind"],
            figures=(
                interval(line["f1_relative"], line["f1_relative_low"], line["f1_relative_high"]),
                interval(line["f1_absolute"], line["f1_absolute_low"], line["f1_absolute_high"]),
                figure(line["collateral_mean"]),
                figure(line["collateral_max"]),
                interval(line["rho"], line["rho_low"], line["rho_high"], digits=1),
                f"{line['size']:.0f}",
            ),
            languages=tuple(figure(value) for value in each.loc[line["label"]]),
        )
        for _, line in standings(findings).iterrows()
    ]


def results_table(findings: Findings) -> Group:
    """The tables that end a run at the command line: means over the languages, then each language.

    The first has LangSpec-F1 with its interval, collateral and ρ; the second relative F1 in every language.
    Two of them, so that eighty columns can hold either.
    """
    means, each = _table("LangSpec-F1 on held-out text", HEADINGS), _table("F1 relative", findings.languages)
    previous = None
    for line in table_lines(findings):
        for table, cells in ((means, line.figures), (each, line.languages)):
            if previous not in (None, line.kind):
                table.add_section()
            table.add_row(escape(line.label), *map(escape, cells), style=_STYLES[line.kind])
        previous = line.kind
    return Group(means, "", each)


def _table(title: str, headings: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("set", overflow="fold")
    for heading in headings:
        # Words may break where an interval begins, but nothing is cut off.
        table.add_column(escape(heading), justify="right", overflow="fold")
    return table
