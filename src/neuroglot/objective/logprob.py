"""s = Σ_t log p(x_t | x_<t) over every real token, the first included (METHODS §1): the default."""

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
class LogProb(Objective):
    """The un-normalised sum of the log-probabilities of a row's tokens."""

    name: ClassVar[str] = "logprob"

    def __call__(self, hidden: Hidden, batch: Batch, head: Head) -> tuple[Float[Tensor, " row"], Hidden]:
        """Value and gradient."""
        return sum_over_targets(hidden, batch, head.log_prob)


OBJECTIVES.register(LogProb.name)(LogProb())
