"""What really happens to s when single neurons are switched off or moved: the ground truth of every score.

Chosen neurons only, since each costs a forward pass of its own; but no more of it than it needs. Neurons are
taken layer by layer, many beside each other as rows of a batch, each row with another neuron changed: nothing
below the layer runs again and, where only the last position is changed, nothing before that position either.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import TOKEN_BUDGET, Batch
from neuroglot.model.language_model import LanguageModel, check_layers
from neuroglot.model.last_position import LastPosition
from neuroglot.model.sites import Visitor
from neuroglot.model.suffix import entering, from_layer
from neuroglot.objective.target import Target
from neuroglot.text.samples import Sample

Neurons = Int[np.ndarray, "neuron 2"]
"""(layer, index) of each."""

Move = Callable[[Float[Tensor, " neuron"]], Float[Tensor, "neuron value"]]
"""The activation of each neuron → the values that it gets instead, one after the other."""

BODY_ROWS = 256
"""Rows of one token in a batch: more do not run faster, and their keys and values are as many copies."""

HEAD_ROWS = 1024
"""Points that share one product with the vocabulary, so that its weight is read once for all of them."""


@dataclass(frozen=True)
class Moved:
    """What s became.

    Attributes:
        activation: Of each neuron, as it was.
        base: s, nothing changed.
        s: s of every neuron at every value.
    """

    activation: Float[Tensor, " neuron"]
    base: float
    s: Float[Tensor, "neuron value"]


def off(activation: Float[Tensor, " neuron"]) -> Float[Tensor, "neuron value"]:
    """The one value 0: ablation."""
    return torch.zeros_like(activation)[:, None]


def plain_shift(grid: Sequence[float]) -> Move:
    """The values a + δ for every δ of a grid: the slope of s on δ is what a gradient estimates."""
    return lambda activation: activation[:, None] + activation.new_tensor(grid)


def shift_along_sign(grid: Sequence[float]) -> Move:
    """The values a + δ·sgn(a) (METHODS §4, NEG): the slope of s on δ is what g·sgn(a) estimates."""
    return lambda activation: activation[:, None] + activation.sign()[:, None] * activation.new_tensor(grid)


@torch.no_grad()
def move_at_last(
    model: LanguageModel,
    target: Target,
    neurons: Neurons,
    move: Move,
    *,
    site: str = "mlp",
    advance: Callable[[int], None] = lambda points: None,
) -> Moved:
    """Gives single neurons other values at the last position of a prompt, one neuron and value at a time.

    Args:
        model: The model.
        target: The prompt, and what s is.
        neurons: Which, at ``site``; what follows the prompt reads them as they come.
        move: The values: `off`, `plain_shift` or `shift_along_sign`.
        site: Where the neurons are.
        advance: Told the number of points (neurons × values) done after each batch.

    Returns:
        s of every point, in the order of ``neurons``.

    Raises:
        NeuroglotError: A neuron, site or token does not exist.
    """
    _check(model, neurons, site)
    last = LastPosition.of(model, target.ids, target.tokens[:-1])
    activation = activations_at(last, neurons, site)
    values = move(activation)
    # A point is one neuron at one value; points are taken in the order of their layers.
    point = np.arange(values.numel()).reshape(values.shape)[np.argsort(neurons[:, 0], kind="stable")].ravel()
    owner = neurons[point // max(1, values.shape[1])]
    s = values.new_empty(values.numel(), dtype=torch.float32)
    most = max(1, HEAD_ROWS // len(target.tokens))
    for start in range(0, len(point), most):
        chunk = slice(start, start + most)
        hidden = []
        for layer, rows in _by_layer(owner[chunk, 0], max(1, BODY_ROWS // len(target.tokens))):
            change = _put(owner[chunk][rows, 1], values.view(-1)[point[chunk][rows]], slice(1))
            with model.site(site).visit({layer: change}):
                hidden.append(last.run(layer, len(rows)))
        s[point[chunk]] = target.value(torch.cat(hidden), model.head)[0]
        advance(len(point[chunk]))
    base = target.value(last.hidden[None], model.head)[0].item()
    return Moved(activation, base, s.view(values.shape))


@torch.no_grad()
def ablate_everywhere(
    model: LanguageModel,
    sample: Sample,
    neurons: Neurons,
    *,
    site: str = "mlp",
    token_budget: int = TOKEN_BUDGET,
    advance: Callable[[int], None] = lambda neurons: None,
) -> Float64[Tensor, " neuron"]:
    """What s = Σ_t log p(x_t | x_<t) of a sample loses when a neuron is off at all positions, BOS included.

    Args:
        model: The model.
        sample: BOS and text.
        neurons: Which, at ``site``.
        site: Where the neurons are.
        token_budget: Positions a batch.
        advance: Told the number of neurons done after each batch.

    Returns:
        s − s(neuron off), un-normalised, in nats.

    Raises:
        NeuroglotError: A neuron or site does not exist.
    """
    _check(model, neurons, site)
    batch = Batch.of([sample], model.device)
    ids, (_, position, token) = batch.ids, batch.scored

    def log_prob(hidden: Tensor) -> Tensor:
        predicting = hidden[:, position].flatten(0, 1)
        values, _ = model.head.log_prob(predicting, token.repeat(len(hidden)))
        return values.double().view(len(hidden), -1).sum(dim=1)

    layers = np.unique(neurons[:, 0]).tolist()
    with entering(model, layers) as kept:
        base = log_prob(model.body(ids))
    drop = torch.empty(len(neurons), dtype=torch.float64, device=model.device)
    for layer, rows in _by_layer(neurons[:, 0], max(1, token_budget // ids.shape[1])):
        change = _put(neurons[rows, 1], torch.zeros(len(rows), device=model.device), slice(None))
        state = kept[layer].expand(len(rows), -1, -1)
        with model.site(site).visit({layer: change}), from_layer(model, layer, state):
            drop[rows] = base - log_prob(model.body(ids.expand(len(rows), -1)))
        advance(len(rows))
    return drop


def _check(model: LanguageModel, neurons: Neurons, site: str) -> None:
    check_layers(np.unique(neurons[:, 0]).tolist(), model.layers)
    width = model.site(site).width
    wrong = neurons[(neurons[:, 1] < 0) | (neurons[:, 1] >= width)]
    if len(wrong):
        raise NeuroglotError(
            f"there is no neuron {wrong[0, 1]} in layer {wrong[0, 0]}: site {site!r} has {width} a layer"
        )


@torch.no_grad()
def activations_at(last: LastPosition, neurons: Neurons, site: str) -> Float[Tensor, " neuron"]:
    """What neurons are at the last position of a prompt."""
    kept: dict[int, Tensor] = {}

    def keep(layer: int) -> Visitor:
        return lambda activation: kept.update({layer: activation[0, 0].to(last.hidden.device)})

    layers = np.unique(neurons[:, 0]).tolist()
    with last.model.site(site).visit({layer: keep(layer) for layer in layers}):
        last.run(0, 1)
    return torch.stack([kept[layer][index] for layer, index in neurons.tolist()])


def _by_layer(layers: Int[np.ndarray, " row"], most: int) -> Iterator[tuple[int, Int[np.ndarray, " row"]]]:
    """(layer, rows of it), at most ``most`` rows at a time."""
    for layer in np.unique(layers).tolist():
        rows = np.flatnonzero(layers == layer)
        for start in range(0, len(rows), most):
            yield layer, rows[start : start + most]


def _put(index: Int[np.ndarray, " row"], value: Float[Tensor, " row"], positions: slice) -> Visitor:
    """Gives each row's neuron its value at some positions of the row."""

    def change(activation: Float[Tensor, "row token neuron"]) -> Tensor:
        changed = activation.clone()
        row = torch.arange(len(index), device=activation.device)
        own = torch.from_numpy(index).to(activation.device)
        changed[row, positions, own] = value.to(activation)[:, None]
        return changed

    return change
