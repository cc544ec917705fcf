"""`neuroglot transfer`: sets found on one model, applied to others."""

from pathlib import Path

import typer

from neuroglot.cli.app import app, notes, output, print_json, warn_in_notes
from neuroglot.cli.run import JSON, announce

RUN = typer.Argument(help="The folder of a finished run: its sets, its report text, its controls.")
MODELS = typer.Argument(
    help="What the sets are applied to, in order: folders, hub ids, fine-tuning checkpoints."
)
FOLDER = typer.Option(None, "--out", help="Folder of the transfer. Default: runs/<run>-transfer.")


@app.command(epilog="Example:  neuroglot transfer runs/base chat-model --out runs/transfer")
def transfer(
    run: Path = RUN,
    models: list[str] = MODELS,
    out: Path | None = FOLDER,
    as_json: bool = JSON,
) -> None:
    """Apply a run's sets to other models without finding them anew: what is left of their effect?"""
    from neuroglot.progress import bar
    from neuroglot.study.locking import locked
    from neuroglot.study.transfer import Transfer

    warn_in_notes()
    current = Transfer.begin(run, models, out or Path("runs") / f"{run.name}-transfer", bar, announce)
    with locked(current.folder):
        frames = current.frames()
        with notes.status("Charts and page …"):
            from neuroglot.report.transfer import write_transfer

            page = write_transfer(frames, current.about(), current.folder / "report")
    if as_json:
        print_json(
            {"folder": str(current.folder), "report": str(page)}
            | {name: frames[name].to_dict("records") for name in ("survival", "f1", "raw")}
        )
        return
    from neuroglot.report.table import results_table
    from neuroglot.report.transfer.moved import Moved
    from neuroglot.report.transfer.summary import summarise

    moved = Moved(frames, current.about())
    output.print(results_table(moved.findings))
    for sentence in summarise(moved):
        output.print(sentence, markup=False, highlight=False)
    output.print(f"\nReport: {page}", markup=False, highlight=False)
