"""The table of a tuning for the terminal; the page prints the same lines."""

from rich.markup import escape
from rich.table import Table

from neuroglot.report.tuning.tuned import Tuned


def tuning_table(tuned: Tuned) -> Table:
    """What ends a tuning at the command line."""
    title = f"Change of log p in nats a token, tuned on {tuned.language}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for place, heading in enumerate(tuned.headings):
        table.add_column(escape(heading), justify="right" if place else "left", overflow="fold")
    for arm, line in zip(tuned.order, tuned.lines, strict=True):
        table.add_row(*map(escape, line), style="dim" if arm.startswith("matched ") else "")
    return table
