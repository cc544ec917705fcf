"""s = Σ_t log p(x_t | x_<t) over every real token, the first included (METHODS §1): the default."""

from jaxtyping import Float
from torch import Tensor

from neuroglot.model.batch import Batch
from neuroglot.model.head import Head
from neuroglot.objective import OBJECTIVES
from neuroglot.objective.next_token import sum_over_targets


@OBJECTIVES.register("logprob")
def logprob(
    hidden: Float[Tensor, "row position hidden"], batch: Batch, head: Head
) -> tuple[Float[Tensor, " row"], Float[Tensor, "row position hidden"]]:
    """The un-normalised sum of the log-probabilities of a row's tokens."""
    return sum_over_targets(hidden, batch, head.log_prob)
