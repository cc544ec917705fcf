"""The tiny study and its finished run, made once a session."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from neuroglot.study.config import Study, load_study
from tiny_study import tiny_folder, write_study


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """Read only: ``model``, ``text``, ``study.yaml`` and the finished ``run``."""
    return tiny_folder(tmp_path_factory.getbasetemp())


@pytest.fixture
def finished(home, tmp_path) -> Path:
    """A finished run of one's own."""
    return Path(shutil.copytree(home / "run", tmp_path / "run"))


@pytest.fixture
def study(home, tmp_path) -> Callable[..., Study]:
    """The tiny study with changes, read back from YAML."""

    def make(**changes) -> Study:
        return load_study(write_study(tmp_path / "study.yaml", home, **changes))

    return make
