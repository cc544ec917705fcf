"""The formulas on numbers that a person can check."""

import pytest
import torch

from neuroglot.attribution.scores import SCORES
from neuroglot.errors import NeuroglotError

A = torch.tensor([-2.0, 0.0, 3.0])
G = torch.tensor([0.5, -4.0, -1.0])
BY_HAND = {
    "activation": [-2, 0, 3],
    "activation_abs": [2, 0, 3],
    "active": [0, 0, 1],
    "grad": [0.5, 4, 1],
    "grad_act": [-1, 0, -3],
    "grad_act_abs": [1, 0, 3],
    "fisher": [0.25, 16, 1],
    "fisher_act": [1, 0, 9],
    "neurgrad": [-0.5, 0, -1],
}


@pytest.mark.parametrize("name", SCORES)
def test_formula(name):
    a, g = A.clone(), G.clone()
    score = SCORES[name]
    assert score.formula(a, g if score.gradient else None).tolist() == BY_HAND[name]
    assert torch.equal(a, A), "the model goes on with this activation"
    assert torch.equal(g, G), "and the layer below with this gradient"


def test_powers_of_length():
    """METHODS §1: s is a sum over N: gradients are divided by N, their squares by N², activations not."""
    powers = {name: score.power for name, score in SCORES.items()}
    assert powers == {
        "activation": 0, "activation_abs": 0, "active": 0,
        "grad": 1, "grad_act": 1, "grad_act_abs": 1, "neurgrad": 1,
        "fisher": 2, "fisher_act": 2,
    }  # fmt: skip


def test_every_score_says_what_it_is():
    assert all(score.about.endswith(".") for score in SCORES.values())


def test_unknown_score_names_the_nearest():
    with pytest.raises(NeuroglotError, match=r"unknown score 'gradact'; did you mean 'grad_act'\?"):
        SCORES["gradact"]
