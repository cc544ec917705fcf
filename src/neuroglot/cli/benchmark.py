"""`neuroglot benchmark`: what a run's masks do to tasks of lm-evaluation-harness."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from neuroglot.cli.app import app, output, print_json, warn_in_notes
from neuroglot.cli.run import JSON

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

RUN = typer.Argument(help="The folder of a finished run.")
TASKS = typer.Option(
    None,
    help="Panels of one task a language, as in 'xnli=en:neuroglot_xnli_en,vi:neuroglot_xnli_vi'; more panels "
    "behind a semicolon. Default: the study's, else every family of docs/benchmarks.md that has two of the "
    "run's languages.",
)
LIMIT = typer.Option(
    None, min=1, help="Items a task, the same under every mask. Default: the study's, or 200."
)
FEW_SHOT = typer.Option(None, min=0, help="Solved examples before each item. Default: the study's, or 0.")
INCLUDE = typer.Option(None, "--include-path", help="A further folder with task files. Repeatable.")


@app.command(epilog="Example:  neuroglot benchmark runs/mine --limit 200")
def benchmark(
    run: Path = RUN,
    tasks: str | None = TASKS,
    limit: int | None = LIMIT,
    few_shot: int | None = FEW_SHOT,
    include_path: list[Path] | None = INCLUDE,
    as_json: bool = JSON,
) -> None:
    """Ask a run's model benchmarks while its sets are switched off. What was answered is not asked again."""
    from neuroglot.progress import bar
    from neuroglot.study.run import Run
    from neuroglot.study.tasks.benchmarking import benchmark_frames
    from neuroglot.study.tasks.panels import default_panels, parse_panels
    from neuroglot.study.tasks.settings import Benchmarks
    from neuroglot.study.tasks.tables import keep

    warn_in_notes()
    current = Run.open(run, bar)
    study = current.study.benchmarks
    told = {
        "panels": parse_panels(tasks) if tasks else None,
        "limit": limit,
        "few_shot": few_shot,
        "folders": [str(folder) for folder in include_path or []] or None,
    }
    settings = {name: value for name, value in told.items() if value is not None}
    if study is None and "panels" not in settings:
        settings["panels"] = default_panels(current.study.text.languages)
    asked = study.model_copy(update=settings) if study else Benchmarks(**settings)
    with current.lock():
        frames = benchmark_frames(current, asked)
        keep(current, frames)
    if as_json:
        print_json({name: frame.to_dict("records") for name, frame in frames.items()})
        return
    for (subject, panel), scores in frames["benchmark"].groupby(["subject", "panel"], sort=False):
        f1 = frames["benchmark_f1"]
        output.print(
            _table(f"{panel}, {subject}", scores, f1[(f1.subject == subject) & (f1.panel == panel)]), ""
        )
    output.print("Dim: the untouched model does no better there than guessing, so no F1 rests on it.")


def _table(title: str, scores: "pd.DataFrame", f1: "pd.DataFrame") -> "Table":
    """A line a mask: the score of every task, and LangSpec-F1 (of a shared mask the mean over languages)."""
    from rich.markup import escape
    from rich.table import Table

    from neuroglot.report.words import figure, interval

    table = Table(title=escape(title), title_justify="left", box=None, pad_edge=False)
    table.add_column("mask", overflow="fold")
    tasks = scores.drop_duplicates("task")
    for _, task in tasks.iterrows():
        table.add_column(
            f"{escape(task.language)}, chance {figure(task.chance)}",
            justify="right",
            style="dim" if task.at_chance else "",
        )
    table.add_column("F1", justify="right")
    for mask, own in scores.groupby("mask", sort=False):
        of = f1[f1["mask"] == mask].dropna(subset="f1")
        told = [interval(*values) for values in of[["f1", "low", "high"]].to_numpy().tolist()]
        if len(told) > 1:
            told = [f"{figure(of.f1.mean())} on average"]
        cells = [interval(*values) for values in own[["score", "low", "high"]].to_numpy().tolist()]
        table.add_row(escape(str(mask)), *cells, *(told or ["–"]))
    return table
