"""The pass: every token once through the model, every score that anybody asked for out of it.

1. Hooks stand where the sites' tensors pass. Scores of the activation alone are reduced there and then.
2. The lowest tapped tensor becomes a leaf of the graph, so that nothing below the lowest wanted layer is
   back-propagated; weights are frozen, so only activations have gradients.
3. The objective gives ∂s/∂hidden at the last hidden state in closed form, a chunk of the vocabulary product
   at a time; that gradient is fed to the body.
4. As the gradient of each layer arrives, its scores are reduced from [row, token, neuron] to [row, neuron]:
   rows of one length together, so that no padding is read, and as many neurons at a time as the cache holds,
   so that a and g are read from memory once however many scores are asked for.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from neuroglot.attribution.scores import SCORES
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch, default_budget
from neuroglot.model.checkpointing import checkpointed
from neuroglot.model.language_model import LanguageModel, check_layers
from neuroglot.model.memory import in_batches
from neuroglot.model.precision import products
from neuroglot.objective import OBJECTIVES
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.reductions import REDUCTIONS
from neuroglot.statistics.shard import samples_shard
from neuroglot.text.samples import Sample

logger = logging.getLogger(__name__)

BLOCK_BYTES = 2**20
"""Of one float32 score of some neurons: with a and g beside it, what a core's own cache holds."""

LINE = 64
"""Neurons come in multiples of this, so that vector instructions have whole cache lines."""


def score_samples(
    model: LanguageModel,
    samples: Sequence[Sample],
    quantities: Sequence[Quantity],
    *,
    objective: str | Sequence[str] = "logprob",
    layers: Sequence[int] | None = None,
    positions: str = "all",
    token_budget: int | None = None,
    checkpointing: bool = False,
    attributes: Mapping[str, Any] | None = None,
    advance: Callable[[int], None] = lambda tokens: None,
) -> xr.DataTree:
    """Scores every neuron on every sample in one pass.

    A sample whose score is not finite somewhere is left out, named in a warning and in the shard's attribute
    ``quarantined``. Batches are halved when memory runs out.

    Args:
        model: The model.
        samples: The text, tokenised.
        quantities: What to keep.
        objective: The scalar s; or one name a sample.
        layers: Default: all. Nothing below the lowest is back-propagated.
        positions: Which real tokens count: ``all``, ``last`` (the last that predicts) or ``every:k``.
        token_budget: Positions a batch; the scores do not depend on it. Default: by device.
        checkpointing: Keep only what enters each block for the backward pass and compute the rest again.
        attributes: Provenance for the shard.
        advance: Told the number of tokens done after each batch.

    Returns:
        A shard of samples, in the order of ``samples`` (see `neuroglot.statistics.shard`).

    Raises:
        NeuroglotError: Unknown names, layers that do not exist, or a single sample that does not fit memory.
    """
    chosen = list(range(model.layers)) if layers is None else sorted(set(layers))
    check_layers(chosen, model.layers)
    names = [objective] * len(samples) if isinstance(objective, str) else list(objective)
    for name in dict.fromkeys(names):
        OBJECTIVES[name]
    if positions.startswith("every") and any(quantity.reduction == "last" for quantity in quantities):
        raise NeuroglotError(
            f"token reduction 'last' reads every position; it does not go with {positions!r}"
        )
    counting = _counting(positions)
    scores = {
        quantity: np.empty((len(samples), len(chosen), model.site(quantity.site).width), dtype=np.float32)
        for quantity in quantities
    }
    unfit: dict[int, dict[str, Any]] = {}

    def work(rows: list[int]) -> None:
        batch = Batch.of([samples[row] for row in rows], model.device)
        one = _Pass(model, quantities, chosen, batch, counting, checkpointing)
        for quantity, values in one.run([names[row] for row in rows]).items():
            scores[quantity][rows] = values.cpu().numpy()
        unfit.update({rows[row]: why for row, why in one.unfit.items()})
        advance(sum(sample.tokens for sample in batch.samples))

    in_batches(samples, token_budget or default_budget(model.device), work)
    return _without(unfit, samples, scores, chosen, attributes or {})


def _without(
    unfit: Mapping[int, dict[str, Any]],
    samples: Sequence[Sample],
    scores: Mapping[Quantity, np.ndarray],
    layers: Sequence[int],
    attributes: Mapping[str, Any],
) -> xr.DataTree:
    """The shard of the samples that are fit, with the others named."""
    if not unfit:
        return samples_shard(samples, scores, layers, attributes)
    named = [
        {
            "language": samples[row].language,
            "document": samples[row].document,
            "sentence": samples[row].sentence,
            **unfit[row],
        }
        for row in sorted(unfit)
    ]
    for one in named:
        logger.warning(
            "left out: %s is not finite in %s on language %r, document %r%s",
            one["score"],
            "the output" if one["layer"] is None else f"layer {one['layer']}",
            one["language"],
            one["document"],
            f", sentence {one['sentence'] + 1}" if one["sentence"] >= 0 else "",
        )
    fit = [row for row in range(len(samples)) if row not in unfit]
    kept = {quantity: values[fit] for quantity, values in scores.items()}
    return samples_shard(
        [samples[row] for row in fit], kept, layers, {**attributes, "quarantined": json.dumps(named)}
    )


