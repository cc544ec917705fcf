"""s of what may follow a prompt, a token or several: logit, log-probability or probability (METHODS §1).

NEG (Zhao et al. 2024) and Knowledge Neurons (Dai et al. 2022) ask how much a neuron moves the probability of
an answer. Several tokens count together, each after the true ones before it: their log-probabilities (and
logits, which have no joint meaning of their own) are added up, their probabilities multiplied.
∂p/∂h = p·∂log p/∂h.
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
    """A prompt and the tokens that may follow it.

    Attributes:
        ids: The prompt, BOS first.
        tokens: Those whose value after the prompt is s.
        measure: What of them: ``logit``, ``log_prob`` (in nats) or ``probability``.
    """

    ids: tuple[int, ...]
    tokens: tuple[int, ...]
    measure: Measure = "log_prob"

    def __post_init__(self) -> None:
        if not self.ids:
            raise NeuroglotError("a prompt needs at least one token")
        if not self.tokens:
            raise NeuroglotError("a target needs at least one token")
        if self.measure not in get_args(Measure):
            raise unknown("measure", self.measure, get_args(Measure))

    def value(
        self, hidden: Float[Tensor, "row position hidden"], head: Head, *, gradient: bool = False
    ) -> tuple[Float[Tensor, " row"], Float[Tensor, "row position hidden"] | None]:
        """One s a row, and ∂s/∂hidden.

        Args:
            hidden: Last hidden states of the prompt's last position and of all tokens but the last.
            head: The model's.
            gradient: Whether ∂s/∂hidden is wanted.

        Raises:
            NeuroglotError: The head does not know a token.
        """
        vocabulary = head.weight.shape[0]
        wrong = [token for token in self.tokens if not 0 <= token < vocabulary]
        if wrong:
            raise NeuroglotError(f"there is no token {wrong[0]}: the vocabulary has {vocabulary}")
        rows, positions, _ = hidden.shape
        tokens = torch.tensor(self.tokens, device=hidden.device).repeat(rows)
        read = head.gold_logit if self.measure == "logit" else head.log_prob
        each, slope = read(hidden.flatten(0, 1), tokens, gradient=gradient)
        s = each.view(rows, positions).sum(dim=1)
        slope = None if slope is None else slope.view(rows, positions, -1)
        if self.measure != "probability":
            return s, slope
        probability = s.exp()
        return probability, None if slope is None else probability[:, None, None] * slope
