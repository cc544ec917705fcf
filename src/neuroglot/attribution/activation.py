"""Scores of the forward pass alone: how much a neuron fires.

Tang et al. 2024 count a > 0; Kojima et al. 2024 average a.
"""

import torch

from neuroglot.attribution.scores import Activation, token_score


@token_score("activation", gradient=False)
def activation(a: Activation, g: None) -> Activation:
    """a, signed."""
    return a


@token_score("activation_abs", gradient=False)
def activation_abs(a: Activation, g: None) -> Activation:
    """|a|."""
    return a.abs()


@token_score("active", gradient=False)
def active(a: Activation, g: None) -> Activation:
    """1 where a > 0: its mean over tokens is the firing rate."""
    return torch.gt(a, 0, out=torch.empty_like(a))  # three times as fast as by way of booleans
