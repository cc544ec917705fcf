"""Score × contrast: each cell is a recipe that anybody could write."""

import pytest

import neuroglot as ng
from neuroglot.study.comparison.crossed import scores_of
from neuroglot.study.recipe import load_recipe


def test_a_cell_is_select_and_ablate_by_hand(compared):
    run = compared.comparing.run
    recipe = load_recipe("grad_act", name="by_hand", contrast="margin")
    sets = ng.select(run.bank, recipe, 0.05)
    table = ng.ablate(run.model, sets, run.text["report"])
    table = table[table["kind"] == "recipe"]
    rows = compared.frames["crossed"].set_index(["score", "contrast"])
    cell = rows.loc[("grad_act (max, mean)", "margin")]
    assert cell["f1_relative"] == pytest.approx(table["f1_relative"].mean())
    assert cell["f1_absolute"] == pytest.approx(table["f1_absolute"].mean())
    assert cell["size"] == 7


def test_a_scale_is_no_part_of_a_score(compared):
    """CRANE's z-scores of the layer are not credited to kurtosis."""
    run = compared.comparing.run
    plain = load_recipe("crane", name="plain", scale={}, contrast="zscore")
    sets = ng.select(run.bank, plain, 0.05)
    table = ng.ablate(run.model, sets, run.text["report"])
    rows = compared.frames["crossed"].set_index(["score", "contrast"])
    cell = rows.loc[("relevance (sum, kurtosis) of gold_logit", "zscore")]
    expected = table.loc[table["kind"] == "recipe", "f1_relative"].mean()
    assert cell["f1_relative"] == pytest.approx(expected)


def test_scores_are_crossed_once_and_others_not_at_all():
    recipes = [load_recipe(name) for name in ("grad_act", "pairwise", "random", "gates", "lape_budget")]
    assert list(scores_of(recipes)) == ["grad_act (max, mean)", "active (sum, rate) at mlp_gate"]
