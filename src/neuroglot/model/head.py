"""The language-model head in chunks: log-probabilities and their closed-form gradient at the last hidden state.

With a vocabulary of 262k the logits of one batch are gigabytes and cost more than the body, so no
[tokens × vocabulary] tensor of a batch ever exists: a chunk of positions at a time, without autograd,

    z = scale·(W h + b),  z ← cap·tanh(z/cap) where the family caps,
    ∂ log p(y)/∂h = scale · Wᵀ[(1_y − softmax z) ⊙ (1 − (z/cap)²)].
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PretrainedConfig

CHUNK_BYTES = 128 * 2**20
"""Memory for one chunk of float32 logits: the head runs at full speed from about 64 positions a chunk."""


@dataclass(frozen=True)
class Head:
    """A linear head with what families add to it.

    Attributes:
        weight: [vocabulary, hidden].
        bias: [vocabulary] or None.
        scale: Factor on the logits (Cohere multiplies, Granite divides).
        softcap: Gemma 2's cap, or None.
    """

    weight: Float[Tensor, "vocabulary hidden"]
    bias: Float[Tensor, " vocabulary"] | None = None
    scale: float = 1.0
    softcap: float | None = None

    @classmethod
    def of(cls, linear: nn.Module, config: PretrainedConfig) -> "Head":
        """Reads the head of a transformers model; `neuroglot doctor` proves it against the model's own logits."""
        scale = getattr(config, "logit_scale", None) or 1.0
        scale /= getattr(config, "logits_scaling", None) or 1.0
        return cls(linear.weight, getattr(linear, "bias", None), scale, getattr(config, "final_logit_softcapping", None))

    def logits(self, hidden: Float[Tensor, "position hidden"]) -> Float[Tensor, "position vocabulary"]:
        """The logits of a few positions, in float32. For whole batches use the chunked methods below."""
        logits = nn.functional.linear(hidden.to(self.weight.dtype), self.weight, self.bias).float()
        if self.scale != 1.0:
            logits *= self.scale
        if self.softcap is not None:
            logits.div_(self.softcap).tanh_().mul_(self.softcap)
        return logits

    def log_prob(
        self, hidden: Float[Tensor, "position hidden"], target: Int[Tensor, " position"], *, gradient: bool = False
    ) -> tuple[Float[Tensor, " position"], Float[Tensor, "position hidden"] | None]:
        """log p(target) at each position and, if asked for, its gradient at the hidden state."""
        values = hidden.new_empty(len(hidden), dtype=torch.float32)
        slopes = torch.empty_like(hidden, dtype=torch.float32) if gradient else None
        for part in self._chunks(len(hidden)):
            logits, index = self.logits(hidden[part]), target[part, None]
            chosen = logits.gather(1, index)[:, 0]
            bend = (logits / self.softcap).square_() if gradient and self.softcap is not None else None
            peak = logits.amax(dim=1, keepdim=True)
            weights = logits.sub_(peak).exp_()
            total = weights.sum(dim=1, keepdim=True)
            values[part] = chosen - peak[:, 0] - total[:, 0].log()
            if slopes is not None:
                weights.div_(-total).scatter_add_(1, index, torch.ones_like(total))
                slopes[part] = self._back(weights, bend)
        return values, slopes

    def gold_logit(
        self, hidden: Float[Tensor, "position hidden"], target: Int[Tensor, " position"], *, gradient: bool = False
    ) -> tuple[Float[Tensor, " position"], Float[Tensor, "position hidden"] | None]:
        """The logit of the target at each position: one row of the head a position, no product with the rest."""
        rows = self.weight[target].float()
        logits = (hidden.float() * rows).sum(-1)
        if self.bias is not None:
            logits = logits + self.bias[target].float()
        logits = logits * self.scale
        bend: Tensor | float = 1.0
        if self.softcap is not None:
            capped = (logits / self.softcap).tanh()
            logits, bend = capped * self.softcap, (1 - capped.square())[:, None]
        return logits, rows * (self.scale * bend) if gradient else None

    def _back(self, slopes: Tensor, bend: Tensor | None) -> Tensor:
        if bend is not None:
            slopes.mul_(1 - bend)
        return (slopes.to(self.weight.dtype) @ self.weight).float() * self.scale

    def _chunks(self, positions: int) -> list[slice]:
        size = max(1, CHUNK_BYTES // (4 * self.weight.shape[0]))
        return [slice(start, start + size) for start in range(0, positions, size)]
