"""`neuroglot export`: a checkpoint whose neurons are off for good, for any engine."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from neuroglot.cli.app import app, notes, output, print_json
from neuroglot.cli.run import JSON

if TYPE_CHECKING:
    from neuroglot.statistics.bank import ScoreBank


NEURONS = typer.Option(..., help="The neuron set (JSON).")
FOLDER = typer.Option(..., help="A new folder for the checkpoint.")
MEANS = typer.Option(None, help="Where mean activations are: the folder of a run, or of a score bank.")


@app.command(epilog="Example:  neuroglot export gemma3-270m --neurons vi.json --out gemma-without-vi")
def export(
    model: str = typer.Argument(help="gemma3-270m, a hub id, a folder, or a .gguf file."),
    neurons: Path = NEURONS,
    out: Path = FOLDER,
    kind: str = typer.Option("zero", help="What is done to them: zero, scale(0.5), grand_mean, …"),
    means: Path | None = MEANS,
    revision: str | None = typer.Option(None, help="Branch, tag or commit of a hub model."),
    dtype: str = typer.Option("float32", help="Precision of the checkpoint: float32, bfloat16, float16."),
    as_json: bool = JSON,
) -> None:
    """Write a checkpoint with an intervention in its weights, read it back and compare it."""
    from neuroglot.intervention.export import check_new
    from neuroglot.intervention.export import export as write_checkpoint
    from neuroglot.intervention.kinds import Intervention
    from neuroglot.model.language_model import LanguageModel
    from neuroglot.neurons import NeuronSet
    from neuroglot.study.steps import activations_for

    check_new(out)  # mistakes cost no model time
    chosen = NeuronSet.load(neurons)
    values = activations_for(kind, _bank(means), chosen.site) if means else None
    intervention = Intervention(chosen, kind, values)
    with notes.status(f"Loading {model} …"):
        loaded = LanguageModel.load(model, revision=revision, dtype=dtype)
    with notes.status("Folding, writing and reading back …"):
        done = write_checkpoint(loaded, intervention, out)
    if done.inert:
        notes.print(f"It changes nothing: {done.inert}.", markup=False, highlight=False)
    if as_json:
        about = {"difference": done.difference, "largest_logit": done.largest, "inert": done.inert}
        print_json({"folder": str(done.folder), **about})
        return
    output.print(
        f"Checkpoint: {done.folder}\nRead back, its logits are at most {done.difference:.1e} from the hooked "
        f"model's (the largest is {done.largest:.1f}).",
        markup=False,
        highlight=False,
    )


def _bank(folder: Path) -> "ScoreBank":
    from neuroglot.statistics.bank import ScoreBank
    from neuroglot.study.run import Run

    return Run.open(folder).bank if (folder / "study.yaml").is_file() else ScoreBank.load(folder)
