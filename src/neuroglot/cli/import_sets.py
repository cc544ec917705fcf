"""`neuroglot import`: neuron sets that others have published, and plain lists."""

from pathlib import Path

import typer

from neuroglot.cli.app import app, notes, output, print_json
from neuroglot.cli.run import JSON

FILE = typer.Argument(help="LAPE's .pth, or a list: .json, .csv (docs/interventions.md).")
FOLDER = typer.Option(..., help="Folder for the sets, a JSON file a language.")


@app.command(
    "import",
    epilog="Example:  neuroglot import llama-7b.neuron.pth --model meta-llama/Llama-2-7b-hf "
    "--languages en,zh,fr,es,vi,id,ja --out lape",
)
def import_sets(
    file: Path = FILE,
    model: str = typer.Option(..., help="The model that they were found on."),
    out: Path = FOLDER,
    languages: str = typer.Option("", help="With commas, in the file's order; for lists: those to take."),
    site: str | None = typer.Option(None, help="Default: mlp_gate for LAPE's files, mlp for lists."),
    revision: str | None = typer.Option(None, help="Branch, tag or commit of a hub model."),
    as_json: bool = JSON,
) -> None:
    """Make neuron sets of a published file or a plain list."""
    from dataclasses import replace

    from neuroglot.model.language_model import LanguageModel
    from neuroglot.neurons.importers import import_sets as read
    from neuroglot.neurons.importers import usual_site

    named = [language.strip() for language in languages.split(",") if language.strip()]
    where = site or usual_site(file)
    with notes.status(f"Loading {model} …"):
        loaded = LanguageModel.load(model, revision=revision)
    shape = (loaded.layers, loaded.site(where).width)
    sets = read(file, shape, named, where)
    for language, neurons in sets.items():
        about = {**neurons.provenance, "model": loaded.signature}
        replace(neurons, provenance=about).save(out / f"{language}.json")
    if as_json:
        print_json({"folder": str(out), "sets": {name: one.describe() for name, one in sets.items()}})
        return
    sizes = ", ".join(f"{language} {len(neurons)}" for language, neurons in sets.items())
    output.print(f"{sizes} neurons at {where!r}, in {out}", markup=False, highlight=False)
