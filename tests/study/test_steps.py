"""The six lines of Python: load, split, score, select, ablate."""

import json

import numpy as np
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.study.run import Run
from neuroglot.study.steps import ablate, matched_on, per_neuron, score, select


@pytest.fixture(scope="module")
def parts(home):
    return Run.open(home / "run").text


@pytest.fixture(scope="module")
def bank(gemma, parts):
    return score(gemma, parts["identify"], ["grad_act", "lape_budget"], also=[matched_on("rate", "mlp")])


def test_the_steps_give_what_the_run_gives(home, bank):
    run = Run.open(home / "run")
    for recipe in run.study.recipes:
        assert select(bank, recipe, run.study.budget) == run.sets[recipe.name]
        assert select(bank, recipe.name, "5%") == run.sets[recipe.name]


def test_a_set_says_how_to_make_it_again(bank, gemma, parts):
    about = select(bank, "grad_act", 5)["vi"].provenance
    assert about["model"]["fingerprint"] == gemma.fingerprint
    assert about["corpus"]["fingerprint"] == parts["identify"].fingerprint
    assert about["recipe"]["name"] == "grad_act"
    assert about["budget"] == 5
    assert {"neuroglot", "torch", "transformers", "numpy"} == set(about["versions"])
    assert json.dumps(dict(about))


def test_switching_off_gives_a_row_a_set_beside_everything_off(gemma, bank, parts):
    table = ablate(gemma, select(bank, "grad_act", 5), parts["report"])
    assert table["kind"].tolist() == ["everything_off"] * 3 + ["recipe"] * 3
    own = table[table["kind"] == "recipe"]
    assert set(own["language"]) == {"en", "fr", "vi"}
    assert own["size"].tolist() == [5] * 3
    assert np.isfinite(table["f1_relative"]).all()


def test_a_restricted_pass_scores_only_its_layers(gemma, parts):
    bank = score(gemma, parts["identify"], ["lape_budget"], layers=[1])
    assert all(not neurons.mask[[0, 2]].any() for neurons in select(bank, "lape_budget", 3).values())
    rates = per_neuron(bank, matched_on("rate", "mlp_gate"))
    assert rates.shape == (3, 3, 48)
    assert not rates.sel(layer=[0, 2]).any()
    assert rates.sel(layer=1).any()


def test_mistakes_of_the_caller(gemma, bank, parts):
    with pytest.raises(NeuroglotError, match="unknown recipe 'grad_atc'; did you mean 'grad_act'"):
        score(gemma, parts["identify"], ["grad_atc"])
    with pytest.raises(NeuroglotError, match="the score bank has no 'fisher_act"):
        select(bank, "fisher")
    with pytest.raises(NeuroglotError, match="more than the 144 there are"):
        select(bank, "grad_act", 145)
    with pytest.raises(NeuroglotError, match=r"layers \[7\] do not exist"):
        score(gemma, parts["identify"], ["grad_act"], layers=[7])
