import json
import os
import subprocess
import sys

import pytest

from neuroglot.cli.app import print_json
from neuroglot.errors import NeuroglotError

COMMANDS = (
    "demo",
    "run",
    "score",
    "select",
    "ablate",
    "evaluate",
    "report",
    "doctor",
    "recipes",
    "models",
    "export",
    "import",
    "transfer",
)


def test_help_lists_every_command(neuroglot):
    code, out, _ = neuroglot("--help")
    assert code == 0
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(command, neuroglot):
    code, out, _ = neuroglot(command, "--help")
    assert code == 0
    assert (
        f"Example:  neuroglot {command}" in " ".join(out.split(" ")).replace("\n", " ") or "Example:" in out
    )


@pytest.mark.parametrize("arguments", [["nonsense"], ["run"], ["run", "x.yaml", "--nonsense"], ["ablate"]])
def test_a_wrong_command_line_is_a_usage_error(arguments, neuroglot):
    code, out, err = neuroglot(*arguments)
    assert (code, out) == (2, "")
    assert "Usage:" in err


@pytest.mark.parametrize("arguments", [["--debug", "recipes", "lapee"], ["recipes", "lapee", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(arguments, neuroglot):
    with pytest.raises(NeuroglotError, match="did you mean 'lape'"):
        neuroglot(*arguments)


def test_the_installed_command_says_one_line(tmp_path):
    (tmp_path / "list.yaml").write_text("- a list\n")
    line = [sys.executable, "-c", "from neuroglot.cli import main; main()", "run", "list.yaml"]
    narrow = os.environ | {"COLUMNS": "20"}
    done = subprocess.run(line, capture_output=True, text=True, env=narrow, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: list.yaml: expected keys and values\n"
    assert [path.name for path in tmp_path.iterdir()] == ["list.yaml"]


def test_a_system_error_is_one_line_that_names_the_file(refused, monkeypatch, tmp_path):
    from neuroglot.study import config

    def full(_path):
        raise OSError(28, "No space left on device", str(tmp_path / "x"))

    monkeypatch.setattr(config, "load_study", full)
    assert refused("run", "demo") == f"No space left on device ({tmp_path / 'x'})"


def test_json_is_strict(capsys):
    print_json({"rho": float("nan"), "rows": [{"high": float("inf"), "name": "đá"}], "n": (1, 2.5)})
    out = capsys.readouterr().out

    def refuse(constant):
        raise ValueError(constant)

    assert json.loads(out, parse_constant=refuse) == {
        "rho": None,
        "rows": [{"high": None, "name": "đá"}],
        "n": [1, 2.5],
    }
