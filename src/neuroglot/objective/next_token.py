"""What objectives share that sum a value of the next (or hidden) token over a row's positions."""

from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuroglot.model.batch import Batch


class PositionValue(Protocol):
    """A value of the target token at each position and its gradient: `Head.log_prob` or `Head.gold_logit`."""

    def __call__(
        self, hidden: Float[Tensor, "position hidden"], target: Int[Tensor, " position"], *, gradient: bool
    ) -> tuple[Float[Tensor, " position"], Float[Tensor, "position hidden"] | None]:
        """Value and gradient."""
        ...


def sum_over_targets(
    hidden: Float[Tensor, "row position hidden"], batch: Batch, value: PositionValue
) -> tuple[Float[Tensor, " row"], Float[Tensor, "row position hidden"]]:
    """Σ over a row's predicting positions of ``value(its token)``, and its gradient (zero elsewhere)."""
    row, position, token = batch.scored
    values, slopes = value(hidden[row, position], token, gradient=True)
    totals = torch.zeros(len(batch.samples), device=hidden.device).index_add_(0, row, values)
    gradient = torch.zeros_like(hidden)
    if slopes is not None:
        gradient[row, position] = slopes.to(hidden.dtype)
    return totals, gradient
