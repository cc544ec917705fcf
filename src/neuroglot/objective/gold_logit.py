"""s = Σ_t logit(x_t | x_<t): where relevance starts (METHODS §1; Le et al. 2026, CRANE)."""

from jaxtyping import Float
from torch import Tensor

from neuroglot.model.batch import Batch
from neuroglot.model.head import Head
from neuroglot.objective import OBJECTIVES
from neuroglot.objective.next_token import sum_over_targets


@OBJECTIVES.register("gold_logit")
def gold_logit(
    hidden: Float[Tensor, "row position hidden"], batch: Batch, head: Head
) -> tuple[Float[Tensor, " row"], Float[Tensor, "row position hidden"]]:
    """The sum of the logits of a row's tokens, without the normaliser over the vocabulary."""
    return sum_over_targets(hidden, batch, head.gold_logit)
