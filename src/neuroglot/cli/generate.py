"""`neuroglot generate`: open questions, answered under a run's masks."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from neuroglot.cli.app import app, output, print_json, warn_in_notes
from neuroglot.cli.run import JSON

if TYPE_CHECKING:
    import pandas as pd

    from neuroglot.study.run import Run
    from neuroglot.study.tasks.settings import Generation

RUN = typer.Argument(help="The folder of a finished run.")


class Profile(StrEnum):
    """How long answers may be."""

    PAPER = "paper"
    QUICK = "quick"


class Engine(StrEnum):
    """Who writes."""

    LIVE = "live"
    OPENAI = "openai"


QUICK_TOKENS = 64

QUESTIONS = typer.Option(
    None,
    help="'commons' (ours, 24 in 12 languages) or a folder of <language>.jsonl. Default: as the study says, "
    "else ours.",
)
COUNT = typer.Option(None, min=1, help="Only the first so many of each language.")
PROFILE = typer.Option(
    None, help="paper: up to 2048 new tokens; quick: 64. Default: as the study says, else paper."
)
ENGINE = typer.Option(Engine.LIVE, help="The live model, or a server of a folded checkpoint.")
BASE_URL = typer.Option(None, help="Of the server, as http://localhost:8000/v1.")
MODEL = typer.Option("default", help="What the server calls its model.")
MASK = typer.Option(None, help="The mask that is folded into what the server runs.")


@app.command(epilog="Example:  neuroglot generate runs/demo --profile quick --count 8")
def generate(
    run: Path = RUN,
    questions: str | None = QUESTIONS,
    count: int | None = COUNT,
    profile: Profile | None = PROFILE,
    engine: Engine = ENGINE,
    base_url: str | None = BASE_URL,
    model: str = MODEL,
    mask: str | None = MASK,
    as_json: bool = JSON,
) -> None:
    """Let a run's models answer open questions under its masks: in which language, and how well?"""
    from neuroglot.errors import NeuroglotError
    from neuroglot.progress import bar
    from neuroglot.study.run import Run

    warn_in_notes()
    if {engine == Engine.OPENAI} != {base_url is not None, mask is not None}:
        raise NeuroglotError("--engine openai, --base-url and --mask are told together or not at all")
    current = Run.open(run, bar)
    settings = _settings(current, questions, count, profile)
    with current.lock():
        if engine == Engine.OPENAI:
            _serve(current, settings, str(base_url), model, str(mask))
            return
        from neuroglot.study.tasks.answering import answer_frames
        from neuroglot.study.tasks.tables import keep

        frames = answer_frames(current, settings)
        keep(current, frames)
    if as_json:
        print_json({"folder": str(run)} | {name: frame.to_dict("records") for name, frame in frames.items()})
        return
    _print(frames["generation"], frames["fallback"])
    where = current.folder / "tasks" / "tables"
    output.print(f"\nTables: {where}", markup=False, highlight=False)


def _settings(run: "Run", questions: str | None, count: int | None, profile: Profile | None) -> "Generation":
    """The study's settings with what the command line says."""
    from neuroglot.study.tasks.settings import Generation

    told = {"questions": questions, "count": count}
    changes = {name: value for name, value in told.items() if value is not None}
    if profile is not None:
        tokens = QUICK_TOKENS if profile == Profile.QUICK else Generation().max_new_tokens
        changes["max_new_tokens"] = tokens
    return (run.study.generation or Generation()).model_copy(update=changes)


def _serve(run: "Run", settings: "Generation", base_url: str, model: str, mask: str) -> None:
    """One mask's answers from a server, and how many masks have theirs."""
    from neuroglot.evaluation.answers.served import Served
    from neuroglot.study.tasks.answer_pieces import Answering
    from neuroglot.study.tasks.subjects import subjects

    answering = Answering(next(subjects(run)), settings)
    answering.serve(mask, Served(base_url, model), run.track)
    there, all_masks = len(answering.finished()), len(answering.subject.conditions)
    output.print(
        f"Kept the answers of mask {mask!r}; {there} of {all_masks} masks have theirs. "
        f"`neuroglot generate {run.folder}` lets the live model write the others, and shows the tables.",
        markup=False,
        highlight=False,
    )


def _print(generation: "pd.DataFrame", fallback: "pd.DataFrame") -> None:
    from rich.table import Table

    languages = list(dict.fromkeys(generation["language"]))
    for subject in dict.fromkeys(generation["subject"]):
        own = generation[generation["subject"] == subject]
        back = fallback[fallback["subject"] == subject]
        table = Table(
            title=f"Answers of the {subject} model, by language of the question", title_justify="left"
        )
        table.add_column("mask", overflow="fold")
        for name in ("in language %", "repetition %", "chrF", "length"):
            table.add_column(f"{name}\n{' / '.join(languages)}", justify="right")
        scales = {"in_language": 100, "repetition": 100, "chrf": 1, "length": 1}
        for mask, rows in own.groupby("mask", sort=False):
            shown = [
                " / ".join(f"{value:.0f}" for value in scale * rows[name]) for name, scale in scales.items()
            ]
            table.add_row(str(mask), *shown)
        output.print(table)
        matrix = Table(title="What they were answered in, % (no language: –)", title_justify="left")
        for name in ("mask", "asked in", *languages, "–"):
            matrix.add_column(name, justify="left" if name in ("mask", "asked in") else "right")
        for (mask, language), rows in back.groupby(["mask", "language"], sort=False):
            matrix.add_row(str(mask), str(language), *(f"{100 * share:.0f}" for share in rows["share"]))
        output.print(matrix)
