"""The main table for a terminal, a README and a paper."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from rich.console import Group

from neuroglot.files import write_text
from neuroglot.report.comparison.compared import Compared
from neuroglot.report.table import HEADINGS, results_table, table_lines
from neuroglot.report.written import latex, markdown


def comparison_table(frames: Mapping[str, pd.DataFrame]) -> Group:
    """The standings at the main budget, as they end a run at the command line."""
    from neuroglot.report.comparison.page import main_budget

    return results_table(Compared(frames, {}, main_budget(frames)).findings)


def write_tables(compared: Compared, folder: Path) -> None:
    """``comparison.md``, ``comparison.tex``, and every frame as CSV."""
    header, rows = _cells(compared)
    write_text(folder / "comparison.md", markdown(header, rows))
    write_text(folder / "comparison.tex", latex(header, rows))
    for name, frame in compared.frames.items():
        write_text(folder / "tables" / f"{name}.csv", frame.to_csv(index=False))


def _cells(compared: Compared) -> tuple[list[str], list[list[str]]]:
    findings = compared.findings
    header = ["set", *HEADINGS, *findings.languages]
    return header, [[line.label, *line.figures, *line.languages] for line in table_lines(findings)]
