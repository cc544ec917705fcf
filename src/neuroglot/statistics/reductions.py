"""Token reductions: a sample's score from its tokens' scores (METHODS §3).

Each reduction gets the per-token scores [row, token, neuron] and the tokens that count [row, token]; a row is
a sample.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from neuroglot.registry import Registry

TokenScores = Float[Tensor, "row token neuron"]
Counted = Bool[Tensor, "row token"]
SampleScores = Float[Tensor, "row neuron"]

REDUCTIONS: Registry[Callable[[TokenScores, Counted], SampleScores]] = Registry("token reduction")

TOP = 5
"""Tokens that `topk_mean` averages."""


@REDUCTIONS.register("max")
def maximum(scores: TokenScores, counted: Counted) -> SampleScores:
    """The largest score of a counted token."""
    return _only(scores, counted).amax(dim=1)


@REDUCTIONS.register("sum")
def total(scores: TokenScores, counted: Counted) -> SampleScores:
    """The sum over counted tokens, as one product a row: no masked copy of the scores."""
    return (counted.to(scores.dtype)[:, None, :] @ scores)[:, 0]


@REDUCTIONS.register("mean")
def mean(scores: TokenScores, counted: Counted) -> SampleScores:
    """The mean over counted tokens."""
    return total(scores, counted) / counted.sum(dim=1, keepdim=True)


@REDUCTIONS.register("topk_mean")
def topk_mean(scores: TokenScores, counted: Counted) -> SampleScores:
    """The mean of the five largest scores (of all, where a sample has fewer tokens)."""
    best = _only(scores, counted).topk(min(TOP, scores.shape[1]), dim=1).values
    found = counted.sum(dim=1, keepdim=True).clamp(max=TOP)
    return best.masked_fill(best == -torch.inf, 0.0).sum(dim=1) / found


@REDUCTIONS.register("last")
def last(scores: TokenScores, counted: Counted) -> SampleScores:
    """The last token but one, the last position that predicts a scored token (of one token, that one)."""
    position = torch.arange(scores.shape[1], device=scores.device)
    end = (position * counted).amax(dim=1)
    before = counted & (position < end[:, None])
    place = torch.where(before.any(dim=1), (position * before).amax(dim=1), end)
    return scores[torch.arange(len(scores), device=scores.device), place]


@REDUCTIONS.register("l2")
def l2(scores: TokenScores, counted: Counted) -> SampleScores:
    """√Σ_t score²."""
    return total(scores.square(), counted).sqrt()


def _only(scores: TokenScores, counted: Counted) -> TokenScores:
    """The scores, −∞ at tokens that do not count: by index, because a mask would be read for every score."""
    kept = scores.clone()
    kept[(~counted).nonzero(as_tuple=True)] = -torch.inf
    return kept
