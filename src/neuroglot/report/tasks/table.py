"""A table of tasks: one arrangement, for the page, a README and a paper."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from neuroglot.report.tasks.sets import Line
from neuroglot.report.words import figure


@dataclass(frozen=True)
class Cell:
    """A number in words.

    Attributes:
        text: The number.
        ends: Its interval; "" if there is none.
        faint: Whether no claim rests on it, since the task is at chance.
    """

    text: str = "–"
    ends: str = ""
    faint: bool = False

    @property
    def whole(self) -> str:
        """Both, on one line."""
        return f"{self.text} {self.ends}".strip()


@dataclass(frozen=True)
class Column:
    """A column: its heading, a note under it, and how a row finds its cell.

    Attributes:
        name: The heading.
        note: What stands below it, small.
        cells: A cell for each line of the table.
        faint: Whether the task is at chance.
    """

    name: str
    cells: Sequence[Cell]
    note: str = ""
    faint: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: Of its files.
        title: What it is about.
        lines: Its rows.
        columns: Its columns.
        notes: What must be known to read it.
    """

    name: str
    title: str
    lines: Sequence[Line]
    columns: Sequence[Column]
    notes: Sequence[str]

    @property
    def header(self) -> list[str]:
        """The headings in words."""
        return ["set", *(f"{one.name} ({one.note})" if one.note else one.name for one in self.columns)]

    @property
    def body(self) -> list[list[str]]:
        """The cells in words."""
        cells = zip(*(one.cells for one in self.columns), strict=True)
        return [
            [line.label, *(cell.whole for cell in row)] for line, row in zip(self.lines, cells, strict=True)
        ]


def cells(
    frame: pd.DataFrame,
    lines: Sequence[Line],
    value: str,
    ends: tuple[str, str] | None = None,
    *,
    digits: int = 2,
    faint: bool = False,
    by_target: bool = False,
) -> list[Cell]:
    """A column's cells, found in a frame by mask.

    Args:
        frame: With one row a mask (and target).
        lines: The table's rows.
        value: The column to show.
        ends: The columns of its interval.
        digits: Decimals.
        faint: Whether the task is at chance.
        by_target: Whether the frame has a row for each target of a mask.
    """
    keys = ["mask", "target"] if by_target else ["mask"]
    known = {
        key: row
        for key, row in zip(
            frame[keys].itertuples(index=False, name=None), frame.to_dict("records"), strict=True
        )
    }
    found = []
    for line in lines:
        row = known.get((line.mask, line.target) if by_target else (line.mask,))
        if row is None or pd.isna(row[value]):
            found.append(Cell(faint=faint))
            continue
        text = ""
        if ends and pd.notna(row[ends[0]]):
            text = f"[{figure(row[ends[0]], digits)}, {figure(row[ends[1]], digits)}]"
        found.append(Cell(figure(row[value], digits), text, faint))
    return found
