"""The exact gradient of s with respect to gates (METHODS §4, searched gates).

A gate multiplies each neuron of a site: m = gate·a, 1 leaves it alone and 0 silences it. With a the
activation as it arrives at the gate and g = ∂s/∂m at the current gates,

    ∂s/∂gate = Σ_t a·g,

also for a silenced neuron: what s would gain, to first order, if it came back. Every row of a batch carries
gates of its own, so many masks share one forward and one backward pass. The sum runs over BOS, too: a gate
acts at all positions.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch, default_budget
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.memory import in_batches
from neuroglot.model.precision import products
from neuroglot.objective.next_token import sum_over_targets
from neuroglot.text.samples import Sample

Keep = Callable[[int, Float[np.ndarray, "layer neuron"], float], None]
"""Is told a row, its gradients and its s."""


def gate_gradients(
    model: LanguageModel,
    samples: Sequence[Sample],
    off: Bool[np.ndarray, "mask layer neuron"],
    masks: Sequence[int],
    *,
    site: str = "mlp",
    token_budget: int | None = None,
) -> tuple[Float[np.ndarray, "row layer neuron"], Float[np.ndarray, " row"]]:
    """Σ_t a·g of every neuron, silenced ones included, and s, with s = Σ_t log p(x_t | x_<t).

    Args:
        model: The model.
        samples: A row each.
        off: The masks: which neurons are silent.
        masks: Which of them each row is read under.
        site: Where the neurons are.
        token_budget: Positions a batch. Default: by device.

    Returns:
        Gradients (float32) and log-probabilities, in the order of ``samples``.

    Raises:
        NeuroglotError: Masks of another shape than the site, or a row without one.
    """
    found = np.empty((len(samples), model.layers, model.site(site).width), dtype=np.float32)
    log_prob = np.empty(len(samples))

    def keep(row: int, gradient: Float[np.ndarray, "layer neuron"], value: float) -> None:
        found[row], log_prob[row] = gradient, value

    each_gradient(model, samples, off, masks, keep, site=site, token_budget=token_budget)
    return found, log_prob


def each_gradient(
    model: LanguageModel,
    samples: Sequence[Sample],
    off: Bool[np.ndarray, "mask layer neuron"],
    masks: Sequence[int],
    keep: Keep,
    *,
    site: str = "mlp",
    token_budget: int | None = None,
) -> None:
    """The same, each row's gradient and s handed to ``keep`` as they come: a sum need not hold them all."""
    shape = (model.layers, model.site(site).width)
    if off.shape[1:] != shape:
        raise NeuroglotError(f"gates: masks of {off.shape[1:]} do not fit {shape} neurons at {site!r}")
    if len(masks) != len(samples) or not all(0 <= mask < len(off) for mask in masks):
        raise NeuroglotError(f"gates: {len(samples)} rows need one of {len(off)} masks each, not {masks}")
    gates = torch.from_numpy(~off).to(model.device)

    def work(rows: list[int]) -> None:
        batch = Batch.of([samples[row] for row in rows], model.device)
        gradients, values = _one_batch(model, batch, gates, [masks[row] for row in rows], site)
        for row, gradient, value in zip(rows, gradients.cpu().numpy(), values.tolist(), strict=True):
            keep(row, gradient, value)

    in_batches(samples, token_budget or default_budget(model.device), work)


def _one_batch(
    model: LanguageModel,
    batch: Batch,
    gates: Bool[Tensor, "mask layer neuron"],
    masks: Sequence[int],
    site: str,
) -> tuple[Float[Tensor, "row layer neuron"], Float[Tensor, " row"]]:
    found = torch.zeros(len(masks), *gates.shape[1:], device=model.device)

    def take(layer: int, arriving: Tensor, slope: Tensor) -> None:
        precision = torch.promote_types(arriving.dtype, torch.float32)
        with products("float32"):  # a sum of signed terms: rounded factors would show
            found[:, layer] = torch.einsum("rtn,rtn->rn", arriving.to(precision), slope.to(precision))

    def gate(layer: int, activation: Tensor) -> Tensor:
        own = gates[masks, layer][:, None].to(activation)
        gated = activation * own
        if not gated.requires_grad:  # the lowest layer: the graph starts here
            gated.requires_grad_()
        gated.register_hook(partial(take, layer, activation.detach()))
        return gated

    visitors = {layer: partial(gate, layer) for layer in range(model.layers)}
    with torch.enable_grad(), model.products(), model.site(site).visit(visitors):
        hidden = model.body(batch.ids)
        values, slope = sum_over_targets(hidden.detach(), batch, model.head.log_prob)
        hidden.backward(slope)
    return found, values
