"""The page of a tuning: the study's page with other results and figures."""

from pathlib import Path

from neuroglot.report.page import write_page
from neuroglot.report.tuning.charts import GALLERY
from neuroglot.report.tuning.summary import summarise
from neuroglot.report.tuning.tuned import Tuned


def write_tuning(tuned: Tuned, folder: Path) -> Path:
    """Writes ``index.html``, and every chart as SVG and PNG.

    Args:
        tuned: What to show.
        folder: Where; made if need be.

    Returns:
        The path of the page.

    Raises:
        NeuroglotError: The folder cannot be written.
    """
    return write_page(
        tuned.findings,
        GALLERY,
        tuned,
        lambda name: tuned.frames[name],
        folder,
        summary=summarise(tuned),
        template="tuning/page.html.j2",
    )
