"""`neuroglot doctor`: prove that a model's sites, head and interventions are what we think they are."""

import typer

from neuroglot.cli.app import app, notes, output, print_json
from neuroglot.cli.run import JSON


@app.command(epilog="Example:  neuroglot doctor gemma3-270m")
def doctor(
    model: str = typer.Argument(help="gemma3-270m, a hub id, a folder, or a .gguf file."),
    revision: str | None = typer.Option(None, help="Branch, tag or commit of a hub model."),
    trust_remote_code: bool = typer.Option(False, help="Run code that a hub repository brings along."),
    as_json: bool = JSON,
) -> None:
    """Check a model numerically: sites, gradients, silencing, head, padding, hooks. Fails with 1."""
    from dataclasses import asdict

    from rich.table import Table

    from neuroglot.model.doctor import diagnose
    from neuroglot.model.language_model import LanguageModel

    with notes.status(f"Loading {model} …"):
        loaded = LanguageModel.load(model, revision=revision, trust_remote_code=trust_remote_code)
    with notes.status("Checking …"):
        checks = diagnose(loaded)
    healthy = all(check.passed for check in checks)
    if as_json:
        print_json(
            {"model": loaded.signature, "healthy": healthy, "checks": [asdict(check) for check in checks]}
        )
    else:
        table = Table(title=f"{loaded!r}", title_justify="left", box=None)
        for heading in ("check", "error", "limit", "", "what"):
            table.add_column(heading)
        for check in checks:
            verdict = "[green]passed[/]" if check.passed else "[bold red]failed[/]"
            table.add_row(
                check.name, f"{check.error:.1e}", f"{check.limit:.0e}", verdict, check.detail or check.what
            )
        output.print(table)
    raise typer.Exit(0 if healthy else 1)
