"""`neuroglot compare`: recipes side by side, with everything that could explain a difference."""

from pathlib import Path

import typer

from neuroglot.cli.app import app, notes, output, print_json, warn_in_notes
from neuroglot.cli.run import FOLDER, JSON, announce, say_completeness

STUDY = typer.Argument(help="A study's YAML file (its section `compare` is optional), or compare-quick.")


@app.command(epilog="Example:  neuroglot compare study.yaml --quick --recipes grad_act,lape_budget,crane")
def compare(
    study: Path = STUDY,
    quick: bool = typer.Option(
        False,
        "--quick",
        help="One budget, baseline zero, 16 sentences to identify on, 8 to report, short paths, 60 neurons.",
    ),
    recipes: str | None = typer.Option(
        None, help="Compare these, with commas between, instead of the study's."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what it would take, and stop."),
    out: Path | None = FOLDER,
    as_json: bool = JSON,
) -> None:
    """Compare recipes at equal budgets: specificity, contrasts, faithfulness, overlap, stability, cost."""
    from dataclasses import asdict

    from neuroglot.progress import bar
    from neuroglot.study.comparison import Comparing, load_comparison
    from neuroglot.study.comparison.expected import expected
    from neuroglot.study.run import Run

    warn_in_notes()
    comparison = load_comparison(study)
    if recipes is not None:
        comparison = comparison.only([name.strip() for name in recipes.split(",") if name.strip()])
    if quick:
        comparison = comparison.quick()
    run = Run.begin(out or Path("runs") / study.stem, comparison, bar, announce)
    comparing = Comparing(run, comparison)
    with run.lock():
        if dry_run or not quick:
            with notes.status("Trying a little of the work …"):
                takes = expected(comparing)
            notes.print(f"This takes {takes}.", highlight=False)
            if dry_run:
                if as_json:
                    print_json(asdict(takes))
                return
        say_completeness(comparing.score())
        frames = comparing.frames()
        with notes.status("Tables, charts and page …"):
            from neuroglot.report.comparison import comparison_table, write_comparison

            page = write_comparison(frames, comparing.about(), run.folder / "report")
    if as_json:
        print_json(
            {"folder": str(run.folder), "report": str(page)}
            | {name: frames[name].to_dict("records") for name in ("means", "differences", "area")}
        )
        return
    output.print(comparison_table(frames))
    output.print(f"\nReport: {page}", markup=False, highlight=False)
