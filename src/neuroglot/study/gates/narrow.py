"""A model whose head knows only the likely tokens: for the search alone, never for a number that is reported.

With a vocabulary of 262k the head is two thirds of a gate gradient's cost, and nearly all of the probability
lies on a few thousand tokens. The narrow model computes log p over those and the text's own tokens:

    log p(y) = z_y − log Σ_{v in V'} exp z_v,   V' = the text's tokens + the likeliest others.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuroglot.model.batch import Batch, default_budget, pack
from neuroglot.model.head import Head, Reading
from neuroglot.model.language_model import LanguageModel
from neuroglot.text.samples import Sample

ROWS = 128
"""Positions whose logits over the whole vocabulary exist at once."""


@dataclass(frozen=True, kw_only=True)
class NarrowHead(Head):
    """A head over part of the vocabulary that is asked in tokens of the whole.

    Attributes:
        place: Token → its row of ``weight``; −1 where it has none.
    """

    place: Int[Tensor, " token"]

    def read(
        self,
        hidden: Float[Tensor, "position hidden"],
        target: Int[Tensor, " position"],
        *,
        gradient: bool = False,
    ) -> Reading:
        """What the head says of the target among the tokens known."""
        return super().read(hidden, self.place[target], gradient=gradient)


def narrowed(model: LanguageModel, samples: Sequence[Sample], tokens: int, read: int = 64) -> LanguageModel:
    """The model with a head over ``tokens`` tokens: all of the text's, and the likeliest on ``read`` samples.

    Args:
        model: Stays as it is; the two share their network.
        samples: All text that the narrow model will be asked about.
        tokens: Size of the vocabulary kept. As many as the model has, or 0: the model itself.
        read: Samples, spread evenly over ``samples``, on which the untouched model says what is likely.
    """
    vocabulary = len(model.head.weight)
    if not 0 < tokens < vocabulary:
        return model
    likely = _likely(model, samples[:: max(1, len(samples) // read)])
    own = torch.tensor(sorted({token for sample in samples for token in sample.ids}), device=likely.device)
    likely[own] = torch.inf
    kept = likely.topk(max(tokens, len(own))).indices.sort().values
    place = torch.full((vocabulary,), -1, device=kept.device)
    place[kept] = torch.arange(len(kept), device=kept.device)
    same = {one.name: getattr(model.head, one.name) for one in fields(model.head)}
    bias = None if model.head.bias is None else model.head.bias[kept]
    narrow = copy(model)
    narrow.head = NarrowHead(**same | {"weight": model.head.weight[kept], "bias": bias}, place=place)
    return narrow


def _likely(model: LanguageModel, samples: Sequence[Sample]) -> Float[Tensor, " token"]:
    """The probability of every token, summed over the text."""
    total = torch.zeros(len(model.head.weight), device=model.device)
    with torch.inference_mode(), model.products():
        for chosen in pack(samples, default_budget(model.device)):
            batch = Batch.of([samples[index] for index in chosen], model.device)
            for part in model.body(batch.ids)[batch.predicting].split(ROWS):
                total += model.head.logits(part).softmax(dim=1).sum(dim=0)
    return total.clone()
