"""The scalars s whose gradient scores the neurons (METHODS §1).

An objective gets the last hidden states of a batch and returns one s a row with its gradient there. Rows do
not interact, so a batch may mix objectives: each row's neurons get the gradient of their own row's s.
"""

from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from neuroglot.model.batch import Batch
from neuroglot.model.head import Head
from neuroglot.registry import Registry


class Objective(Protocol):
    """A scalar a row."""

    def __call__(
        self, hidden: Float[Tensor, "row position hidden"], batch: Batch, head: Head
    ) -> tuple[Float[Tensor, " row"], Float[Tensor, "row position hidden"]]:
        """The value of s for each row, and ∂s/∂hidden."""
        ...


OBJECTIVES: Registry[Objective] = Registry("objective")

from neuroglot.objective import gold_logit, logprob  # noqa: E402, F401  one line a new objective
