"""The command line, called as its entry point is, on the tiny study."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from neuroglot.cli import main
from tiny_study import tiny_folder, write_study


class Said(NamedTuple):
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """Read only: ``model``, ``text``, ``study.yaml`` and the finished ``run``."""
    return tiny_folder(tmp_path_factory.getbasetemp())


@pytest.fixture
def finished(home, tmp_path) -> Path:
    """A finished run of one's own."""
    return Path(shutil.copytree(home / "run", tmp_path / "run"))


@pytest.fixture
def study(home, tmp_path) -> Callable[..., Path]:
    """The tiny study's file with changes."""

    def make(**changes) -> Path:
        return write_study(tmp_path / "study.yaml", home, **changes)

    return make


@pytest.fixture
def neuroglot(monkeypatch, capsys) -> Callable[..., Said]:
    """Runs one command line."""

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["neuroglot", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as done:
            code = int(done.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def refused(neuroglot) -> Callable[..., str]:
    """Runs a command that must fail as a user's mistake: exit code 1, nothing printed, one line, returned."""

    def run(*arguments: object) -> str:
        code, out, err = neuroglot(*arguments)
        line = err.strip().splitlines()[-1]
        assert (code, out) == (1, "")
        assert line.startswith("error: ")
        assert err.count("error:") == 1
        assert "Traceback" not in err
        return line.removeprefix("error: ")

    return run
