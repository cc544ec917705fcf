"""Likelihood under interventions: the log-probability of every sample under every mask.

Rows of one batch may carry different masks, so (mask, sample) pairs are packed by length together: a sample
meets its copies under other masks and hardly anything is padding. Of each true next token log p is kept, and
whether it is the likeliest.

Below the first layer that a mask touches it changes nothing. Masks that begin high enough share that prefix:
the untouched model reads each batch once, and they start from what entered their first layer.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import xarray as xr

from neuroglot.evaluation.record import Record
from neuroglot.intervention.hooks import Applied, intervene, prove
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.batch import Batch, default_budget
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.memory import in_batches
from neuroglot.model.suffix import entering, from_layer
from neuroglot.neurons import NeuronSet
from neuroglot.text.samples import Sample


def likelihood(
    model: LanguageModel,
    samples: Sequence[Sample],
    interventions: Mapping[str, Intervention],
    *,
    token_budget: int | None = None,
    advance: Callable[[int], None] = lambda tokens: None,
) -> xr.Dataset:
    """Σ_t log p(x_t | x_<t) and the tokens predicted right, of every sample under every intervention.

    The interventions are proven first.

    Args:
        model: The model.
        samples: The text to report on.
        interventions: Mask name → intervention (an empty set leaves the model alone).
        token_budget: Positions a batch; halved when memory runs out. Default: by device.
        advance: Told the number of tokens done after each batch.

    Returns:
        ``log_prob`` and ``correct`` [mask, sample] and what labels them; see `Record.dataset`.

    Raises:
        NeuroglotError: An intervention does not do what it says, or a single sample does not fit memory.
    """
    names, several = list(interventions), list(interventions.values())
    with model.products():  # what is proven is what is then measured
        proofs = prove(model, several)
    reader = _Reader(model, samples, several, advance)
    with torch.inference_mode(), model.products(), intervene(model, [*several, untouched(model)]) as applied:
        sharing = _sharing(model, several)
        budget = token_budget or default_budget(model.device)
        alone = [mask for mask in range(len(several)) if mask not in sharing]
        reader.side_by_side(alone, applied, budget)
        reader.from_shared_prefix(sharing, applied, budget)
    return reader.record.dataset(names, proofs)


def untouched(model: LanguageModel) -> Intervention:
    """For the rows that the untouched model reads while masks are on."""
    return Intervention(NeuronSet("mlp", np.zeros((model.layers, model.site("mlp").width), dtype=bool)))


def _sharing(model: LanguageModel, interventions: Sequence[Intervention]) -> dict[int, int]:
    """Mask → its first layer (the number of layers, if it touches none), where sharing below saves work.

    The untouched model must be read once more for it, unless one of the masks is that.
    """
    starts = {}
    for mask, intervention in enumerate(interventions):
        touched = np.flatnonzero(intervention.neurons.mask.any(axis=1))
        starts[mask] = int(touched[0]) if len(touched) else model.layers
    starts = {mask: start for mask, start in starts.items() if start}
    return starts if sum(starts.values()) > model.layers else {}


class _Reader:
    """Reads samples under masks."""

    def __init__(
        self,
        model: LanguageModel,
        samples: Sequence[Sample],
        several: Sequence[Intervention],
        advance: Callable[[int], None],
    ) -> None:
        self.model = model
        self.samples = samples
        self.untouched = len(several)
        self.record = Record(model.head, samples, len(several), advance)

    def side_by_side(self, masks: Sequence[int], applied: Applied, token_budget: int) -> None:
        """Whole forward passes, different masks in one batch."""
        pairs = [(mask, sample) for sample in range(len(self.samples)) for mask in masks]

        def work(chosen: list[int]) -> None:
            rows = [pairs[index] for index in chosen]
            batch = self._batch([sample for _, sample in rows])
            applied.assign([mask for mask, _ in rows])
            self.record.keep(rows, batch, self.model.body(batch.ids))

        in_batches([self.samples[sample] for _, sample in pairs], token_budget, work)

    def from_shared_prefix(self, starts: Mapping[int, int], applied: Applied, token_budget: int) -> None:
        """One whole forward pass for all these masks, and of each mask what lies above its first layer."""
        layers = sorted({start for start in starts.values() if start < self.model.layers})

        def work(chosen: list[int]) -> None:
            batch = self._batch(chosen)
            applied.assign([self.untouched] * len(chosen))
            with entering(self.model, layers) as entered:
                untouched = self.model.body(batch.ids)
            for mask, start in starts.items():
                hidden = untouched
                if start < self.model.layers:
                    applied.assign([mask] * len(chosen))
                    with from_layer(self.model, start, entered[start]):
                        hidden = self.model.body(batch.ids)
                self.record.keep([(mask, sample) for sample in chosen], batch, hidden)

        if starts:
            in_batches(self.samples, token_budget, work)

    def _batch(self, chosen: Sequence[int]) -> Batch:
        return Batch.of([self.samples[sample] for sample in chosen], self.model.device)
