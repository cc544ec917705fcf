"""A comparison on the tiny model, done once a session."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from neuroglot.study.comparison import Comparing, Comparison, load_comparison
from neuroglot.study.run import Run
from tiny_study import tiny_folder, write_study

COMPARE = {
    "budgets": ["2%", "5%", 14],
    "baselines": ["zero", "grand_mean", "percentile(5)", "median"],
    "contrasts": ["zscore", "margin", "ratio"],
    "neurons": 24,
    "effect_sentences": 2,
    "redrawn": 2,
    "thresholds": [0.5, 2.0],
    "known_answer": False,
}


class Compared(NamedTuple):
    """A finished comparison and its frames."""

    comparing: Comparing
    frames: dict[str, pd.DataFrame]


def tiny_comparison(file: Path, home: Path, **changes) -> Comparison:
    """The tiny study with a section ``compare``."""
    compare = COMPARE | changes.pop("compare", {})
    recipes = {"recipes": ["grad_act", "lape_budget", "crane", "lape"], "interventions": {"zero": "all"}}
    return load_comparison(write_study(file, home, compare=compare, **recipes | changes))


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """Read only: ``model``, ``text``, ``study.yaml`` and the finished ``run``."""
    return tiny_folder(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def compared(home, tmp_path_factory) -> Compared:
    """Read only: every section on the tiny model."""
    folder = tmp_path_factory.mktemp("comparison")
    comparison = tiny_comparison(folder / "study.yaml", home)
    comparing = Comparing(Run.begin(folder / "run", comparison), comparison)
    with comparing.run.lock():
        comparing.score()
        return Compared(comparing, comparing.frames())


@pytest.fixture
def comparison_of(home, tmp_path) -> Callable[..., Comparison]:
    """The tiny comparison with changes, read back from YAML."""
    return lambda **changes: tiny_comparison(tmp_path / "study.yaml", home, **changes)


@pytest.fixture
def again(compared, tmp_path) -> Comparing:
    """The finished comparison in a folder of one's own, as a new process finds it."""
    folder = Path(shutil.copytree(compared.comparing.run.folder, tmp_path / "run"))
    return Comparing(Run.begin(folder, compared.comparing.comparison), compared.comparing.comparison)
