"""The page of a transfer: the study's page with other figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from neuroglot.report.page import write_page
from neuroglot.report.transfer.charts.gallery import GALLERY
from neuroglot.report.transfer.moved import Moved
from neuroglot.report.transfer.summary import summarise


def write_transfer(frames: Mapping[str, pd.DataFrame], about: Mapping[str, Any], folder: Path) -> Path:
    """Writes ``index.html`` and every chart as SVG and PNG.

    Args:
        frames: The transfer's (see `moved.COLUMNS`).
        about: How it was made.
        folder: Where; made if need be.

    Returns:
        The path of the page.

    Raises:
        NeuroglotError: A frame lacks a column, or the folder cannot be written.
    """
    moved = Moved(frames, about)
    said, template = summarise(moved), "transfer/page.html.j2"
    return write_page(moved.findings, GALLERY, moved, moved.rows, folder, said, template)
