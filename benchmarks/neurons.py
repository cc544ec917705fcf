"""Exact effects of single neurons against a hook and a forward pass each.

The other way is given what it can have: the body alone, and the head at the positions that s reads.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

import measure as timing
from harness import Aim, Part, ratio
from neuroglot.attribution.exact import ablate_everywhere, move_at_last, off, shift_along_sign
from neuroglot.model.language_model import LanguageModel
from neuroglot.objective.target import Target
from neuroglot.text.samples import Sample
from workloads import Bench, captum_layers

PROMPT = 64
"""Positions of the prompt, BOS included."""

NEURONS = 1000
BY_HAND = 18
"""Neurons that the slow way gets."""

GRID = np.linspace(-2, 2, 21).tolist()
"""NEG's values (METHODS §4)."""

ABLATED, MOVED = 7, 12
"""Neurons a layer that are ablated at all positions or get the grid, in the first, middle and last layer: a
batch of each is as full as it is with all neurons."""

LAST, EVERYWHERE = slice(-1, None), slice(None)
EXACT, SLOW = "ablation at the last position", "the same, a hook and a forward each"
EXACT_ALL, SLOW_ALL = "ablation at all positions", "the same, a hook and a forward each (all)"
NEG = "21 values at the last position"


def measure(bench: Bench, rounds: int, say: Callable[[str], None]) -> Part:
    """Times both ways on the same neurons and compares what they found."""
    model = bench.model
    text = [token for sample in bench.batch.samples for token in sample.ids[1:]]
    ids = (bench.batch.samples[0].ids[0], *text[:PROMPT])
    target, sample = Target(ids[:-1], ids[-1:]), Sample("", "", 0, ids, 1, 1)
    neurons = _random(model, np.arange(NEURONS) % model.layers)
    few = captum_layers(model.layers)
    ablated, moved = (_random(model, np.repeat(few, each)) for each in (ABLATED, MOVED))
    some = slice(None, None, 3)
    measured = {
        EXACT: (NEURONS, lambda: move_at_last(model, target, neurons, off).s[:, 0]),
        SLOW: (BY_HAND, lambda: _by_hand(model, ids, neurons[:BY_HAND], LAST)),
        EXACT_ALL: (len(ablated), lambda: ablate_everywhere(model, sample, ablated)),
        SLOW_ALL: (len(ablated[some]), lambda: _by_hand(model, ids, ablated[some], EVERYWHERE)),
        NEG: (len(moved), lambda: move_at_last(model, target, moved, shift_along_sign(GRID)).s),
    }
    found = {}
    for name, (_, workload) in measured.items():
        say(f"warming up, keeping the numbers: {name}")
        found[name] = workload()
    taken = timing.seconds({name: workload for name, (_, workload) in measured.items()}, rounds, say)
    seconds = {name: [one * NEURONS / count for one in taken[name]] for name, (count, _) in measured.items()}
    drop = _log_prob(model, ids, EVERYWHERE) - found[SLOW_ALL]
    return Part(
        "neurons",
        seconds,
        [Aim(f"{NEURONS} exact ablations, `target`: ≥ 5 × faster", ratio(seconds, SLOW, EXACT), 5, True)],
        {
            "× faster, `logprob`": ratio(seconds, SLOW_ALL, EXACT_ALL),
            "nats apart at most, `target`": _most(found[EXACT][:BY_HAND] - found[SLOW]),
            "nats apart at most, `logprob`": _most(found[EXACT_ALL][some] - drop),
            "nats of the largest effect, `target`": _most(found[SLOW] - _log_prob(model, ids, LAST)),
            "nats of the largest effect, `logprob`": _most(drop),
        },
        [
            f"{PROMPT} positions. Seconds are for {NEURONS} neurons, scaled up from "
            + ", ".join(f"{count} ({name})" for name, (count, _) in measured.items())
        ],
    )


def _random(model: LanguageModel, layers: np.ndarray) -> np.ndarray:
    """A random neuron for each layer named."""
    index = np.random.default_rng(0).integers(0, model.site("mlp").width, len(layers))
    return np.stack([layers, index], axis=1)


@torch.no_grad()
def _log_prob(model: LanguageModel, ids: tuple[int, ...], where: slice) -> float:
    """Σ log p of the tokens that follow the positions of ``where``: a forward pass, whatever hooks are on."""
    hidden = model.body(torch.tensor([ids[:-1]]))[0, where]
    return model.head.log_prob(hidden, torch.tensor(ids[1:])[where])[0].double().sum().item()


def _by_hand(model: LanguageModel, ids: tuple[int, ...], neurons: np.ndarray, where: slice) -> Tensor:
    """S with each neuron off at the positions of ``where``, in a forward pass of its own."""
    found = []
    for layer, neuron in neurons.tolist():

        def silence(activation: Tensor, neuron: int = neuron) -> Tensor:
            activation = activation.clone()
            activation[:, where, neuron] = 0
            return activation

        with model.site("mlp").visit({layer: silence}):
            found.append(_log_prob(model, ids, where))
    return torch.tensor(found, dtype=torch.float64)


def _most(values: Tensor) -> float:
    return values.abs().max().item()
