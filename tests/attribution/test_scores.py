"""The formulas on numbers that a person can check; what the registry says of every score."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from neuroglot.attribution.engine import score_samples
from neuroglot.attribution.scores import SCORES
from neuroglot.errors import NeuroglotError
from neuroglot.objective.gold_logit import GoldLogit
from neuroglot.statistics.quantity import Quantity

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
    "relevance": [-1, 0, -3],
}
SWEEPS = {"ablation", "conductance", "integrated_gradients", "jacobian", "parallel", "random", "smoothgrad"}


def test_a_score_is_a_formula_or_a_sweep():
    assert {name for name, score in SCORES.items() if score.formula} == set(BY_HAND)
    assert {name for name, score in SCORES.items() if score.sweep} == SWEEPS
    assert set(SCORES) == {*BY_HAND, *SWEEPS}
    assert {name for name, score in SCORES.items() if score.around} == {"relevance"}
    assert {name for name, score in SCORES.items() if score.whole} == {"ablation", "random"}


@pytest.mark.parametrize("name", BY_HAND)
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
        "activation": 0, "activation_abs": 0, "active": 0, "parallel": 0, "random": 0, "jacobian": 0,
        "grad": 1, "grad_act": 1, "grad_act_abs": 1, "neurgrad": 1, "relevance": 1, "ablation": 1,
        "integrated_gradients": 1, "conductance": 1, "smoothgrad": 1,
        "fisher": 2, "fisher_act": 2,
    }  # fmt: skip
    smooth = SCORES["smoothgrad"]
    assert smooth.length(smooth.configured({"of": "fisher"}, "smoothgrad")) == 2, "as what it averages"


def test_scores_that_do_not_depend_on_the_objective():
    without = {name for name, score in SCORES.items() if not score.gradient}
    assert without == {"activation", "activation_abs", "active", "jacobian", "parallel", "random"}


def test_a_score_scales_with_the_objective_to_its_power(gemma, samples):
    """s → 2·s doubles what is divided by N once and quadruples what is divided twice."""

    @dataclass(frozen=True)
    class Twice(GoldLogit):
        def __call__(self, hidden, batch, head):
            value, slope = super().__call__(hidden, batch, head)
            return 2 * value, 2 * slope

    options = {"ablation": '{"neurons": 2}'}
    wanted = [Quantity("mlp", name, "sum", 0, "", options.get(name, "")) for name in SCORES]
    once = score_samples(gemma, samples[:2], wanted, objective="gold_logit")["mlp"]
    twice = score_samples(gemma, samples[:2], wanted, objective=Twice())["mlp"]
    for quantity in wanted:
        one, two = (tree[quantity.variable].values for tree in (once, twice))
        np.testing.assert_allclose(
            two, one * 2 ** SCORES[quantity.score].power, rtol=1e-3, atol=1e-4 * np.nanmax(np.abs(one))
        )


def test_every_score_says_what_it_is():
    assert all(score.about.endswith(".") for score in SCORES.values())


@pytest.mark.parametrize("name", SCORES)
def test_options_that_a_score_does_not_have(name):
    with pytest.raises(NeuroglotError, match=f"score '{name}'.*'nonsense'"):
        SCORES[name].configured({"nonsense": 1}, name)


def test_an_options_nearest_spelling():
    with pytest.raises(NeuroglotError, match=r"'smoothgrad': unknown option 'copy'; did you mean 'copies'\?"):
        SCORES["smoothgrad"].configured({"copy": 1}, "smoothgrad")
    with pytest.raises(NeuroglotError, match=r"unknown rules 'attnlpr'; did you mean 'attnlrp'\?"):
        SCORES["relevance"].configured({"rules": "attnlpr"}, "relevance")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("smoothgrad", {"copies": "many"}),
        ("smoothgrad", {"copies": 2.5}),
        ("smoothgrad", {"copies": True}),
        ("smoothgrad", {"sigma": "x"}),
        ("smoothgrad", {"of": "active"}),
        ("smoothgrad", {"of": "nothing"}),
        ("smoothgrad", {"of": ["grad"]}),
        ("integrated_gradients", {"steps": 0}),
        ("integrated_gradients", {"steps": 1.5}),
        ("integrated_gradients", {"steps": None}),
        ("integrated_gradients", {"baseline": "zeros"}),
        ("integrated_gradients", {"schedule": 3}),
        ("conductance", {"steps": "8"}),
        ("conductance", {"schedule": "linear"}),
        ("jacobian", {"probes": 0}),
        ("jacobian", {"probes": 0.5}),
        ("jacobian", {"of": "logit"}),
        ("ablation", {"neurons": -1}),
        ("ablation", {"neurons": 1.5}),
        ("ablation", {"seed": "x"}),
        ("relevance", {"rules": 1}),
        ("random", {"seed": "x"}),
        ("random", {"seed": None}),
    ],
)
def test_values_that_an_option_cannot_take(name, options):
    with pytest.raises(NeuroglotError):
        SCORES[name].configured(options, name)


def test_unknown_score_names_the_nearest():
    with pytest.raises(NeuroglotError, match=r"unknown score 'gradact'; did you mean 'grad_act'\?"):
        SCORES["gradact"]
