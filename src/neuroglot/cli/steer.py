"""`neuroglot steer`: a run's neurons against asking, and against the residual stream."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from neuroglot.cli.app import app, output, print_json, warn_in_notes
from neuroglot.cli.run import JSON, announce

if TYPE_CHECKING:
    import pandas as pd

RUN = typer.Argument(help="The folder of a finished run.")
PAIRS = typer.Option(
    None, help="Asked-answered, with commas between: en-vi,vi-en. Default: each to the next."
)
RECIPE = typer.Option(None, help="Whose sets steer. Default: the study's first.")
ENHANCE = typer.Option(None, help="Factors, with commas between; an empty text leaves the method out.")
ADD = typer.Option(None, help="Multiples of the target's mean.")
DIFFMEAN = typer.Option(None, help="Multiples of the difference of means in the residual stream.")
LAYER = typer.Option(None, min=0, help="After which layer. Default: chosen on two other questions.")
QUESTIONS = typer.Option(None, min=1, help="Questions a pair.")
TOKENS = typer.Option(None, min=1, help="Where an answer is cut.")


@app.command(epilog="Example:  neuroglot steer runs/demo --pairs en-vi --enhance 2,5 --questions 4")
def steer(
    run: Path = RUN,
    pairs: str | None = PAIRS,
    recipe: str | None = RECIPE,
    enhance: str | None = ENHANCE,
    add: str | None = ADD,
    diffmean: str | None = DIFFMEAN,
    diffmean_layer: int | None = LAYER,
    questions: int | None = QUESTIONS,
    max_new_tokens: int | None = TOKENS,
    as_json: bool = JSON,
) -> None:
    """Bring the answers to questions into another language by neurons, beside asking for it and DiffMean."""
    from neuroglot.progress import bar
    from neuroglot.study.run import Run
    from neuroglot.study.tasks.settings import Steering
    from neuroglot.study.tasks.steering import steer_frames
    from neuroglot.study.tasks.tables import keep
    from neuroglot.study.validation import validated

    warn_in_notes()
    current = Run.open(run, bar, announce)
    asked: dict[str, Any] = {
        "recipe": recipe,
        "diffmean_layer": diffmean_layer,
        "questions": questions,
        "max_new_tokens": max_new_tokens,
        "pairs": _pairs(pairs, current.study.text.languages),
        **{name: _numbers(name, told) for name, told in _told(enhance=enhance, add=add, diffmean=diffmean)},
    }
    own = current.study.steering or Steering()
    document = own.model_dump() | {name: value for name, value in asked.items() if value is not None}
    settings: Steering = validated(Steering, document, "steer")
    current.study = current.study.model_copy(update={"steering": settings})
    with current.lock():
        frames = steer_frames(current)
        keep(current, frames)
    if as_json:
        print_json(
            {"folder": str(run)}
            | {name: frame.to_dict("records") for name, frame in frames.items() if name != "steering_answers"}
        )
        return
    from neuroglot.report.tasks.steering_summary import summarise_steering

    output.print(_table(frames["steering"]))
    for sentence in summarise_steering(frames):
        output.print(sentence, markup=False, highlight=False)
    output.print(f"\nAll tables and answers: {run / 'tasks' / 'tables'}", markup=False, highlight=False)


def _told(**options: str | None) -> list[tuple[str, str]]:
    return [(name, told) for name, told in options.items() if told is not None]


def _numbers(name: str, told: str) -> list[float]:
    from neuroglot.errors import NeuroglotError

    try:
        return [float(each) for each in told.split(",") if each.strip()]
    except ValueError as error:
        raise NeuroglotError(f"--{name} {told!r}: numbers with commas between, as in 2,5") from error


def _pairs(told: str | None, languages: list[str]) -> list[tuple[str, str]] | None:
    from neuroglot.errors import unknown

    if told is None:
        return None
    known = {f"{one}-{other}": (one, other) for one in languages for other in languages if one != other}
    found = []
    for each in filter(None, map(str.strip, told.split(","))):
        if each not in known:
            raise unknown("pair of languages", each, known, "--pairs")
        found.append(known[each])
    return found


def _table(frame: "pd.DataFrame") -> Any:
    """Every pair, and all of them together, where there are several."""
    from rich.table import Table

    from neuroglot.report.words import figure, interval

    table = Table(title="Answers brought into another language", title_justify="left", box=None)
    for name in ("asked → answered", "method", "neurons"):
        table.add_column(name)
    for name in ("strength", "in target %", "in source %", "repetition", "fluency", "chrF", "length"):
        table.add_column(name, justify="right")
    several = len(set(zip(frame["source"], frame["target"], strict=True))) > 2
    for row in frame[(frame["source"] != "") | several].to_dict("records"):
        share, low, high = (100 * row[f"in_target{end}"] for end in ("", "_low", "_high"))
        table.add_row(
            f"{row['source']} → {row['target']}" if row["source"] else "all pairs",
            row["method"],
            "matched random" if row["control"] else "",
            f"{row['strength']:g}" if row["strength"] else "",
            interval(share, low, high, digits=0),
            figure(100 * row["in_source"], 0),
            *(figure(row[name]) for name in ("repetition", "fluency")),
            *(figure(row[name], 0) for name in ("chrf", "length")),
            style="dim" if row["control"] else None,
        )
    return table
