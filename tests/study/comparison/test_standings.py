"""Equal budgets, over budgets and baselines, against a study's own tables and sums by hand."""

from itertools import pairwise

import numpy as np
import pytest

import neuroglot as ng
from neuroglot.intervention.kinds import Intervention
from neuroglot.neurons import NeuronSet
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.comparison.budgets import scored_neurons
from neuroglot.study.recipe import load_recipe
from neuroglot.study.steps import activations_for
from tiny_study import WORDS

NEURONS = 144
"""Of the tiny model: 5 % are 7."""


def test_a_row_is_what_select_and_ablate_say(compared):
    """At the study's budget, at another, and under another baseline."""
    run, rows = compared.comparing.run, compared.frames["standings"]
    rows = rows[rows["kind"] == "recipe"]
    for recipe, budget, kind in (
        ("grad_act", 0.05, "zero"),
        ("grad_act", 0.02, "zero"),
        ("lape_budget", 0.05, "median"),
        ("grad_act", 0.05, "percentile(5)"),
    ):
        sets = ng.select(run.bank, recipe, budget)
        expected = ng.ablate(run.model, sets, run.text["report"], kind=kind, bank=run.bank)
        expected = expected[expected["kind"] == "recipe"].set_index("language")
        own = rows[(rows["recipe"] == recipe) & (rows["budget"] == budget) & (rows["baseline"] == kind)]
        own = own.set_index("language")
        assert list(own.index) == list(WORDS)
        for column in ("f1_relative", "f1_absolute", "collateral_mean", "size"):
            np.testing.assert_allclose(
                own[column].astype(float), expected.loc[own.index, column].astype(float), rtol=1e-5, atol=1e-9
            )


def test_a_count_is_a_budget_like_its_share(compared):
    rows = compared.frames["standings"]
    neurons = scored_neurons(compared.comparing.run)
    own = rows[(rows["recipe"] == "grad_act") & (rows["budget"] == 14 / neurons)]
    assert (own["size"] == 14).all()
    assert len(own[own["kind"] == "recipe"]) == len(WORDS)


def test_sizes_that_emerge_are_shown_once_a_baseline(compared):
    rows = compared.frames["means"]
    lape = rows[(rows["recipe"] == "lape") & (rows["kind"] == "recipe")]
    assert set(lape["budget"]) == {0.05}
    assert sorted(lape["baseline"]) == ["grand_mean", "median", "percentile(5)", "zero"]


def test_everything_off_and_all_controls_stand_beside_the_recipes(compared):
    rows = compared.frames["standings"]
    main = rows[(rows["budget"] == 0.05) & (rows["baseline"] == "zero")]
    counts = main.groupby("kind").size().to_dict()
    languages = len(WORDS)
    assert counts == {
        "everything_off": languages,
        "recipe": 4 * languages,
        "matched": 4 * languages,
        "uniform": 2 * languages,  # each of the two is judged for every language
    }
    assert main.loc[main["kind"] == "recipe", "rho"].notna().any()


def test_the_area_is_a_mean_over_log_budgets(compared):
    means = compared.frames["means"]
    own = means[(means["recipe"] == "grad_act") & (means["kind"] == "recipe") & (means["baseline"] == "zero")]
    curve = dict(zip(own["budget"], own["f1_relative"], strict=True))
    x = sorted(curve)
    assert len(x) == 3
    total = sum((np.log(b) - np.log(a)) * (curve[a] + curve[b]) / 2 for a, b in pairwise(x))
    area = compared.frames["area"].set_index("recipe")["area"]
    assert area["grad_act"] == pytest.approx(total / (np.log(x[-1]) - np.log(x[0])))
    assert set(area.index) == {"grad_act", "lape_budget", "crane"}  # lape's sizes are its own


def test_differences_are_of_the_means(compared):
    means, pairs = compared.frames["means"], compared.frames["differences"]
    means = means[means["kind"] == "recipe"].set_index(["recipe", "baseline", "budget"])
    assert len(pairs) > 6
    for _, pair in pairs.iterrows():
        one, two = (
            means.loc[(pair[f"recipe_{side}"], pair["baseline"], pair["budget"]), f"f1_{pair['drop']}"]
            for side in "ab"
        )
        assert pair["difference"] == pytest.approx(one - two)
        assert pair["low"] <= pair["high"]


def test_predicted_is_the_signed_sum_and_measured_the_loss(compared):
    run = compared.comparing.run
    rows = compared.frames["predicted"].set_index(["recipe", "language"])
    table = ng.select(run.bank, "grad_act", 0.05)
    summed = load_recipe("grad_act", name="summed", tokens="sum").statistic(run.bank)
    for language, neurons in table.items():
        by_hand = summed.sel(language=language).values[neurons.mask].sum()
        assert rows.loc[("grad_act", language), "predicted"] == pytest.approx(by_hand)
    ablation = compared.comparing.measured(compared.comparing.acts("grad_act", table))
    base, off = ablation.data["log_prob"].values[[0, 2]]
    english = ablation.data["language"].values == "en"
    tokens = ablation.data["tokens"].values[english].sum()
    assert rows.loc[("grad_act", "en"), "measured"] == pytest.approx((base - off)[english].sum() / tokens)


def test_masks_that_do_the_same_are_measured_once(compared, monkeypatch):
    comparing = compared.comparing
    sets = ng.select(comparing.run.bank, "grad_act", 0.07)
    acts = [*comparing.acts("one", sets), *comparing.acts("two", sets)]
    measured = []
    ablating = type(comparing.run.ablating())
    real = ablating.work
    monkeypatch.setattr(
        ablating,
        "work",
        lambda self, parts, track: (measured.extend(map(len, parts)), real(self, parts, track)),
    )
    ablation = comparing.measured(acts)
    assert sum(measured) == 2 + len(WORDS)
    assert [mask.recipe for mask in ablation.masks] == ["", "", *["one"] * 3, *["two"] * 3]
    values = ablation.data["log_prob"].values
    np.testing.assert_array_equal(values[2:5], values[5:8])


@pytest.mark.parametrize("site", ["mlp", "mlp_gate"])
def test_baselines_are_statistics_of_sentence_means(compared, site):
    """Kojima's median is the set's own language's; the 5th percentile is averaged over languages."""
    bank = compared.comparing.run.bank
    means = {name: bank.samples(Quantity(site, "activation", "mean"), name)[0] for name in WORDS}
    shape = means["vi"].shape[1:]
    some = NeuronSet.of(site, shape, [(0, 1), (2, 5)], language="vi")
    median = Intervention(some, "median", activations_for("median", bank, site))
    np.testing.assert_allclose(median.shift, np.median(means["vi"], axis=0), rtol=1e-5, atol=1e-9)
    low = Intervention(some, "percentile(5)", activations_for("percentile(5)", bank, site))
    expected = np.mean(
        [np.quantile(own, 0.05, axis=0, method="inverted_cdf") for own in means.values()], axis=0
    )
    np.testing.assert_allclose(low.shift, expected, rtol=1e-5, atol=1e-9)
    assert (median.gain, low.gain) == (0, 0)