def _counting(positions: str) -> Callable[[int], slice]:
    """(positions of a row, BOS included) → those whose neurons are read, never BOS.

    Raises:
        NeuroglotError: An unknown name.
    """
    if positions == "all":
        return lambda length: slice(1, length)
    if positions == "last":
        return lambda length: slice(max(length - 2, 1), max(length - 2, 1) + 1)  # of one token, that one
    kind, _, step = positions.partition(":")
    if kind != "every" or not step.isdecimal() or int(step) < 1:
        raise NeuroglotError(f"unknown positions {positions!r}; use all, last or every:k")
    return lambda length: slice(1, length, int(step))


@dataclass
class _Pass:
    """One batch on its way through the model.

    Attributes:
        found: What every quantity came to.
        unfit: Row → the score that is not finite there, and its layer (None: the objective itself).
    """

    model: LanguageModel
    quantities: Sequence[Quantity]
    layers: Sequence[int]
    batch: Batch
    counting: Callable[[int], slice]
    checkpointing: bool
    found: dict[Quantity, Float[Tensor, "row layer neuron"]] = field(init=False)
    unfit: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Room for every result beforehand: many small ones made on the way would lie between the activations,
        # where freed memory is then too scattered to be used again.
        self.found = {
            quantity: torch.empty(
                len(self.batch.samples),
                len(self.layers),
                self.model.site(quantity.site).width,
                device=self.model.device,
            )
            for quantity in self.quantities
        }

    def run(self, objectives: Sequence[str]) -> dict[Quantity, Float[Tensor, "row layer neuron"]]:
        """Every quantity of every layer, in float32."""
        backward = any(SCORES[quantity.score].gradient for quantity in self.quantities)
        with ExitStack() as stack:
            stack.enter_context(torch.enable_grad() if backward else torch.inference_mode())
            stack.enter_context(self.model.products())
            if backward and self.checkpointing:
                stack.enter_context(checkpointed(self.model))
            for site in dict.fromkeys(quantity.site for quantity in self.quantities):
                visitors = {layer: partial(self._visit, site, layer) for layer in self.layers}
                stack.enter_context(self.model.site(site).visit(visitors))
            hidden = self.model.body(self.batch.ids)
            if backward:
                hidden.backward(self._gradient(hidden.detach(), objectives))
        self._check()
        return self.found

    def _gradient(self, hidden: Tensor, objectives: Sequence[str]) -> Tensor:
        """∂s/∂hidden, every row by its own objective; 0 where the objective is not finite."""
        gradient = torch.zeros_like(hidden)
        for name in dict.fromkeys(objectives):
            rows = [row for row, own in enumerate(objectives) if own == name]
            part = Batch(
                tuple(self.batch.samples[row] for row in rows), self.batch.ids[rows], self.batch.lengths[rows]
            )
            values, slopes = OBJECTIVES[name](hidden[rows], part, self.model.head)
            gradient[rows] = slopes
            for row in (~values.isfinite()).nonzero()[:, 0].tolist():
                self.unfit[rows[row]] = {"layer": None, "score": name}
                gradient[rows[row]] = 0
        return gradient

    def _check(self) -> None:
        """Finds rows with a score that is not finite: a NaN or an infinity does not vanish in a sum."""
        for quantity, values in self.found.items():
            for row, place in (~values.sum(dim=2).isfinite()).nonzero().tolist():
                self.unfit.setdefault(row, {"layer": self.layers[place], "score": quantity.score})

    def _visit(self, site: str, layer: int, activation: Tensor) -> Tensor | None:
        here = [quantity for quantity in self.quantities if quantity.site == site]
        forward = [quantity for quantity in here if not SCORES[quantity.score].gradient]
        backward = [quantity for quantity in here if SCORES[quantity.score].gradient]
        value = activation.detach()
        self._reduce(forward, layer, value, None)
        if not backward:
            return None
        if not activation.requires_grad:  # the lowest tensor wanted: the graph starts here
            activation = value.requires_grad_()
            value = activation.detach()
        activation.register_hook(partial(self._reduce, backward, layer, value))
        return activation

    def _reduce(self, here: Sequence[Quantity], layer: int, value: Tensor, slope: Tensor | None) -> None:
        if not here:
            return
        # Squares underflow in half precision and sums over tokens round: from here on, float32 or finer.
        precision = torch.promote_types(value.dtype, torch.float32)
        by_score: dict[str, list[Quantity]] = {}
        for quantity in here:
            by_score.setdefault(quantity.score, []).append(quantity)
        place = self.layers.index(layer)
        with products("float32"):
            for block in self._blocks(value):
                a = value[block].to(precision)
                g = None if slope is None else slope[block].to(precision)
                rows, _, neurons = block
                for name, wanted in by_score.items():
                    tokens = SCORES[name].formula(a, g)
                    for quantity in wanted:
                        reduced = REDUCTIONS[quantity.reduction](tokens)
                        self.found[quantity][rows, place, neurons] = reduced

    def _blocks(self, value: Float[Tensor, "row token neuron"]) -> Iterator[tuple[slice, slice, slice]]:
        """Rows of one length, the tokens of theirs that count, and neurons: as much as fits the cache."""
        width, start = value.shape[2], 0
        for length, group in groupby(self.batch.lengths.tolist()):
            stop = start + len(list(group))
            room = width * length * len(self.batch.samples) if value.is_cuda else BLOCK_BYTES // 4
            rows = max(1, room // (width * length))
            neurons = width if rows > 1 else max(1, room // (length * LINE)) * LINE
            for first in range(start, stop, rows):
                for left in range(0, width, neurons):
                    yield (
                        slice(first, min(first + rows, stop)),
                        self.counting(length),
                        slice(left, left + neurons),
                    )
            start = stop
