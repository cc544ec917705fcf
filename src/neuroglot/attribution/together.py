"""What really happens to s when several neurons are moved at once: do their effects add up?"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from neuroglot.attribution.exact import BODY_ROWS, Neurons
from neuroglot.attribution.sweeps import Activation
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.last_position import LastPosition
from neuroglot.objective.target import Target


@torch.no_grad()
def shift_together(
    model: LanguageModel,
    target: Target,
    neurons: Neurons,
    shifts: Float[np.ndarray, "row neuron"],
    *,
    site: str = "mlp",
) -> Float[Tensor, " row"]:
    """Shifts every neuron of a row by its own amount at the prompt's last position: s of each row.

    A shift is added to what the neuron comes to in that row, which the shifts in layers below may have
    changed.

    Args:
        model: The model.
        target: The prompt, and what s is.
        neurons: Which, at ``site``, each once.
        shifts: What is added to each; 0 leaves it.
        site: Where the neurons are.
    """
    last = LastPosition.of(model, target.ids, target.tokens[:-1])
    hidden = []
    most = max(1, BODY_ROWS // len(target.tokens))
    for start in range(0, len(shifts), most):
        part = shifts[start : start + most]
        visitors = {
            layer: _add(neurons[own, 1], part[:, own])
            for layer, own in ((one, neurons[:, 0] == one) for one in np.unique(neurons[:, 0]).tolist())
        }
        with model.site(site).visit(visitors):
            hidden.append(last.run(int(neurons[:, 0].min()), len(part)))
    return target.value(torch.cat(hidden), model.head)[0]


def _add(index: np.ndarray, shift: Float[np.ndarray, "row neuron"]) -> Callable[[Activation], Activation]:
    def change(activation: Activation) -> Activation:
        changed = activation.clone()
        changed[:, 0, torch.from_numpy(index).to(activation.device)] += torch.from_numpy(shift).to(activation)
        return changed

    return change
