import numpy as np
import pytest
import xarray as xr
import yaml

from neuroglot.errors import NeuroglotError
from neuroglot.specificity.contrasts import CONTRASTS
from neuroglot.specificity.lape import lape
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.recipe import Recipe, load_recipe

S = np.array(
    [
        [[9.0, 1.0, 1.0, 2.0], [1.0, 1.0, 1.0, 1.0]],
        [[1.0, 8.0, 1.0, 2.0], [1.0, 1.0, 1.0, 1.0]],
        [[1.0, 1.0, 7.0, 2.0], [1.0, 1.0, 1.0, 6.0]],
    ]
)
STATISTIC = xr.DataArray(S, dims=("language", "layer", "neuron"), coords={"language": ["en", "vi", "fr"]})


def recipe(**changes) -> Recipe:
    return Recipe(**{"name": "mine", "score": "grad_act", "contrast": {"name": "margin"}, **changes})


def test_a_recipe_names_what_the_pass_must_keep():
    assert load_recipe("grad_act").quantity == Quantity("mlp", "grad_act", "max", 1, "logprob")
    assert load_recipe("lape").quantity == Quantity("mlp_gate", "active", "sum", 0, "")
    assert load_recipe("fisher").quantity.power == 2


def test_margin_within_a_budget_by_hand():
    chosen = recipe().choose(STATISTIC, 1)
    assert [np.argwhere(mask).tolist() for mask in chosen] == [[[0, 0]], [[0, 1]], [[0, 2]]]
    assert np.argwhere(recipe().choose(STATISTIC, 2)[2]).tolist() == [[0, 2], [1, 3]]


def test_scales_come_before_the_contrast():
    scaled = recipe(scale={"language": "l1"})
    np.testing.assert_allclose(scaled.scaled(STATISTIC).values, S / S.sum(axis=(1, 2), keepdims=True))
    expected = CONTRASTS["margin"](scaled.scaled(STATISTIC).values, ["en", "vi", "fr"])
    np.testing.assert_array_equal(scaled.specificity(STATISTIC).values, expected)


def test_a_threshold_lets_sizes_emerge():
    chosen = recipe(contrast="none", select={"rule": "threshold", "value": 6.5}).choose(STATISTIC, 1)
    assert chosen.sum(axis=(1, 2)).tolist() == [1, 1, 1]
    chosen = recipe(contrast="none", select={"rule": "threshold", "value": 5.5}).choose(STATISTIC, 1)
    assert chosen.sum(axis=(1, 2)).tolist() == [1, 1, 2]


def test_lapes_rule_is_lape():
    p = np.random.default_rng(0).random((3, 4, 50))
    chosen = load_recipe("lape").choose(STATISTIC.copy(data=S / 10), 1)
    assert chosen.shape == S.shape
    chosen = load_recipe("lape").select.choose(p, p, 1)
    for mask, pairs in zip(chosen, lape(p), strict=True):
        np.testing.assert_array_equal(np.argwhere(mask), pairs)


def test_a_rate_is_a_rate_of_sums():
    for wrong in ({"tokens": "max", "score": "active"}, {"tokens": "sum", "score": "grad"}):
        with pytest.raises(ValueError, match="the statistic 'rate' is"):
            recipe(samples="rate", **wrong)


def test_a_file_of_ones_own(tmp_path):
    mine = load_recipe("grad_act").model_dump(mode="json") | {"name": "mine"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mine), "utf-8")
    assert load_recipe(tmp_path / "mine.yaml") == load_recipe("grad_act").model_copy(update={"name": "mine"})


def test_an_option_that_the_contrast_does_not_have():
    with pytest.raises(ValueError, match=r"contrast 'margin' has no options \(given: 'nonsense'\)"):
        recipe(contrast={"name": "margin", "options": {"nonsense": 1}})
