"""`neuroglot`: its commands, and what becomes of an error.

Exit codes: 0 done, 1 it could not be done (one line says why), 2 the command line itself is wrong. Nothing
heavy is imported here: `--help` must answer at once.
"""

import json
import math
import sys
from typing import Any

import typer
from rich.console import Console

from neuroglot.errors import NeuroglotError

app = typer.Typer(
    help="Which neurons does a language model need for a language? "
    "Find them, then prove it by switching them off.",
    epilog="Start here:  neuroglot demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

output = Console(soft_wrap=True)
if not output.is_terminal:  # a log or a pipe has no width of its own
    output.width = 120
notes = Console(stderr=True, soft_wrap=True)


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Which neurons does a language model need for a language?"""


def warn_in_notes() -> None:
    """Warnings of long work appear beside its progress, on standard error."""
    import logging

    from rich.logging import RichHandler

    handler = RichHandler(console=notes, show_time=False)
    logging.basicConfig(level="WARNING", format="%(message)s", handlers=[handler])


def print_json(value: Any) -> None:
    """For scripts: one JSON document on standard output, nothing else; NaN and infinity become null."""
    sys.stdout.write(json.dumps(_finite(value), ensure_ascii=False, default=str, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, (list, tuple)) else value


def main() -> None:
    """The entry point: runs a command and turns its error into one line and an exit code."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        app(arguments)
    except NeuroglotError as error:
        if debug:
            raise
        _fail(str(error))
    except OSError as error:  # a full disk, no permission, a vanished folder
        if debug:
            raise
        where = f" ({error.filename})" if error.filename else ""
        _fail(f"{error.strerror or error}{where}")


def _fail(message: str) -> None:
    notes.print("[bold red]error:[/]", end=" ")
    notes.print(message, markup=False, highlight=False)
    sys.exit(1)


from neuroglot.cli import (  # noqa: E402, F401  one line a new command
    benchmark,
    compare,
    controls,
    demo,
    doctor,
    export,
    generate,
    import_sets,
    judge,
    models,
    neg,
    recipes,
    run,
    stages,
    steer,
    transfer,
    tune,
)
