"""s of a given token at the last position of a prompt: logit, log-probability or probability (METHODS §1).

NEG (Zhao et al. 2024) and Knowledge Neurons (Dai et al. 2022) ask how much a neuron moves one token's
probability. ∂p/∂h = p·∂log p/∂h.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.model.head import Head

Measure = Literal["logit", "log_prob", "probability"]


@dataclass(frozen=True)
class Target:
    """A prompt and the token that may follow it.

    Attributes:
        ids: The prompt, BOS first.
        token: The token whose value after the prompt is s.
        measure: What of it: ``logit``, ``log_prob`` (in nats) or ``probability``.
    """

    ids: tuple[int, ...]
    token: int
    measure: Measure = "log_prob"

    def __post_init__(self) -> None:
        if not self.ids:
            raise NeuroglotError("a prompt needs at least one token")
        if self.measure not in get_args(Measure):
            raise unknown("measure", self.measure, get_args(Measure))

    def value(
        self, hidden: Float[Tensor, "row hidden"], head: Head, *, gradient: bool = False
    ) -> tuple[Float[Tensor, " row"], Float[Tensor, "row hidden"] | None]:
        """One s for each hidden state of the last position, and ∂s/∂hidden there.

        Raises:
            NeuroglotError: The head does not know the token.
        """
        vocabulary = head.weight.shape[0]
        if not 0 <= self.token < vocabulary:
            raise NeuroglotError(f"there is no token {self.token}: the vocabulary has {vocabulary}")
        tokens = hidden.new_full((len(hidden),), self.token, dtype=torch.long)
        if self.measure == "logit":
            return head.gold_logit(hidden, tokens, gradient=gradient)
        log_prob, slope = head.log_prob(hidden, tokens, gradient=gradient)
        if self.measure == "log_prob":
            return log_prob, slope
        probability = log_prob.exp()
        return probability, None if slope is None else probability[:, None] * slope
