"""The language-model head in blocks: log-probabilities and their closed-form gradient at the hidden state.

With a vocabulary of 262k the logits of one batch are gigabytes and cost more than the body, so no
[tokens × vocabulary] tensor of a batch ever exists. The head is attention of the hidden states over the rows
of W, so it runs as attention does: a block of the vocabulary at a time, without autograd, with a running
maximum (online softmax; Milakov & Gimelshein 2018). Both products meet in the cache, and W is read once.

    z = scale·(W h + b),  z ← cap·tanh(z/cap) where the family caps,
    log p(y) = log σ(z_y − log Σ_{v≠y} exp z_v),
    ∂ log p(y)/∂h = (1 − p(y))·(∂z_y/∂h − E_{v≠y}[∂z_v/∂h]),  ∂z_v/∂h = scale·(1 − (z_v/cap)²)·W_v.

The target is kept out of the sums, because 1 − p(y) would lose its digits where the model is sure. So the
running maximum is that of its rivals, and says at no further cost whether the target is the likeliest token.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import PretrainedConfig

CHUNK_BYTES = 8 * 2**20
"""Memory for one block of float32 logits: about what the cores of a processor hold in their own caches."""

GPU_SHARE = 16
"""On a GPU a block takes one part in so many of the memory that is free: there a product must be large."""


@dataclass(frozen=True)
class Reading:
    """What the head says of the true next token at each position.

    Attributes:
        log_prob: Its log-probability, in nats.
        correct: Whether it is the likeliest of all, to the rounding of the products. One that shares the
            first place is not: of a head that tells nothing apart every token would be correct.
        slope: ∂ log p/∂hidden, where asked for.
    """

    log_prob: Float[Tensor, " position"]
    correct: Bool[Tensor, " position"]
    slope: Float[Tensor, "position hidden"] | None


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
    def of(cls, linear: nn.Linear, config: PretrainedConfig) -> "Head":
        """Reads the head of a transformers model; `neuroglot doctor` proves it against the model's logits."""
        scale = getattr(config, "logit_scale", None) or 1.0
        scale /= getattr(config, "logits_scaling", None) or 1.0
        return cls(
            linear.weight,
            getattr(linear, "bias", None),
            scale,
            getattr(config, "final_logit_softcapping", None),
        )

    def logits(
        self, hidden: Float[Tensor, "position hidden"], part: slice = slice(None)
    ) -> Float[Tensor, "position token"]:
        """The logits of a few positions, or of a part of the vocabulary, in float32.

        For the whole vocabulary at the positions of a whole batch there are the methods below.
        """
        bias = None if self.bias is None else self.bias[part]
        logits = nn.functional.linear(hidden.to(self.weight), self.weight[part], bias).float()
        if self.scale != 1.0:
            logits *= self.scale
        if self.softcap is not None:
            logits.div_(self.softcap).tanh_().mul_(self.softcap)
        return logits

    def log_prob(
        self,
        hidden: Float[Tensor, "position hidden"],
        target: Int[Tensor, " position"],
        *,
        gradient: bool = False,
    ) -> tuple[Float[Tensor, " position"], Float[Tensor, "position hidden"] | None]:
        """The log-probability of the target at each position, and its gradient at the hidden state."""
        found = self.read(hidden, target, gradient=gradient)
        return found.log_prob, found.slope

    def read(
        self,
        hidden: Float[Tensor, "position hidden"],
        target: Int[Tensor, " position"],
        *,
        gradient: bool = False,
    ) -> Reading:
        """The same, and whether the target is the likeliest token: one pass over the vocabulary."""
        gold, slope = self.gold_logit(hidden, target, gradient=gradient)
        peak = gold.new_full((len(gold), 1), -torch.inf)
        total = torch.zeros_like(peak)
        mean = None if slope is None else torch.zeros_like(slope)
        for part in self._blocks(len(hidden)):
            logits = self.logits(hidden, part)
            bend = None if mean is None or self.softcap is None else (logits / self.softcap).square_()
            rows = ((target >= part.start) & (target < part.stop)).nonzero()[:, 0]
            logits[rows, target[rows] - part.start] = -torch.inf
            higher = torch.maximum(peak, logits.amax(dim=1, keepdim=True))
            shrink = (peak - higher).exp_()
            weights = logits.sub_(higher).exp_()
            total.mul_(shrink).add_(weights.sum(dim=1, keepdim=True))
            if mean is not None:
                mean.mul_(shrink).add_(self._back(weights, bend, part))
            peak = higher
            del logits, weights, bend  # before the next block's take their place, not after
        margin = gold - (peak + total.log())[:, 0]
        if slope is not None and mean is not None:
            slope = (slope - mean / total) * torch.sigmoid(-margin)[:, None]
        return Reading(nn.functional.logsigmoid(margin), gold > peak[:, 0], slope)

    def gold_logit(
        self,
        hidden: Float[Tensor, "position hidden"],
        target: Int[Tensor, " position"],
        *,
        gradient: bool = False,
    ) -> tuple[Float[Tensor, " position"], Float[Tensor, "position hidden"] | None]:
        """The logit of the target at each position: one row of the head each, no product with the rest."""
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

    def _back(self, weights: Tensor, bend: Tensor | None, part: slice) -> Tensor:
        """Σ_v weight(v)·∂z_v/∂h over a part of the vocabulary."""
        if bend is not None:
            weights.mul_(1 - bend)
        return (weights.to(self.weight.dtype) @ self.weight[part]).float() * self.scale

    def _blocks(self, positions: int) -> list[slice]:
        vocabulary, room = self.weight.shape[0], CHUNK_BYTES
        if self.weight.is_cuda:
            room = max(room, torch.cuda.mem_get_info(self.weight.device)[0] // GPU_SHARE)
        size = max(2, room // (4 * max(1, positions)))
        return [slice(start, min(start + size, vocabulary)) for start in range(0, vocabulary, size)]
