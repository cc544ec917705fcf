"""`neuroglot score | select | ablate | evaluate | report`: a study a stage at a time, in its run folder.

Each takes a study's YAML file (and begins a run) or the folder of a run, does its stage, and keeps what is
finished.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from neuroglot.cli.app import app, output, print_json
from neuroglot.cli.run import FOLDER, JSON, announce, say_completeness

if TYPE_CHECKING:
    from neuroglot.neurons import NeuronSet
    from neuroglot.study.run import Run

STUDY = typer.Argument(help="A study's YAML file, or the folder of its run.")
NEURONS = typer.Option(
    None, help="Switch off these neuron sets (JSON) instead of the run's own, and print what languages lose."
)


def _run(study: Path, out: Path | None) -> "Run":
    from neuroglot.progress import bar
    from neuroglot.study.config import load_study
    from neuroglot.study.run import Run

    if study.is_dir():
        return Run.open(study, bar, announce)
    return Run.begin(out or Path("runs") / study.stem, load_study(study), bar, announce)


@app.command(epilog="Example:  neuroglot score study.yaml --out runs/mine")
def score(study: Path = STUDY, out: Path | None = FOLDER, as_json: bool = JSON) -> None:
    """Read the identification text once and keep every score that the recipes need."""
    run = _run(study, out)
    with run.lock():
        bank = run.score()
    say_completeness(bank)
    if as_json:
        print_json(
            {
                "folder": str(run.folder),
                "languages": bank.languages,
                "bank": run.manifest["stages"]["score"]["bank"],
            }
        )
    else:
        output.print(f"{bank!r}\nin {run.folder}", markup=False, highlight=False)


@app.command(epilog="Example:  neuroglot select runs/mine")
def select(study: Path = STUDY, out: Path | None = FOLDER, as_json: bool = JSON) -> None:
    """Choose the neurons of every language, and their random controls, from the scores."""
    run = _run(study, out)
    with run.lock():
        run.select()
    sets = {
        recipe: {language: own.describe() for language, own in by.items()} for recipe, by in run.sets.items()
    }
    if as_json:
        print_json({"folder": str(run.folder / "sets"), "sets": sets})
        return
    from rich.table import Table

    table = Table(title=f"Neurons chosen ({run.folder / 'sets'})", title_justify="left", box=None)
    table.add_column("recipe")
    for language in run.study.text.languages:
        table.add_column(language, justify="right")
    for recipe, by_language in sets.items():
        table.add_row(recipe, *(f"{about['neurons']}" for about in by_language.values()))
    output.print(table)


@app.command(epilog="Example:  neuroglot ablate runs/mine --neurons vi.json")
def ablate(
    study: Path = STUDY,
    neurons: list[Path] | None = NEURONS,
    out: Path | None = FOLDER,
    as_json: bool = JSON,
) -> None:
    """Switch every set off in turn and measure the report text."""
    run = _run(study, out)
    if neurons:
        from neuroglot.study.steps import ablate as switch_off

        given = _given(run, neurons)
        table = switch_off(run.model, given, run.text["report"], unit=run.study.text.unit, track=run.track)
    else:
        with run.lock():
            table = run.ablate().described()
    if as_json:
        print_json(table.to_dict("records"))
    else:
        output.print(table.to_string(index=False), markup=False, highlight=False)


def _given(run: "Run", files: list[Path]) -> "dict[str, NeuronSet]":
    """Language → set, once each fits the run's model and languages."""
    from neuroglot.errors import NeuroglotError
    from neuroglot.intervention.hooks import check_fits
    from neuroglot.neurons import NeuronSet
    from neuroglot.study.validation import located
    from neuroglot.text.corpus import checked_languages

    given: dict[str, NeuronSet] = {}
    for path in files:
        neurons = NeuronSet.load(path)
        with located(str(path)):
            checked_languages([neurons.language], run.study.text.languages, "")
            if neurons.language in given:
                raise NeuroglotError(f"a second set for {neurons.language!r}: give one a language")
            check_fits(run.model, neurons)
        given[neurons.language] = neurons
    return given


@app.command(epilog="Example:  neuroglot evaluate runs/mine --json")
def evaluate(study: Path = STUDY, out: Path | None = FOLDER, as_json: bool = JSON) -> None:
    """LangSpec-F1, collateral, ρ and the differences between recipes, from what `ablate` measured."""
    run = _run(study, out)
    with run.lock():
        tables = run.tables()
    if as_json:
        print_json({name: frame.to_dict("records") for name, frame in vars(tables).items()})
    else:
        output.print(tables.means.round(3).to_string(index=False), markup=False, highlight=False)
        output.print(f"\nAll tables: {run.folder / 'results'}", markup=False, highlight=False)


@app.command(epilog="Example:  neuroglot report runs/mine")
def report(study: Path = STUDY, out: Path | None = FOLDER, as_json: bool = JSON) -> None:
    """Write the HTML page of a finished run, with every chart as SVG and PNG beside it."""
    from neuroglot.report.gather import gather
    from neuroglot.report.page import write_report

    run = _run(study, out)
    with run.lock():
        page = write_report(gather(run), run.folder / "report")
    if as_json:
        print_json({"report": str(page)})
    else:
        output.print(f"Report: {page}", markup=False, highlight=False)
