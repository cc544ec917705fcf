"""The page: one HTML file that opens offline and asks nobody for anything.

* Everything is inside: styles, charts with their data, and Vega, which draws them.
* Text from outside (language, recipe and file names) is escaped wherever it lands: by Jinja in the page and
  in the charts' JSON, by Vega as text nodes. A content security policy forbids any request besides.
* Nothing half-written: each file is written beside its place and moved there, ``index.html`` last.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from neuroglot.errors import NeuroglotError
from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.gallery import GALLERY
from neuroglot.report.controls.charts.gallery import CONTROLS
from neuroglot.report.controls.columns import rows as rows_of
from neuroglot.report.controls.summary import RIVALS, readings
from neuroglot.report.findings import COLUMNS, Findings
from neuroglot.report.pictures import picture
from neuroglot.report.summary import summarise
from neuroglot.report.table import HEADINGS, table_lines
from neuroglot.report.tasks.charts.gallery import task_figures
from neuroglot.report.tasks.columns import COLUMNS as TASK_COLUMNS
from neuroglot.report.tasks.columns import rows as task_rows
from neuroglot.report.tasks.paper import write_tables
from neuroglot.report.tasks.part import part
from neuroglot.report.theme import FONT
from neuroglot.report.words import figure, interval

TEMPLATE = "page.html.j2"

__all__ = ["render", "summarise", "write_report"]


def write_report(findings: Findings, folder: Path) -> Path:
    """Write ``index.html`` and, beside it, every chart as ``charts/<name>.svg`` and ``.png``.

    Args:
        findings: What to show.
        folder: Where; made if need be. A report that is already there is replaced.

    Returns:
        The path of the page.

    Raises:
        NeuroglotError: The folder cannot be written, for example because the disk is full.
    """
    asked = readings(findings)
    controls = tuple(figure for figure in CONTROLS if figure.name in asked)

    def rows(name: str) -> pd.DataFrame:
        if name in TASK_COLUMNS:
            return task_rows(findings.tasks, name)
        return getattr(findings, name) if name in COLUMNS else rows_of(findings, name)

    write_tables(findings.tasks, folder / "tables")
    return write_page(findings, (*GALLERY, *controls, *task_figures(findings.tasks)), findings, rows, folder)


def write_page(
    findings: Findings,
    gallery: Sequence[Figure],
    shown: Any,
    rows: Callable[[str], pd.DataFrame],
    folder: Path,
    summary: Sequence[str] | None = None,
    template: str = TEMPLATE,
) -> Path:
    """Write a page with any figures.

    Args:
        findings: The results table, the pairs of recipes and the provenance.
        gallery: The figures, in their order.
        shown: What they are drawn from.
        rows: Name of a figure's source → its frame; a figure whose frame has no rows is not drawn.
        folder: Where; made if need be.
        summary: Sentences in words; default: those of the findings.
        template: What the page is made of; one that extends the study's shows other results.

    Returns:
        The path of the page.

    Raises:
        NeuroglotError: The folder cannot be written, for example because the disk is full.
    """
    drawn = {figure.name: picture(figure, shown) for figure in gallery if len(rows(figure.source))}
    specs = {name: each.spec for name, each in drawn.items()}
    page = render(findings, specs, gallery, summary, template, shown)
    charts = folder / "charts"
    try:
        charts.mkdir(parents=True, exist_ok=True)
        for name, each in drawn.items():
            _put(charts / f"{name}.svg", each.svg.encode())
            _put(charts / f"{name}.png", each.png)
        _put(folder / "index.html", page.encode())
    except OSError as error:
        raise NeuroglotError(
            f"the report cannot be written: {error.strerror or error}", str(folder)
        ) from error
    return folder / "index.html"


def render(
    findings: Findings,
    specs: dict[str, dict],
    gallery: Sequence[Figure] | None = None,
    summary: Sequence[str] | None = None,
    template: str = TEMPLATE,
    shown: Any = None,
) -> str:
    """The page as text, with the charts in ``specs`` (name → Vega-Lite specification)."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "interval": interval}
    return environment.get_template(template).render(
        shown=shown,
        about=findings.about,
        summary=summary or findings.summary or summarise(findings),
        languages=findings.languages,
        headings=HEADINGS,
        lines=table_lines(findings),
        base=findings.base.to_dict("records"),
        differences=findings.differences.to_dict("records"),
        figures=GALLERY if gallery is None else gallery,
        rivals=RIVALS,
        tasks=part(findings.tasks),
        task_figures=task_figures(findings.tasks),
        readings=readings(findings),
        font=FONT,
        specs=specs,
        # Of a script element the parser seeks only the end tag, which in code can but stand in a string.
        vega=vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script"),
    )


def _put(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        unfinished.chmod(0o644)  # mkstemp's 0600 would hide the report from a web server and from colleagues
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
