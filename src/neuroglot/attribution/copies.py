"""Which positions of a sample count, and what the copies of a text add up to (masked language models).

A masked language model reads a text once for each token that it hides (`neuroglot.text.masked`), so a token
has an activation in every copy. s is a sum over the copies: what a token's neuron does for it is the sum of
its gradient scores over them. A score of the forward pass is the mean.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from neuroglot.errors import NeuroglotError
from neuroglot.text.samples import Sample

Counted = slice | list[int]
"""Positions of a row."""

TokenScores = Float[Tensor, "row token neuron"]


def counting(positions: str) -> Callable[[Sample], Counted]:
    """A sample → the positions whose neurons are read, never BOS; of copies the same ones in each.

    Raises:
        NeuroglotError: An unknown name.
    """
    if positions == "last":
        return _last
    kind, _, step = positions.partition(":")
    if positions != "all" and (kind != "every" or not step.isdecimal() or int(step) < 1):
        raise NeuroglotError(f"unknown positions {positions!r}; use all, last or every:k")
    return lambda sample: _every(sample, int(step or 1))


def _every(sample: Sample, step: int) -> Counted:
    if sample.gaps is None:
        return slice(1, len(sample.ids), step)
    whole = sample.tokens + 2
    return [
        copy * whole + place for copy in range(sample.copies) for place in range(1, sample.tokens + 1, step)
    ]


def _last(sample: Sample) -> Counted:
    """The last position that predicts; a gap predicts itself, and there is one in each copy."""
    if sample.gaps:
        return [place for place, _ in sample.gaps]
    # Of one token that one; where nothing is predicted (a text that is read as it is) likewise by place.
    last = max(sample.tokens - 1, 1)
    return slice(last, last + 1)


def together(tokens: TokenScores, samples: Sequence[Sample], *, summed: bool, last: bool) -> TokenScores:
    """The scores of each token over the copies of its text; those of a causal model as they are.

    Args:
        tokens: Scores at the positions counted.
        samples: The rows, all of as many copies.
        summed: Add up over the copies; otherwise take the mean.
        last: Leave of each copy only its gap, for the reduction of that name.
    """
    if samples[0].gaps is None:
        return tokens
    each = tokens.unflatten(1, (samples[0].copies, -1))
    if last and samples[0].gaps and each.shape[2] > 1:
        places = [[place % (own.tokens + 2) - 1 for place, _ in own.gaps or ()] for own in samples]
        row = torch.arange(len(samples), device=tokens.device)[:, None]
        copy = torch.arange(each.shape[1], device=tokens.device)
        each = each[row, copy, torch.tensor(places, device=tokens.device)][:, :, None]
    whole: Tensor = each.sum(dim=1) if summed else each.mean(dim=1)
    return whole
