"""Likelihood under interventions: the log-probability of every sample under every mask.

Rows of one batch may carry different masks, so (mask, sample) pairs are packed by length together: a sample
meets its copies under other masks and hardly anything is padding. Only log p of the true next token is kept.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import xarray as xr

from neuroglot.intervention.hooks import intervene, prove
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.batch import TOKEN_BUDGET, Batch, pack
from neuroglot.model.language_model import LanguageModel
from neuroglot.statistics.shard import sample_coordinates
from neuroglot.text.samples import Sample


def likelihood(
    model: LanguageModel,
    samples: Sequence[Sample],
    interventions: Mapping[str, Intervention],
    *,
    token_budget: int = TOKEN_BUDGET,
    advance: Callable[[int], None] = lambda tokens: None,
) -> xr.Dataset:
    """Σ_t log p(x_t | x_<t) of every sample under every intervention, each proven first.

    Args:
        model: The model.
        samples: The text to report on.
        interventions: Mask name → intervention (an empty set leaves the model alone).
        token_budget: Positions a batch.
        advance: Told the number of tokens done after each batch.

    Returns:
        ``log_prob`` [mask, sample] with the samples' language, document, tokens, characters and bytes, and
        each mask's proof: ``moved`` (largest change of the last hidden state on a probe) and ``inert`` (why
        nothing moved).
    """
    names, several = list(interventions), list(interventions.values())
    proofs = prove(model, several)
    pairs = [(mask, sample) for sample in range(len(samples)) for mask in range(len(several))]
    log_prob = np.empty((len(several), len(samples)))
    with torch.inference_mode(), intervene(model, several) as applied:
        for chosen in pack([samples[sample] for _, sample in pairs], token_budget):
            rows = [pairs[index] for index in chosen]
            batch = Batch.of([samples[sample] for _, sample in rows], model.device)
            applied.assign([mask for mask, _ in rows])
            for (mask, sample), value in zip(rows, _log_prob(model, batch), strict=True):
                log_prob[mask, sample] = value
            advance(sum(sample.tokens for sample in batch.samples))
    return xr.Dataset(
        {
            "log_prob": (("mask", "sample"), log_prob),
            "moved": ("mask", np.array([proof.moved for proof in proofs])),
            "inert": ("mask", np.array([proof.inert for proof in proofs], dtype=np.dtypes.StringDType())),
        },
        coords={
            "mask": np.array(names, dtype=np.dtypes.StringDType()),
            **sample_coordinates(samples),
        },
    )


def _log_prob(model: LanguageModel, batch: Batch) -> list[float]:
    row, position = batch.predicting.nonzero(as_tuple=True)
    hidden = model.body(batch.ids)[row, position]
    values, _ = model.head.log_prob(hidden, batch.ids[row, position + 1])
    totals = torch.zeros(len(batch.samples), dtype=torch.float64, device=values.device)
    return totals.index_add_(0, row, values.double()).tolist()
