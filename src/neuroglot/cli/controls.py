"""`neuroglot controls`: a study, and everything that could explain its results otherwise."""

from pathlib import Path

import typer

from neuroglot.cli.app import app
from neuroglot.cli.run import FOLDER, JSON, run_study

STUDY = typer.Argument(help="A study's YAML file, or the folder of its run.")


@app.command(epilog="Example:  neuroglot controls runs/mine --checks units,dose,direct")
def controls(
    study: Path = STUDY,
    checks: str | None = typer.Option(
        None,
        help="Only these, with commas between. Default: those that the study names, else all that need "
        "nothing but the study.",
    ),
    out: Path | None = FOLDER,
    as_json: bool = JSON,
) -> None:
    """Check a study's sets against what else could explain them, each with a chart and a sentence."""
    from neuroglot.study.config import load_study
    from neuroglot.study.controls import asked_for

    known = load_study(study / "study.yaml" if study.is_dir() else study)
    folder = out or (study if study.is_dir() else Path("runs") / study.stem)
    run_study(asked_for(known, checks), folder, as_json=as_json)
