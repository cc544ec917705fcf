"""The tables of tasks in a run folder: written by whoever measures them, read by the page."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from neuroglot.files import write_text
from neuroglot.study.run import Run

TEXTS = (
    "subject", "mask", "recipe", "kind", "target", "language", "panel", "task", "question", "text", "answer",
    "answered_in", "problem", "method", "control", "source",
)  # fmt: skip
"""Columns where an empty cell is an empty text: everything off has no recipe."""


def keep(run: Run, frames: Mapping[str, pd.DataFrame]) -> None:
    """Writes ``tasks/tables/<name>.csv``."""
    for name, frame in frames.items():
        write_text(run.folder / "tasks" / "tables" / f"{name}.csv", frame.to_csv(index=False))


def kept(run: Run) -> dict[str, pd.DataFrame]:
    """All that is there, by name."""
    paths = sorted((run.folder / "tasks" / "tables").glob("*.csv"))
    return {path.stem: _read(path) for path in paths}


def _read(path: Path) -> pd.DataFrame:
    types = dict.fromkeys(TEXTS, str)
    frame = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=types)
    return frame.fillna({name: "" for name in TEXTS if name in frame})
