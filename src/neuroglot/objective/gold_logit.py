"""s = Σ_t logit(x_t | x_<t): where relevance starts (METHODS §1; Le et al. 2026, CRANE)."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from neuroglot.model.batch import Batch
from neuroglot.model.head import Head
from neuroglot.objective import OBJECTIVES
from neuroglot.objective.next_token import sum_over_targets
from neuroglot.objective.objective import Hidden, Objective


@dataclass(frozen=True)
class GoldLogit(Objective):
    """The sum of the logits of a row's tokens, without the normaliser over the vocabulary."""

    name: ClassVar[str] = "gold_logit"

    def __call__(self, hidden: Hidden, batch: Batch, head: Head) -> tuple[Float[Tensor, " row"], Hidden]:
        """Value and gradient."""
        return sum_over_targets(hidden, batch, head.gold_logit)


OBJECTIVES.register(GoldLogit.name)(GoldLogit())
