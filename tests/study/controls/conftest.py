"""A finished run on the tiny model whose checks may be tried."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from neuroglot.study.config import load_study
from neuroglot.study.controls import Controlling
from neuroglot.study.run import Run
from tiny_study import run_stages, tiny_folder, write_study


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """Read only: ``model``, ``text``, ``study.yaml`` and the finished ``run``."""
    return tiny_folder(tmp_path_factory.getbasetemp())


@pytest.fixture
def controlling(home, tmp_path) -> Callable[..., Controlling]:
    """The tiny study with these checks (and other changes), run up to its checks, in a folder of its own."""

    def make(*checks: object, **changes: object) -> Controlling:
        study = load_study(write_study(tmp_path / "study.yaml", home, checks=list(checks), **changes))
        folder = tmp_path / "run"
        if not folder.exists():
            shutil.copytree(home / "run", folder)
        run: Run = run_stages(folder, study)
        return Controlling(run)

    return make
