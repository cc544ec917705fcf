import numpy as np
import pytest
import xarray as xr
import yaml

from neuroglot.errors import NeuroglotError
from neuroglot.specificity.contrasts import CONTRASTS
from neuroglot.specificity.lape import lape
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.recipe import Recipe, load_recipe, recipe_names

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


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_can_be_written_and_read_again(name, tmp_path):
    """As a run folder does: all that it is stands in the file."""
    first = load_recipe(name)
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(first.model_dump(mode="json")), "utf-8")
    again = load_recipe(tmp_path / "again.yaml")
    assert again == first
    assert again.tasks == first.tasks
    first.rehearse(["en", "vi", "zh"])


def test_options_are_part_of_what_is_kept():
    steps = load_recipe("ig").quantity
    assert (steps.options, steps.sentences, steps.power) == ('{"steps": 16}', 16, 1)
    culnig = load_recipe("culnig")
    assert [quantity.objective for quantity in culnig.tasks] == [
        "answer",
        "answer(control=options)",
        "answer(control=copy)",
    ]
    controls = [named.options.get("control") for named in culnig.tasks.values()]
    assert controls == [None, "options", "copy"]
    assert {quantity.power for quantity in culnig.tasks} == {0}, "a probability is no sum over tokens"
    one, other = {"sigma": 0.2, "copies": 2}, {"copies": 2, "sigma": 0.2}
    smooth = recipe(score={"name": "smoothgrad", "options": one})
    assert smooth.quantity == recipe(score={"name": "smoothgrad", "options": other}).quantity
    assert smooth.quantity.variable == "smoothgrad.max.logprob.copies=2,sigma=0.2"
    assert recipe(score={"name": "smoothgrad", "options": {"of": "fisher"}}).quantity.power == 2


def test_a_bare_name_is_a_name_without_options():
    assert recipe(score={"name": "grad_act", "options": {}}) == recipe()
    assert recipe().model_dump(mode="json")["score"] == "grad_act"
    assert load_recipe("ig").model_dump(mode="json")["score"] == {
        "name": "integrated_gradients",
        "options": {"steps": 16},
    }


def test_changes_to_a_recipe():
    mine = load_recipe("grad_act", name="mine", tokens="mean", contrast="margin")
    assert (mine.name, mine.tokens, mine.contrast.name) == ("mine", "mean", "margin")
    with pytest.raises(NeuroglotError, match=r"unknown key 'token'; did you mean 'tokens'"):
        load_recipe("grad_act", token="mean")


def test_what_is_subtracted_is_the_same_statistic_of_the_other_objective():
    both = recipe(minus={"name": "answer", "options": {"control": "copy"}}, objective="answer")
    own, other = both.tasks
    assert (own.objective, other.objective) == ("answer", "answer(control=copy)")

    class Bank:
        def statistic(self, quantity, name, per, options):
            assert (name, per, options) == ("mean", "tokens", {})
            return {own: STATISTIC, other: STATISTIC / 4}[quantity]

    np.testing.assert_array_equal(both.statistic(Bank()).values, S * 3 / 4)


def test_what_reads_the_bank_asks_for_it():
    for name in ("experts", "prefilter"):
        with pytest.raises(NeuroglotError, match="needs the"):
            load_recipe(name).choose(STATISTIC, 1)
    with pytest.raises(NeuroglotError, match="recipe 'culnig' has a control: it needs the score bank"):
        load_recipe("culnig").choose(STATISTIC, 1)


def test_a_small_share_of_a_large_model_is_no_mistake():
    """Whether a share is a neuron at all is the model's affair, not that of the numbers that are tried."""
    culnig = load_recipe("culnig")
    small = culnig.select.model_copy(update={"share": 1e-4, "control_share": 1e-4})
    culnig.model_copy(update={"select": small}).rehearse(["en", "vi", "zh"])
    small.check_neurons(10_000)
    with pytest.raises(NeuroglotError, match=r"culnig: share: a budget of 0\.0100% is less than one of 144"):
        small.check_neurons(144)


def test_a_file_of_ones_own(tmp_path):
    mine = load_recipe("grad_act").model_dump(mode="json") | {"name": "mine"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mine), "utf-8")
    assert load_recipe(tmp_path / "mine.yaml") == load_recipe("grad_act").model_copy(update={"name": "mine"})


def test_an_option_that_the_contrast_does_not_have():
    with pytest.raises(ValueError, match=r"contrast 'margin' has no options \(given: 'nonsense'\)"):
        recipe(contrast={"name": "margin", "options": {"nonsense": 1}})
