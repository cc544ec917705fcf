"""Halves, redrawn documents and thresholds, against corpora cut by hand."""

from dataclasses import replace

import numpy as np
import pytest

import neuroglot as ng
from neuroglot.study.jaccard import jaccard
from neuroglot.study.recipe import load_recipe
from neuroglot.study.redrawn import draws, of_documents
from neuroglot.study.steps import score
from tiny_study import WORDS


def cut(corpus, documents):
    """The corpus of some documents only."""
    return replace(
        corpus,
        documents={
            language: [one for one in own if one.id in documents]
            for language, own in corpus.documents.items()
        },
    )


def test_halves_are_two_corpora(compared):
    """A half of the bank chooses what a new pass over that half of the text does."""
    run = compared.comparing.run
    mixed = draws(run.bank, compared.comparing.comparison.seed, 0)[0]
    sets = []
    for half in (mixed[::2], mixed[1::2]):
        bank = score(run.model, cut(run.text["identify"], set(half)), ["grad_act"])
        sets.append(ng.select(bank, "grad_act", 0.05))
    rows = compared.frames["stability"]
    rows = rows[(rows["recipe"] == "grad_act") & (rows["kind"] == "split_half")].set_index("language")
    for language in WORDS:
        one, two = (own[language].mask for own in sets)
        assert rows.loc[language, "jaccard"] == pytest.approx((one & two).sum() / (one | two).sum())


def test_redrawn_documents_count_as_often_as_drawn(compared):
    run = compared.comparing.run
    quantity = load_recipe("grad_act").quantity
    name = str(draws(run.bank, compared.comparing.comparison.seed, 0)[0][0])
    twice = of_documents(run.bank, np.array([name, name])).samples(quantity, "fr")[0]
    once = of_documents(run.bank, np.array([name])).samples(quantity, "fr")[0]
    assert len(twice) == 2 * len(once) > 0
    np.testing.assert_allclose(twice.mean(axis=0), once.mean(axis=0), rtol=1e-12)
    rows = compared.frames["stability"]
    assert len(rows[(rows["kind"] == "bootstrap") & (rows["recipe"] == "grad_act")]) == 2 * len(WORDS)


def test_thresholds_are_kurtosis_above_them(compared):
    run, rows = compared.comparing.run, compared.frames["thresholds"]
    assert sorted(set(rows["threshold"])) == [0.5, 1.0, 2.0]
    crane = load_recipe("crane")
    scaled = crane.scaled(crane.statistic(run.bank))
    for _, row in rows.iterrows():
        own = scaled.sel(language=row["language"]).values
        above, at_one = own > row["threshold"], own > 1
        assert row["size"] == above.sum()
        union = (above | at_one).sum()
        assert row["jaccard"] == pytest.approx((above & at_one).sum() / union if union else 1)


def test_overlap_is_a_mean_over_languages(compared):
    run = compared.comparing.run
    one, two = (ng.select(run.bank, name, 0.05) for name in ("grad_act", "lape_budget"))
    expected = np.mean([jaccard(one[language], two[language]) for language in WORDS])
    rows = compared.frames["recipe_overlap"].set_index(["recipe_a", "recipe_b"])["jaccard"]
    assert rows["grad_act", "lape_budget"] == pytest.approx(expected)
    assert rows["crane", "crane"] == 1
    within = compared.frames["language_overlap"].set_index(["recipe", "language_a", "language_b"])
    shared = (one["en"].mask & one["vi"].mask).sum()
    assert within.loc[("grad_act", "en", "vi"), "shared"] == shared
    assert within.loc[("grad_act", "en", "vi"), "jaccard"] == pytest.approx(shared / (14 - shared))


def test_density_is_every_sample_at_the_most_specific_neurons(compared):
    run, rows = compared.comparing.run, compared.frames["density"]
    recipe = load_recipe("crane")
    own = rows[(rows["target"] == "vi") & (rows["language"] == "fr")]
    ranking = recipe.ranked(run.bank).sel(language="vi").values
    best = np.unravel_index(np.nanargmax(ranking), ranking.shape)
    values = own[(own["layer"] == best[0]) & (own["neuron"] == best[1])]["value"]
    samples = run.bank.samples(recipe.quantity, "fr")[0][:, best[0], best[1]]
    np.testing.assert_allclose(sorted(values), sorted(samples))


def test_costs_are_counted(compared):
    cost = compared.frames["cost"].set_index("recipe")
    assert list(cost.index) == ["grad_act", "lape_budget", "crane", "lape"]
    assert (cost["passes"] >= 1).all()
    assert (cost["seconds"] > 0).all()
