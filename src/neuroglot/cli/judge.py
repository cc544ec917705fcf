"""`neuroglot judge`: how good are the answers under a run's masks?"""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from neuroglot.cli.app import app, output, print_json, warn_in_notes
from neuroglot.cli.run import JSON

if TYPE_CHECKING:
    from neuroglot.study.run import Run
    from neuroglot.study.sections import Frames
    from neuroglot.study.tasks.settings import Judge

RUN = typer.Argument(help="The folder of a run whose answers are written (neuroglot generate).")
BASE_URL = typer.Option(
    None,
    help="Of any server that speaks the OpenAI protocol, as https://host/v1; 'bundled' tries the plumbing "
    "with the bundled model. Default: as the study says.",
)
MODEL = typer.Option(None, help="What the server calls its model.")
KEY = typer.Option(
    None, help="The environment variable with the key, if the server wants one. Default: OPENAI_API_KEY."
)
QUESTIONS = typer.Option(None, min=1, help="Judge only the answers to the first so many of each language.")
AGAIN = typer.Option(
    None, min=0, max=1, help="Share judged twice: does the judge agree with itself? Default: 0.1."
)


@app.command(epilog="Example:  neuroglot judge runs/demo --base-url http://localhost:8000/v1 --model judge")
def judge(
    run: Path = RUN,
    base_url: str | None = BASE_URL,
    model: str | None = MODEL,
    key_env: str | None = KEY,
    questions: int | None = QUESTIONS,
    again: float | None = AGAIN,
    as_json: bool = JSON,
) -> None:
    """Let a model mark the answers under a run's masks, 1 to 10; what was judged before is kept."""
    from neuroglot.progress import bar
    from neuroglot.study.run import Run
    from neuroglot.study.tasks.judging import judge_frames
    from neuroglot.study.tasks.tables import keep

    warn_in_notes()
    current = Run.open(run, bar)
    told = {"base_url": base_url, "model": model, "key": key_env, "questions": questions, "again": again}
    settings = _settings(current, {name: value for name, value in told.items() if value is not None})
    with current.lock():
        frames = judge_frames(current, settings)
        keep(current, frames)
    if as_json:
        print_json({"folder": str(run)} | {name: frame.to_dict("records") for name, frame in frames.items()})
        return
    _print(frames)
    output.print(f"\nTables: {current.folder / 'tasks' / 'tables'}", markup=False, highlight=False)


def _settings(run: "Run", told: dict[str, object]) -> "Judge":
    """The study's settings with what the command line says."""
    from neuroglot.errors import NeuroglotError
    from neuroglot.study.tasks.settings import Judge
    from neuroglot.study.validation import validated

    known = run.study.judge.model_dump() if run.study.judge else {}
    if "base_url" not in known | told:
        raise NeuroglotError(
            "the study names no judge: --base-url https://host/v1 does ('bundled' tries the plumbing)"
        )
    return validated(Judge, known | told, "judge")


def _print(frames: "Frames") -> None:
    from rich.table import Table

    from neuroglot.report.words import figure, interval

    for subject, own in frames["judge"].groupby("subject", sort=False):
        languages = list(dict.fromkeys(own["language"]))
        f1 = frames["judge_f1"]
        f1 = f1[f1["subject"] == subject]
        table = Table(
            title=f"Marks of the {subject} model's answers, 1 to 10", title_justify="left", box=None
        )
        for name in ("mask", *languages, "no mark", "empty", "F1"):
            table.add_column(name, justify="left" if name == "mask" else "right", overflow="fold")
        for mask, rows in own.groupby("mask", sort=False):
            aimed = f1[f1["mask"] == mask]
            table.add_row(
                str(mask),
                *(
                    interval(*each)
                    for each in rows[["score", "low", "high"]].itertuples(index=False, name=None)
                ),
                f"{rows['unparsable'].sum()} of {rows['answers'].sum()}",
                str(rows["empty"].sum()),
                figure(aimed["f1"].mean()),  # of a mask that is aimed at all languages: their mean
            )
        output.print(table)
    for row in frames["judge_agreement"].to_dict("records"):
        if row["pairs"]:
            output.print(
                f"{row['subject']}: judged twice, {row['pairs']:.0f} answers got the same mark in "
                f"{row['exact']:.0%}, within one in {row['within_one']:.0%}; Spearman "
                f"{figure(row['spearman'])}, weighted κ {figure(row['kappa'])}.",
                highlight=False,
            )
    if frames["judge"]["plumbing"].any():
        output.print(
            "The bundled model is no judge: these marks show that the plumbing works, and are no findings."
        )
