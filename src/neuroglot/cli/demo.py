"""`neuroglot demo`: the bundled study on the bundled model and text."""

from pathlib import Path

import typer

from neuroglot.cli.app import app
from neuroglot.cli.run import FOLDER, JSON, run_study


@app.command(epilog="Example:  neuroglot demo --out runs/demo")
def demo(
    full: bool = typer.Option(
        False, "--full", help="All 12 languages and 5 matched controls (about two hours)."
    ),
    out: Path | None = FOLDER,
    as_json: bool = JSON,
) -> None:
    """Find, switch off and report: Gemma 3 270M in English, Chinese, Vietnamese and French ."""
    from neuroglot.study.config import load_study

    name = "demo-full" if full else "demo"
    run_study(load_study(name), out or Path("runs") / name, as_json=as_json)
