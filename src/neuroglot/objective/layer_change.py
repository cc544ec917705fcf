"""‖Δ layer output‖₂ when a neuron is off (METHODS §1; Zhao et al. 2024, PLND).

It has a closed form, the score ``parallel``, and needs no backward pass: so it has no gradient to take.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.model.head import Head
from neuroglot.objective import OBJECTIVES
from neuroglot.objective.objective import Hidden, Objective

CLOSED_FORM = "parallel"
"""The score that goes with it."""


@dataclass(frozen=True)
class LayerChange(Objective):
    """How far a layer's output moves."""

    name: ClassVar[str] = "layer_change"

    def __call__(self, hidden: Hidden, batch: Batch, head: Head) -> tuple[Float[Tensor, " row"], Hidden]:
        """There is none.

        Raises:
            NeuroglotError: Always.
        """
        raise NeuroglotError(f"objective 'layer_change' has a closed form: take the score {CLOSED_FORM!r}")


OBJECTIVES.register(LayerChange.name)(LayerChange())
