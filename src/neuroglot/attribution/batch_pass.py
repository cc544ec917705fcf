"""One batch on its way through the model: what every hook, gradient or sweep of it comes to.

As the gradient of each layer arrives, its scores are reduced from [row, token, neuron] to [row, neuron]: rows
of one length together, so that no padding is read, and as many neurons at a time as the cache holds, so that
a and g are read from memory once however many scores are asked for.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from neuroglot.attribution.copies import Counted, together
from neuroglot.attribution.scores import SCORES
from neuroglot.attribution.sweeps import Hidden, Swept
from neuroglot.model.batch import Batch
from neuroglot.model.checkpointing import checkpointed
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.precision import products
from neuroglot.objective import Objective
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.reductions import REDUCTIONS
from neuroglot.text.samples import Sample

BLOCK_BYTES = 2**20
"""Of one float32 score of some neurons: with a and g beside it, what a core's own cache holds."""

LINE = 64
"""Neurons come in multiples of this, so that vector instructions have whole cache lines."""


@dataclass
class BatchPass:
    """One batch on its way through the model.

    Attributes:
        found: What every quantity came to.
        unfit: Row → the score that is not finite there, and its layer (None: the objective itself).
        paths: (variable, layer) → what path scores lack of s along their path, and s itself, summed up.
    """

    model: LanguageModel
    quantities: Sequence[Quantity]
    layers: Sequence[int]
    batch: Batch
    counting: Callable[[Sample], Counted]
    checkpointing: bool
    objectives: Sequence[Objective]
    found: dict[Quantity, Float[Tensor, "row layer neuron"]] = field(init=False)
    unfit: dict[int, dict[str, Any]] = field(default_factory=dict)
    paths: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)

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

    def run(self) -> dict[Quantity, Float[Tensor, "row layer neuron"]]:
        """Every quantity of every layer, in float32."""
        first = self.quantities[0]
        score = SCORES[first.score]
        with ExitStack() as stack:
            stack.enter_context(self.model.products())
            if score.sweep is not None:
                self._sweep()
            else:
                backward = any(SCORES[quantity.score].gradient for quantity in self.quantities)
                stack.enter_context(torch.enable_grad() if backward else torch.inference_mode())
                if score.around is not None:
                    stack.enter_context(score.around(self.model, score.read_options(first.options)))
                if backward and self.checkpointing:
                    stack.enter_context(checkpointed(self.model))
                for site in dict.fromkeys(quantity.site for quantity in self.quantities):
                    visitors = {layer: partial(self._visit, site, layer) for layer in self.layers}
                    stack.enter_context(self.model.site(site).visit(visitors))
                hidden = self.model.body(self.batch.ids)
                if backward:
                    hidden.backward(self._value(hidden.detach())[1])
        self._check()
        return self.found

    def _value(self, hidden: Hidden) -> tuple[Float[Tensor, " row"], Hidden]:
        """S and ∂s/∂hidden, every row by its own objective; where s is not finite, 0 and a note."""
        values = torch.zeros(
            len(hidden), device=hidden.device, dtype=torch.promote_types(hidden.dtype, torch.float32)
        )
        gradient = torch.zeros_like(hidden)
        for objective in dict.fromkeys(self.objectives):
            rows = [row for row, own in enumerate(self.objectives) if own is objective]
            part = Batch(
                tuple(self.batch.samples[row] for row in rows), self.batch.ids[rows], self.batch.lengths[rows]
            )
            found, slopes = objective(hidden[rows], part, self.model.head)
            values[rows] = found.to(values.dtype)
            gradient[rows] = slopes.to(gradient.dtype)
        for row in (~values.isfinite()).nonzero()[:, 0].tolist():
            self.unfit[row] = {"layer": None, "score": self.objectives[row].name}
            values[row], gradient[row] = 0, 0
        return values, gradient

    def _sweep(self) -> None:
        """Runs the sweep of these quantities, which differ in site and reduction only."""
        first = self.quantities[0]
        score = SCORES[first.score]
        assert score.sweep is not None  # or there would be nothing to run
        sites = list(dict.fromkeys(quantity.site for quantity in self.quantities))
        swept = score.sweep(
            self.model,
            self.batch,
            self._value,
            sites,
            self.layers,
            score.read_options(first.options),
        )
        for quantity in self.quantities:
            for place, layer in enumerate(self.layers):
                if quantity.site in swept.samples:
                    self.found[quantity][:, place] = swept.samples[quantity.site][layer].float()
                else:
                    self._reduce_tokens(quantity, place, swept.tokens[quantity.site][layer])
        self._note_paths(swept)

    def _reduce_tokens(self, quantity: Quantity, place: int, tokens: Tensor) -> None:
        for row, sample in enumerate(self.batch.samples):
            counted = tokens[row : row + 1, self.counting(sample)]
            self.found[quantity][row, place] = self._reduced(quantity, counted, [sample])[0]

    def _reduced(self, quantity: Quantity, tokens: Tensor, samples: Sequence[Sample]) -> Tensor:
        summed, last = SCORES[quantity.score].gradient, quantity.reduction == "last"
        return REDUCTIONS[quantity.reduction](together(tokens, samples, summed=summed, last=last))

    def _note_paths(self, swept: Swept) -> None:
        fit = [row for row in range(len(self.batch.samples)) if row not in self.unfit]
        for (site, layer), missing in swept.missing.items():
            name = replace(self.quantities[0], site=site, reduction="").variable
            change = swept.change[site, layer]
            self.paths[f"{site}/{name}", layer] = (
                float(missing[fit].abs().sum()),
                float(change[fit].abs().sum()),
            )

    def _check(self) -> None:
        """Finds rows with a score that is not finite: a NaN or an infinity does not vanish in a sum."""
        for quantity, values in self.found.items():
            if SCORES[quantity.score].whole:  # it leaves neurons out on purpose
                continue
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
                    formula = SCORES[name].formula
                    assert formula is not None  # sweeps do not come here
                    tokens = formula(a, g)
                    for quantity in wanted:
                        reduced = self._reduced(quantity, tokens, self.batch.samples[rows])
                        self.found[quantity][rows, place, neurons] = reduced

    def _blocks(self, value: Float[Tensor, "row token neuron"]) -> Iterator[tuple[slice, Counted, slice]]:
        """Rows of one length, the tokens of theirs that count, and neurons: as much as fits the cache."""
        width, start = value.shape[2], 0
        alike = groupby((len(own.ids), own.copies, self.counting(own)) for own in self.batch.samples)
        for (length, _, counted), group in alike:
            stop = start + len(list(group))
            room = width * length * len(self.batch.samples) if value.is_cuda else BLOCK_BYTES // 4
            rows = max(1, room // (width * length))
            neurons = width if rows > 1 else max(1, room // (length * LINE)) * LINE
            for first in range(start, stop, rows):
                for left in range(0, width, neurons):
                    yield (
                        slice(first, min(first + rows, stop)),
                        counted,
                        slice(left, left + neurons),
                    )
            start = stop
