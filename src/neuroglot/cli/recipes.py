"""`neuroglot recipes`: what there is, and one in full."""

import typer

from neuroglot.cli.app import app, output, print_json
from neuroglot.cli.run import JSON


@app.command(epilog="Example:  neuroglot recipes grad_act > mine.yaml")
def recipes(
    name: str | None = typer.Argument(None, help="Print this recipe as YAML, to start your own from."),
    as_json: bool = JSON,
) -> None:
    """List the recipes, or print one."""
    import yaml
    from rich.table import Table

    from neuroglot.study.recipe import load_recipe, recipe_names

    known = [load_recipe(each) for each in ([name] if name else recipe_names())]
    if as_json:
        print_json([recipe.model_dump(mode="json") for recipe in known])
    elif name:
        output.print(
            yaml.safe_dump(known[0].model_dump(mode="json"), sort_keys=False), markup=False, highlight=False
        )
    else:
        table = Table(box=None)
        for heading in ("recipe", "site", "score", "what it does", "source"):
            table.add_column(heading, overflow="fold")
        for recipe in known:
            table.add_row(recipe.name, recipe.site, recipe.score.key, recipe.about, recipe.source)
        output.print(table)
