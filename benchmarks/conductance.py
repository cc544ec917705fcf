"""Conductance of all layers in one sweep against captum, called once a layer, on the same path.

In float32 captum's full logits are themselves off by more than 1e-4, so the numbers are held against captum
in float64: on fewer rows and steps, since that takes its time.
"""

from collections.abc import Callable, Mapping

from captum.attr import LayerConductance
from captum.attr._utils.approximation_methods import approximation_parameters
from torch import Tensor

import measure as timing
from harness import Aim, Part, ratio
from neuroglot.attribution.conductance import conductance
from neuroglot.model.batch import Batch
from neuroglot.model.language_model import LanguageModel
from neuroglot.objective import OBJECTIVES
from workloads import Bench, captum_layers

STEPS = 4
ROWS = 2
"""Captum runs all steps as one batch with all its logits: two sentences are 0.3 GB of them."""

TRUE_STEPS = 2
SWEEP, CAPTUM = "one sweep, all layers", "captum, all layers"


def measure(bench: Bench, rounds: int, say: Callable[[str], None]) -> Part:
    """Times both on the same rows, steps and s, and compares what they found."""
    model = bench.model
    batch = Batch.of(bench.batch.samples[:ROWS])
    layers = captum_layers(model.layers)
    workloads = {
        SWEEP: lambda: _sweep(model, batch, STEPS),
        CAPTUM: lambda: {layer: _captum(model, batch, STEPS, layer) for layer in layers},
    }
    found = {}
    for name, workload in workloads.items():
        say(f"warming up, keeping the numbers: {name}")
        found[name] = workload()
    seconds = timing.seconds(workloads, rounds, say)
    seconds[CAPTUM] = [one * model.layers / len(layers) for one in seconds[CAPTUM]]
    say("the truth: captum in float64")
    few = Batch.of(bench.batch.samples[:1])
    ours = _sweep(model, few, TRUE_STEPS)
    model.network.double()
    try:
        truth = {layer: _captum(model, few, TRUE_STEPS, layer) for layer in layers}
    finally:
        model.network.float()  # bitwise what it was
    return Part(
        "conductance",
        seconds,
        [
            Aim("all layers: ≥ 5 × faster than captum", ratio(seconds, CAPTUM, SWEEP), 5, True),
            Aim("the numbers of captum in float64, to 1e-4 of a layer's largest", _apart(ours, truth), 1e-4),
        ],
        {"of a layer's largest, from captum in float32": _apart(found[SWEEP], found[CAPTUM])},
        [
            f"{batch.ids.numel()} positions in {ROWS} rows, {STEPS} steps (Gauss-Legendre). "
            f"Captum: layers {list(layers)} measured, scaled to {model.layers}."
        ],
    )


def _sweep(model: LanguageModel, batch: Batch, steps: int) -> Mapping[int, Tensor]:
    def value(hidden: Tensor) -> tuple[Tensor, Tensor]:
        return OBJECTIVES["logprob"](hidden, batch, model.head)

    # Captum's own values of α: it takes Gauss-Legendre's by default.
    alphas = approximation_parameters("gausslegendre")[1](steps + 1)
    return conductance(model, batch.ids, value, alphas=alphas).tokens["mlp"]


def _captum(model: LanguageModel, batch: Batch, steps: int, layer: int) -> Tensor:
    """What a user of captum writes, full logits and all."""
    ids, predicting = batch.ids, batch.predicting[:, :-1]

    def s(embeddings: Tensor) -> Tensor:
        logits = model.network(inputs_embeds=embeddings, use_cache=False).logits[:, :-1]
        copies = len(embeddings) // len(ids)
        chosen = logits.log_softmax(-1).gather(2, ids[:, 1:, None].repeat(copies, 1, 1))[..., 0]
        return (chosen * predicting.repeat(copies, 1)).sum(dim=1)

    embeddings = model.network.get_input_embeddings()(ids).detach()
    method = LayerConductance(s, model.down_projection(layer))
    found = method.attribute(embeddings, n_steps=steps, attribute_to_layer_input=True)
    return (found[0] if isinstance(found, tuple) else found).detach().reshape(*ids.shape, -1)


def _apart(ours: Mapping[int, Tensor], theirs: Mapping[int, Tensor]) -> float:
    """The largest difference over the largest score of its layer; of the worst layer."""
    return max(
        ((ours[layer] - their).abs().max() / their.abs().max()).item() for layer, their in theirs.items()
    )
