"""The house keeps its rules: imports go one way, no pickle, --help is light, every name says what it is."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import neuroglot

SOURCE = Path(neuroglot.__file__).parent
ROOMS = (
    "text",
    "model",
    "neurons",
    "intervention",
    "objective",
    "statistics",
    "attribution",
    "specificity",
    "evaluation",
    "study",
    "report",
    "cli",
)
OPEN_TO_ALL = ("errors", "registry", "files", "progress")
FILES = sorted(SOURCE.rglob("*.py"))


def imported(tree: ast.AST) -> list[str]:
    """Full names of every module imported anywhere in a file; relative ones keep their dots."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            names += [f"{base}.{alias.name}" if base == "neuroglot" else base for alias in node.names]
    return names


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def allowed(room: str) -> set[str]:
    above = ROOMS[: ROOMS.index(room) + 1] if room in ROOMS else ()
    return {*above, *OPEN_TO_ALL}


def test_every_file_belongs_to_a_room():
    assert {room_of(path) for path in FILES} == {*ROOMS, *OPEN_TO_ALL, "__init__"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_room_imports_only_from_rooms_above_it(path):
    room = room_of(path)
    if room == "__init__":
        return  # the front door names what lies behind it; test_public watches it
    names = imported(ast.parse(path.read_text("utf-8")))
    assert not [name for name in names if name.startswith(".")]
    ours = {name.split(".")[1] for name in names if name.startswith("neuroglot.")}
    assert ours <= allowed(room)


def test_the_rule_would_notice():
    assert imported(ast.parse("from neuroglot import study\nimport neuroglot.cli.app")) == [
        "neuroglot.study",
        "neuroglot.cli.app",
    ]
    assert "report" not in allowed("study")
    assert "model" in allowed("study")


UNSAFE_CALLS = {
    "torch.save",
    "yaml.load",
    "yaml.unsafe_load",
    "eval",
    "exec",
    "numpy.load",
    "np.load",
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_that_runs_what_it_reads(path):
    tree = ast.parse(path.read_text("utf-8"))
    assert not {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"} & {
        name.split(".")[0] for name in imported(tree)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in UNSAFE_CALLS
            true = {
                keyword.arg
                for keyword in node.keywords
                if isinstance(keyword.value, ast.Constant) and keyword.value.value is True
            }
            assert not {"trust_remote_code", "allow_pickle"} & true
            # Published masks are .pth files: tensors are read of them, and nothing is run.
            assert ast.unparse(node.func) != "torch.load" or "weights_only" in true


HEAVY = ("torch", "transformers", "datasets", "pandas", "altair", "xarray", "zarr", "numpy", "vl_convert")


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["ablate", "--help"]])
def test_what_must_answer_at_once_imports_nothing_heavy(arguments):
    script = f"""
import sys
from neuroglot.cli import main
sys.argv = ["neuroglot", *{arguments}]
try:
    main()
except SystemExit as done:
    assert not done.code
heavy = [name for name in {HEAVY} if name in sys.modules]
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_import_neuroglot_imports_nothing_heavy():
    script = f"import sys, neuroglot; assert not [name for name in {HEAVY} if name in sys.modules]"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_every_registered_name_says_what_it_is():
    from neuroglot.attribution.scores import SCORES
    from neuroglot.intervention.kinds import KINDS
    from neuroglot.model.loading import BUNDLED
    from neuroglot.objective import OBJECTIVES
    from neuroglot.specificity.contrasts import CONTRASTS, SAMPLE_CONTRASTS
    from neuroglot.statistics.language import STATISTICS
    from neuroglot.statistics.reductions import REDUCTIONS
    from neuroglot.study.recipe import load_recipe, recipe_names

    for name, entry in [*SCORES.items(), *KINDS.items(), *BUNDLED.items(), *STATISTICS.items()]:
        assert entry.about, name
    for name, entry in [*OBJECTIVES.items(), *CONTRASTS.items(), *SAMPLE_CONTRASTS.items()]:
        assert entry.__doc__, name
    for name, entry in [*REDUCTIONS.items(), *SCORES.items()]:
        assert entry.__doc__, name
    for name, score in SCORES.items():
        assert "(" not in (score.options.__doc__ or "(")[:12], f"{name}: its options say nothing"
    for name in recipe_names():
        recipe = load_recipe(name)
        assert recipe.about, name
        assert recipe.source, name
        assert recipe.name == name
