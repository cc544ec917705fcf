"""One prompt at one site: every neuron over the grid, the estimates of its slope, and groups of neurons."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float

from neuroglot.attribution.estimates import gradients_at_last, integrated_at_last
from neuroglot.attribution.exact import Move, Neurons, move_at_last
from neuroglot.attribution.together import shift_together
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.last_position import LastPosition
from neuroglot.objective.target import Target
from neuroglot.study.empirical.items import Item
from neuroglot.study.empirical.neurons import deltas, groups
from neuroglot.study.empirical.settings import MEASURES, NegSettings

WORK = ("measured", "gradient", "integrated")
"""What is timed."""

SHIFTS = ("sign", "plain")


def measure(
    model: LanguageModel,
    item: Item,
    site: str,
    neurons: Neurons,
    unit: Float[np.ndarray, " neuron"],
    settings: NegSettings,
    advance: Callable[[int], None],
) -> xr.Dataset:
    """Measures a piece.

    A grid that is symmetric holds the same values for a shift along the sign and a plain one, in another
    order: so one measurement, of the plain shift, tells of both.

    Args:
        model: The model.
        item: The prompt and its target.
        site: Where the neurons are.
        neurons: Which.
        unit: What a shift of 1 is: 1, or the neuron's spread.
        settings: The grid, the measure and the rest.
        advance: Told the number of points done.

    Returns:
        Of dimension ``prompt`` (1): ``base``, ``rank`` (the target's first token in the model's prediction,
        1 the likeliest); ``s`` [prompt, neuron, delta]; ``activation``, ``gradient``, ``integrated`` and
        ``unit`` [prompt, neuron]; ``together`` [prompt, shift, group, move]; ``seconds`` [prompt, work].
    """
    target = Target(item.ids, item.tokens, MEASURES[settings.measure])
    layers, index = neurons.T
    began = [time.perf_counter()]
    moved = move_at_last(model, target, neurons, _move(settings.grid, unit), site=site, advance=advance)
    began.append(time.perf_counter())
    found = gradients_at_last(model, target, site)
    activation, gradient = (part[layers, index].cpu().numpy() for part in found)
    began.append(time.perf_counter())
    path = integrated_at_last(model, target, site, np.unique(layers).tolist(), settings.steps)
    integrated = np.array([path[layer][j].item() for layer, j in neurons.tolist()])
    began.append(time.perf_counter())
    together = _together(model, target, site, neurons, activation, unit, settings)
    texts = np.dtypes.StringDType()
    variables: dict[str, Any] = {
        "base": ("prompt", [moved.base]),
        "rank": ("prompt", [_rank(model, target)]),
        "s": (("prompt", "neuron", "delta"), moved.s.cpu().numpy()[None]),
        "activation": (("prompt", "neuron"), activation[None]),
        "gradient": (("prompt", "neuron"), gradient[None]),
        "integrated": (("prompt", "neuron"), integrated[None]),
        "unit": (("prompt", "neuron"), unit[None]),
        "together": (("prompt", "shift", "group", "move"), together[None]),
        "seconds": (("prompt", "work"), np.diff(began)[None]),
    }
    coordinates = {
        "prompt": [item.number],
        "text": ("prompt", np.array([item.prompt], dtype=texts)),
        "target": ("prompt", np.array([item.target], dtype=texts)),
        "layer": ("neuron", layers),
        "index": ("neuron", index),
        "delta": settings.grid,
        "shift": np.array(SHIFTS, dtype=texts),
        "move": deltas(settings),
        "work": np.array(WORK, dtype=texts),
    }
    return xr.Dataset(variables, coordinates)


def _move(grid: Float[np.ndarray, " point"], unit: Float[np.ndarray, " neuron"]) -> Move:
    """The values a + δ·unit."""
    shifts = torch.from_numpy(unit[:, None] * grid)
    return lambda activation: activation[:, None] + shifts.to(activation)


def _together(
    model: LanguageModel,
    target: Target,
    site: str,
    neurons: Neurons,
    activation: Float[np.ndarray, " neuron"],
    unit: Float[np.ndarray, " neuron"],
    settings: NegSettings,
) -> Float[np.ndarray, "shift group move"]:
    """What s becomes when groups of neurons are moved at once."""
    own, moves = groups(len(neurons), settings.seed), deltas(settings)
    rows = np.zeros((len(SHIFTS), len(own), len(moves), len(neurons)))
    for number, members in enumerate(own):
        for kind, way in enumerate((np.sign(activation), np.ones(len(neurons)))):
            rows[kind, number][:, members] = moves[:, None] * (way * unit)[members]
    if not own:
        return rows[..., 0]
    s = shift_together(model, target, neurons, rows.reshape(-1, len(neurons)), site=site)
    return s.cpu().numpy().reshape(rows.shape[:3])


@torch.no_grad()
def _rank(model: LanguageModel, target: Target) -> int:
    """1 if the target's first token is the likeliest after the prompt."""
    logits = model.head.logits(LastPosition.of(model, target.ids).hidden)[0]
    return 1 + int((logits > logits[target.tokens[0]]).sum())
