"""The results table, for the terminal and for the page: one arrangement, two printers."""

from dataclasses import dataclass

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


def results_table(findings: Findings) -> Table:
    """The table that ends a run at the command line.

    Means over the languages of LangSpec-F1 with its interval, collateral and ρ, then relative F1 in
    every language.
    """
    table = Table(title="LangSpec-F1 on held-out text", title_justify="left", box=None, pad_edge=False)
    table.add_column("set", no_wrap=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for language in findings.languages:
        table.add_column(escape(language), justify="right", no_wrap=True)
    previous = None
    for line in table_lines(findings):
        if previous not in (None, line.kind):
            table.add_section()
        table.add_row(
            escape(line.label), *map(escape, (*line.figures, *line.languages)), style=_STYLES[line.kind]
        )
        previous = line.kind
    return table
