"""The tables of tasks in a run folder: written by whoever measures them, read by the page."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from neuroglot.files import write_text
from neuroglot.study.digest import digest
from neuroglot.study.run import Run

INDEX = "index.json"
"""Table → what the run was when it was measured: a study that has changed shows none of its old tables."""

TEXTS = (
    "subject", "mask", "recipe", "kind", "target", "language", "panel", "task", "question", "text", "answer",
    "answered_in", "problem", "method", "control", "source",
)  # fmt: skip
"""Columns where an empty cell is an empty text: everything off has no recipe."""


def keep(run: Run, frames: Mapping[str, pd.DataFrame]) -> None:
    """Writes ``tasks/tables/<name>.csv``, and of which sets it is."""
    folder = run.folder / "tasks" / "tables"
    for name, frame in frames.items():
        write_text(folder / f"{name}.csv", frame.to_csv(index=False))
    write_text(folder / INDEX, json.dumps(_index(folder) | dict.fromkeys(frames, _state(run)), indent=2))


def kept(run: Run) -> dict[str, pd.DataFrame]:
    """All that is there of the run's present sets, by name."""
    folder = run.folder / "tasks" / "tables"
    return {
        name: _read(folder / f"{name}.csv") for name, state in _index(folder).items() if state == _state(run)
    }


def _index(folder: Path) -> dict[str, str]:
    path = folder / INDEX
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _state(run: Run) -> str:
    scored = run.manifest["stages"]["score"]
    return digest(run.study.digest, scored["bank"], scored["model"])


def _read(path: Path) -> pd.DataFrame:
    types = dict.fromkeys(TEXTS, str)
    frame = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=types)
    return frame.fillna({name: "" for name in TEXTS if name in frame})
