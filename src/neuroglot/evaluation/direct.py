"""The direct effect of interventions: their change written straight to the logits, later blocks frozen.

The *total* effect of a set is Δ log p when it is switched off (`likelihood`): later blocks read the change
and answer to it. The *direct* effect leaves them as they were. On the clean run each block that a set touches
is run again on its clean input x_l, with the intervention on in that block alone, and what that changes goes
to the end of the residual stream:

    Δ_l = block_masked(x_l) − block(x_l),      hidden = final_norm(resid_final + Σ_l Δ_l),      then the head.

The final norm is computed on the changed stream, not frozen. Inside its own block a change acts in full:
what attention moves, the block's MLP reads. For a set in the last layer alone the two effects are the same.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from neuroglot.evaluation.likelihood import untouched
from neuroglot.evaluation.record import Record
from neuroglot.intervention.hooks import intervene, prove
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.batch import Batch, default_budget
from neuroglot.model.language_model import LanguageModel, check_causal
from neuroglot.model.memory import in_batches
from neuroglot.model.replay import Call, calling
from neuroglot.text.samples import Sample


def direct(
    model: LanguageModel,
    samples: Sequence[Sample],
    interventions: Mapping[str, Intervention],
    *,
    token_budget: int | None = None,
    advance: Callable[[int], None] = lambda tokens: None,
) -> xr.Dataset:
    """Σ_t log p(x_t | x_<t) of every sample with only the direct effect of every intervention.

    The interventions are proven first, and a batch is read once for all of them.

    Args:
        model: The model.
        samples: The text to report on.
        interventions: Mask name → intervention (an empty set leaves the model alone).
        token_budget: Positions a batch; halved when memory runs out. Default: by device.
        advance: Told the number of tokens done after each batch.

    Returns:
        As `likelihood`: ``log_prob`` and ``correct`` [mask, sample] and what labels them. ``moved`` is of the
        proof, and so of the total effect.

    Raises:
        NeuroglotError: An intervention does not do what it says, or a single sample does not fit memory.
    """
    # Each block of BERT kin norms the whole stream: nothing can be put past the later ones.
    check_causal(model, "the direct effect")
    several = list(interventions.values())
    with model.products():  # what is proven is what is then measured
        proofs = prove(model, several)
    record = Record(model.head, samples, len(several), advance)
    touched = [np.flatnonzero(act.neurons.mask.any(axis=1)).tolist() for act in several]
    last = model.layers - 1
    watched = sorted({last, *(layer for layers in touched for layer in layers)})
    with torch.inference_mode(), model.products(), intervene(model, [*several, untouched(model)]) as applied:

        def work(chosen: list[int]) -> None:
            batch = Batch.of([samples[index] for index in chosen], model.device)
            nobody = [len(several)] * len(chosen)
            applied.assign(nobody)
            with calling(model, watched) as calls:
                clean = model.body(batch.ids)
            for mask, layers in enumerate(touched):
                hidden = clean
                if layers:
                    applied.assign([mask] * len(chosen))
                    leaving = _changed(calls, layers, last)
                    applied.assign(nobody)  # what is put on the residual stream must not act on it again
                    hidden = calls[last].finish(model, batch.ids, leaving)
                record.keep([(mask, sample) for sample in chosen], batch, hidden)

        in_batches(samples, token_budget or default_budget(model.device), work)
    return record.dataset(list(interventions), proofs)


def _changed(calls: Mapping[int, Call], layers: Sequence[int], last: int) -> Tensor:
    """resid_final + Σ_l Δ_l, under the interventions that are on."""
    state = calls[last].leaving
    for layer in layers:
        state = state + (calls[layer].again() - calls[layer].leaving).to(state.device)
    return state
