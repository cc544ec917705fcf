"""Token reductions: a sample's score from its tokens' scores (METHODS §3).

Each reduction gets the per-token scores [row, token, neuron] of samples of one length: there is no padding.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from neuroglot.registry import Registry

TokenScores = Float[Tensor, "row token neuron"]
SampleScores = Float[Tensor, "row neuron"]

REDUCTIONS: Registry[Callable[[TokenScores], SampleScores]] = Registry("token reduction")

TOP = 5
"""Tokens that `topk_mean` averages."""


@REDUCTIONS.register("max")
def maximum(scores: TokenScores) -> SampleScores:
    """The largest score of a token."""
    return scores.amax(dim=1)


@REDUCTIONS.register("sum")
def total(scores: TokenScores) -> SampleScores:
    """The sum over tokens."""
    return scores.sum(dim=1)


@REDUCTIONS.register("mean")
def mean(scores: TokenScores) -> SampleScores:
    """The mean over tokens."""
    return scores.mean(dim=1)


@REDUCTIONS.register("topk_mean")
def topk_mean(scores: TokenScores) -> SampleScores:
    """The mean of the five largest scores (of all, where a sample has fewer tokens)."""
    return scores.topk(min(TOP, scores.shape[1]), dim=1).values.mean(dim=1)


@REDUCTIONS.register("last")
def last(scores: TokenScores) -> SampleScores:
    """The last token but one, the last position that predicts a scored token (of one token, that one)."""
    return scores[:, max(scores.shape[1] - 2, 0)]


@REDUCTIONS.register("l2")
def l2(scores: TokenScores) -> SampleScores:
    """√Σ_t score²."""
    return scores.square().sum(dim=1).sqrt()
