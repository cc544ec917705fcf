"""The page of a comparison: the study's page with other figures, and the tables beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from neuroglot.errors import NeuroglotError
from neuroglot.report.comparison.charts.gallery import GALLERY
from neuroglot.report.comparison.compared import Compared
from neuroglot.report.comparison.summary import summarise
from neuroglot.report.comparison.tables import write_tables
from neuroglot.report.page import write_page


def write_comparison(
    frames: Mapping[str, pd.DataFrame], about: Mapping[str, Any], folder: Path, budget: float | None = None
) -> Path:
    """Writes ``index.html``, every chart as SVG and PNG, and the tables as Markdown, CSV and LaTeX.

    Args:
        frames: The comparison's (see `compared.COLUMNS`).
        about: How it was made.
        folder: Where; made if need be.
        budget: Of the main table; default: the one with controls.

    Returns:
        The path of the page.

    Raises:
        NeuroglotError: A frame lacks a column, or the folder cannot be written.
    """
    compared = Compared(frames, about, main_budget(frames) if budget is None else budget)
    page = write_page(
        compared.findings, GALLERY, compared, compared.rows, folder, summary=summarise(compared)
    )
    write_tables(compared, folder)
    return page


def main_budget(frames: Mapping[str, pd.DataFrame]) -> float:
    """The budget at which there is everything off with controls: the first that was measured.

    Raises:
        NeuroglotError: No set was measured.
    """
    means = frames.get("means")
    if means is None or not len(means):
        raise NeuroglotError("has no rows: nothing was compared", "comparison.means")
    return float(means["budget"].iloc[0])
