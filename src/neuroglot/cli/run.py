"""`neuroglot run`: a whole study, from text to page; also what `demo` does."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from neuroglot.cli.app import app, notes, output, print_json, warn_in_notes

if TYPE_CHECKING:
    from neuroglot.statistics.bank import ScoreBank
    from neuroglot.study.config import Study
    from neuroglot.study.executors.estimate import Estimate

FOLDER = typer.Option(None, "--out", help="Run folder. Default: runs/<name of the study>.")
STUDY = typer.Argument(help="A study's YAML file, or the name of a bundled one (demo, demo-full).")
JSON = typer.Option(False, "--json", help="Print the results as JSON.")


@app.command(epilog="Example:  neuroglot run study.yaml --out runs/mine")
def run(
    study: Path = STUDY,
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what it would take, and stop."),
    out: Path | None = FOLDER,
    as_json: bool = JSON,
) -> None:
    """Run a study: score, select, switch off, evaluate, report. A run that was cut short continues."""
    from neuroglot.study.config import load_study

    if dry_run:
        say_expected(load_study(study), as_json=as_json)
        return
    run_study(load_study(study), out or Path("runs") / study.stem, as_json=as_json)


def announce(expected: "Estimate") -> None:
    """Says what a long stage will take, on standard error."""
    notes.print(f"This takes {expected}.", highlight=False)


def say_expected(study: "Study", *, as_json: bool) -> None:
    """A line a part: tokens and time; then memory, and on what all this rests."""
    from dataclasses import asdict

    from rich.table import Table

    from neuroglot.study.executors.estimate import duration
    from neuroglot.study.expecting import expected

    with notes.status("Counting …"):
        found = expected(study)
    if as_json:
        print_json(asdict(found) | {"seconds": found.seconds})
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("part", "tokens", "time"):
        table.add_column(heading, justify="left" if heading == "part" else "right")
    for part in found.parts:
        table.add_row(part.name, f"{part.tokens:,}", duration(part.seconds))
    output.print(table)
    parameters = (found.size.body + found.size.head) / 1e9
    output.print(
        f"In all about {duration(found.seconds)} and {found.memory / 1e9:.1f} GB on {found.machine.name}; "
        f"{parameters:.2f} billion parameters, by the model's {found.size.known_from}.",
        highlight=False,
    )


def say_completeness(bank: "ScoreBank") -> None:
    """What path scores lack in each layer, on standard error."""
    by_score: dict[str, list[str]] = {}
    for name, layer, share in bank.completeness:
        by_score.setdefault(name, []).append(f"{layer}: {share:.0%}")
    for name, layers in by_score.items():
        notes.print(
            f"{name} lacks of the change in s, layer by layer: {', '.join(layers)}",
            highlight=False,
            markup=False,
        )


def run_study(study: "Study", folder: Path, *, as_json: bool) -> None:
    """All stages in one folder, then the table and the path of the page."""
    from neuroglot.progress import bar
    from neuroglot.report.controls.summary import summarise_controls
    from neuroglot.report.gather import gather
    from neuroglot.report.page import write_report
    from neuroglot.report.summary import summarise
    from neuroglot.report.table import results_table
    from neuroglot.report.tasks.summary import summarise_tasks
    from neuroglot.study.controls import Controlling
    from neuroglot.study.run import Run
    from neuroglot.study.tasks.measuring import measure, rehearse

    warn_in_notes()
    current = Run.begin(folder, study, bar, announce)
    with current.lock():
        rehearse(current)
        say_completeness(current.score())
        current.select()
        current.ablate()
        Controlling(current).frames()
        measure(current)
        with notes.status("Tables, charts and page …"):
            findings = gather(current)
            page = write_report(findings, folder / "report")
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "report": str(page),
                "means": findings.means.to_dict("records"),
                "controls": {name: frame.to_dict("records") for name, frame in findings.controls.items()},
                "tasks": {name: frame.to_dict("records") for name, frame in findings.tasks.items()},
            }
        )
        return
    output.print(results_table(findings))
    said = [*summarise(findings), *summarise_controls(findings), *summarise_tasks(findings.tasks)]
    for sentence in said:
        output.print(sentence, markup=False)
    output.print(f"\nReport: {page}", markup=False, highlight=False)
