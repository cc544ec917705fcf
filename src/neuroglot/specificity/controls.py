"""Random controls: what switching off as many neurons does when nobody chose them.

A chosen set has to beat two kinds. A uniform one differs from it in more than the choice: chosen neurons sit
in other layers, fire at other rates and write more into the residual stream. A matched one holds as many
neurons of every layer and of every decile of one such property, and none of the chosen. The property is any
array [layer, neuron] of the language: the firing rate, the magnitude (mean |a|), or the displacement
‖Δh‖ = mean |a|·‖W_down[:, j]‖, what silencing the neuron takes out of the stream. The same seed gives the
same control.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from neuroglot.errors import NeuroglotError
from neuroglot.specificity.arrays import Mask
from neuroglot.specificity.selection import neurons_allowed

DECILES = 10


def uniform(mask_shape: tuple[int, int], size: int | float, seed: int) -> Mask:
    """A mask [layer, neuron] of neurons drawn without replacement from all.

    Args:
        mask_shape: (layers, neurons a layer).
        size: A count (int) or a fraction of all neurons (float).
        seed: Of the draw.

    Raises:
        NeuroglotError: ``size`` allows no neuron, or more than there are.
    """
    layers, width = mask_shape
    chosen = np.random.default_rng(seed).choice(
        layers * width, neurons_allowed(size, layers * width), replace=False
    )
    mask = np.zeros(layers * width, dtype=bool)
    mask[chosen] = True
    return mask.reshape(mask_shape)


def matched(
    mask: Mask, values: Float[np.ndarray, "layer neuron"], seed: int, what: str = "firing rate"
) -> Mask:
    """A random mask with as many neurons a layer × decile of a property as ``mask``, and none of its own.

    A cell is a decile of the layer's own values; equal values share a cell, so that cells differ in size.
    Where a cell holds too few other neurons, all are taken and the rest is drawn from the nearest cells of
    the same layer, the lower one first.

    Args:
        mask: The chosen neurons of one language.
        values: The property in that language: for the firing rate, share of tokens at which the neuron is
            active.
        seed: Of the draw.
        what: What the property is called in an error.

    Raises:
        NeuroglotError: A layer has more neurons inside the mask than outside, or an unknown (NaN) value.
    """
    priority = np.random.default_rng(seed).random(mask.shape)
    control = np.zeros_like(mask)
    for layer in np.flatnonzero(mask.any(axis=1)):
        chosen, own = mask[layer], values[layer]
        if 2 * chosen.sum() > chosen.size:
            raise NeuroglotError(
                f"no matched control: {chosen.sum()} of {chosen.size} neurons of layer {layer} are chosen, "
                "so fewer than as many are left"
            )
        if np.isnan(own).any():
            raise NeuroglotError(f"no matched control: layer {layer} has neurons without a {what}")
        control[layer] = _draw(chosen, _deciles(own), priority[layer])
    return control


def _deciles(values: Float[np.ndarray, " neuron"]) -> Int[np.ndarray, " neuron"]:
    """The decile, 0 to 9, of each neuron's value among those of its layer."""
    edges = np.quantile(values, np.arange(1, DECILES) / DECILES)
    return np.searchsorted(edges, values, side="right")


def _draw(
    chosen: Bool[np.ndarray, " neuron"],
    cell: Int[np.ndarray, " neuron"],
    priority: Float[np.ndarray, " neuron"],
) -> Bool[np.ndarray, " neuron"]:
    """One layer's control: the neurons of lowest random ``priority``, cell by cell."""
    wanted = np.bincount(cell[chosen], minlength=DECILES)
    control = np.zeros_like(chosen)
    # All cells serve themselves before any of them helps a neighbour out.
    for distance in range(DECILES):
        for home in np.flatnonzero(wanted):
            for donor in sorted({home - distance, home + distance}):
                free = np.flatnonzero((cell == donor) & ~chosen & ~control)
                drawn = free[np.argsort(priority[free])[: wanted[home]]]
                control[drawn] = True
                wanted[home] -= drawn.size
    return control
