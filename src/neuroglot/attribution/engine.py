"""The pass: every token once through the model, every score that anybody asked for out of it.

1. Hooks stand where the sites' tensors pass. Scores of the activation alone are reduced there and then.
2. The lowest tapped tensor becomes a leaf of the graph, so that nothing below the lowest wanted layer is
   back-propagated; weights are frozen, so only activations have gradients.
3. The objective gives ∂s/∂hidden at the last hidden state in closed form, a chunk of the vocabulary product
   at a time; that gradient is fed to the body.
4. As the gradient of each layer arrives, its scores are reduced (`batch_pass`).

Scores that go back by other rules (relevance) take a pass of their own, and sweeps as many as they need.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neuroglot.attribution.batch_pass import BatchPass
from neuroglot.attribution.copies import counting
from neuroglot.attribution.scores import SCORES
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch, default_budget
from neuroglot.model.language_model import LanguageModel, check_layers
from neuroglot.model.memory import in_batches
from neuroglot.objective import OBJECTIVES, Objective
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.reductions import REDUCTIONS
from neuroglot.statistics.shard import COMPLETENESS, samples_shard
from neuroglot.text.samples import Sample

logger = logging.getLogger(__name__)


def score_samples(
    model: LanguageModel,
    samples: Sequence[Sample],
    quantities: Sequence[Quantity],
    *,
    objective: str | Objective | Sequence[str] = "logprob",
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
        objective: The scalar s, by name or with options of its own; or one name a sample.
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
    runs = [*samples, *(sample.against for sample in samples if sample.against)]
    objectives = _objectives(objective, samples)
    if positions.startswith("every") and any(quantity.reduction == "last" for quantity in quantities):
        raise NeuroglotError(
            f"token reduction 'last' reads every position; it does not go with {positions!r}"
        )
    for quantity in quantities:
        REDUCTIONS[quantity.reduction]
    positions_of = counting(positions)
    scores = {
        quantity: np.empty((len(runs), len(chosen), model.site(quantity.site).width), dtype=np.float32)
        for quantity in quantities
    }
    unfit: dict[int, dict[str, Any]] = {}
    paths: dict[tuple[str, int], list[float]] = {}

    def work(rows: list[int]) -> None:
        batch = Batch.of([runs[row] for row in rows], model.device)
        asked = [objectives[row] for row in rows]
        found = []  # added up at the end only: where memory runs out on the way, the batch is done again
        for passed in _lanes(quantities):
            one = BatchPass(model, passed, chosen, batch, positions_of, checkpointing, asked)
            for quantity, values in one.run().items():
                scores[quantity][rows] = values.cpu().numpy()
            unfit.update({rows[row]: why for row, why in one.unfit.items()})
            found.append(one.paths)
        for place, (missing, change) in (item for lane in found for item in lane.items()):
            total = paths.setdefault(place, [0.0, 0.0])
            total[0] += missing
            total[1] += change
        advance(sum(samples[row].tokens for row in rows if row < len(samples)))

    in_batches(runs, token_budget or default_budget(model.device), work)
    about = dict(attributes or {})
    if paths:
        about[COMPLETENESS] = json.dumps(
            [[name, layer, missing, change] for (name, layer), (missing, change) in sorted(paths.items())]
        )
    if len(runs) > len(samples):
        scores = _subtracted(samples, scores, unfit)
    return _without(unfit, samples, scores, chosen, about)


def _objectives(objective: str | Objective | Sequence[str], samples: Sequence[Sample]) -> list[Objective]:
    """One a run: those of the samples, then those of what is subtracted."""
    names = [objective] * len(samples) if isinstance(objective, (str, Objective)) else list(objective)
    found = [OBJECTIVES[name] if isinstance(name, str) else name for name in names]
    return found + [one for one, sample in zip(found, samples, strict=True) if sample.against]


def _lanes(quantities: Sequence[Quantity]) -> Iterator[list[Quantity]]:
    """Quantities that one pass gives: all plain scores together, the others by their score and options."""
    lanes: dict[tuple[str, str], list[Quantity]] = {}
    for quantity in quantities:
        score = SCORES[quantity.score]
        plain = score.sweep is None and score.around is None
        lanes.setdefault(("", "") if plain else (quantity.score, quantity.options), []).append(quantity)
    yield from lanes.values()


def _subtracted(
    samples: Sequence[Sample], scores: Mapping[Quantity, np.ndarray], unfit: dict[int, dict[str, Any]]
) -> dict[Quantity, np.ndarray]:
    """Each sample's scores less those of what it stands against; unfit if either is."""
    against = {
        row: number
        for number, row in enumerate(
            [row for row, sample in enumerate(samples) if sample.against], start=len(samples)
        )
    }
    for row, number in against.items():
        if number in unfit:
            unfit.setdefault(row, unfit.pop(number))
    difference = {}
    for quantity, values in scores.items():
        difference[quantity] = values[: len(samples)].copy()
        difference[quantity][list(against)] -= values[list(against.values())]
    return difference


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
