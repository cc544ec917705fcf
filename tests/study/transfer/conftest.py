"""The tiny study's finished run, a tuned copy of its model, and models that do not fit."""

import shutil
from pathlib import Path

import pytest

from neuroglot.study import ablating
from tiny_study import tiny_folder
from tiny_transfer import tuned_folder


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """Read only: ``model``, ``text``, ``study.yaml`` and the finished ``run``."""
    return tiny_folder(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def tuned(tmp_path_factory) -> Path:
    """Read only: the copy of the model."""
    return tuned_folder(tmp_path_factory.getbasetemp())


@pytest.fixture
def finished(home, tmp_path) -> Path:
    """A finished run of one's own."""
    return Path(shutil.copytree(home / "run", tmp_path / "run"))


@pytest.fixture
def passes(monkeypatch) -> list[str]:
    """The masks that were measured, in their order."""
    done: list[str] = []
    likelihood = ablating.likelihood

    def counted(model, samples, interventions, **options):
        done.extend(interventions)
        return likelihood(model, samples, interventions, **options)

    monkeypatch.setattr(ablating, "likelihood", counted)
    return done
