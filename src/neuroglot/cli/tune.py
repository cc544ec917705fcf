"""`neuroglot tune`: does tuning a language's neurons help it more than tuning others?"""

from pathlib import Path

import typer

from neuroglot.cli.app import app, notes, output, print_json
from neuroglot.cli.run import JSON

RUN = typer.Argument(help="The folder of a finished run.")

OUT = typer.Option(None, "--out", help="Folder. Default: tune/<recipe>-<language> in that of the run.")


@app.command(epilog="Example:  neuroglot tune runs/mine --language vi")
def tune(
    run: Path = RUN,
    language: str = typer.Option(..., help="Tune on this language of the run."),
    recipe: str | None = typer.Option(None, help="Whose neurons. Default: the run's first recipe."),
    steps: int = typer.Option(50, help="Steps of the optimiser, for every arm and step size."),
    rates: str = typer.Option(
        "1e-4,5e-4,2e-3,1e-2", help="Step sizes to choose from on validation, with commas between."
    ),
    out: Path | None = OUT,
    as_json: bool = JSON,
) -> None:
    """Tune only the neurons chosen for a language, beside matched random ones and LoRA of equal size."""
    from neuroglot.progress import bar
    from neuroglot.report.tuning import Tuned, summarise, tuning_table, write_tuning
    from neuroglot.study.run import Run
    from neuroglot.study.tuning import TuneSettings, Tuning

    settings = TuneSettings(steps=steps, rates=_numbers(rates))
    current = Run.open(run, bar)
    with current.lock():
        tuning = Tuning(current, language, recipe, settings, out)
        for arm in tuning.arms:
            notes.print(f"{arm.name}: {arm.parameters:,} trainable numbers", highlight=False)
        tuning.work()
        with notes.status("Tables, charts and page …"):
            tuned = Tuned(tuning.frames(), language, tuning.about())
            page = write_tuning(tuned, tuning.folder / "report")
    if as_json:
        names = ("arms", "changes", "differences")
        print_json(
            {"folder": str(tuning.folder), "report": str(page), "summary": summarise(tuned)}
            | {name: tuned.frames[name].to_dict("records") for name in names}
        )
        return
    output.print(tuning_table(tuned))
    for sentence in summarise(tuned):
        output.print(sentence, markup=False, highlight=False)
    output.print(f"\nReport: {page}", markup=False, highlight=False)


def _numbers(text: str) -> tuple[float, ...]:
    from neuroglot.errors import NeuroglotError

    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise NeuroglotError(f"--rates: numbers with commas between, not {text!r}") from error
