import pandas as pd

from neuroglot.report.charts.scatter import draw, thin


def test_thinning_keeps_every_chosen_neuron_and_spares_the_rest_evenly():
    points = pd.DataFrame({"layer": [0] * 500 + [1] * 500, "chosen": ([True] * 50 + [False] * 450) * 2})
    kept = thin(points, limit=400)
    assert kept["chosen"].sum() == 100
    assert kept.loc[~kept["chosen"]].groupby("layer").size().to_dict() == {0: 150, 1: 150}


def test_few_points_all_stay():
    points = pd.DataFrame({"chosen": [True, False, False]})
    assert len(thin(points, limit=10)) == 3


def test_more_chosen_than_the_limit_are_still_drawn():
    points = pd.DataFrame({"chosen": [True] * 20 + [False] * 5})
    assert thin(points, limit=10)["chosen"].sum() == 20


def test_lists_offer_the_best_recipe_first(findings):
    binds = {param["name"]: param for param in draw(findings).to_dict()["params"]}
    assert binds["recipe"]["value"] == "grad_act"
    assert binds["recipe"]["bind"]["options"] == ["grad_act", "activation", "lape_budget", "lape"]
    assert binds["language"]["bind"]["options"] == findings.languages
