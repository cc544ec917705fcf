"""A whole comparison on a tiny model, its numbers against slower ways to get them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.tables import tabulate
from neuroglot.report.comparison.compared import COLUMNS
from neuroglot.study.comparison import Comparing, load_comparison
from neuroglot.study.comparison.comparing import recrossed, sized
from neuroglot.study.comparison.faithfulness import sampled, spearman
from neuroglot.study.recipe import load_recipe
from neuroglot.study.redrawn import _documents, of_documents
from neuroglot.study.run import Run
from neuroglot.study.steps import ablate, select
from tiny_study import tiny_folder, write_study

RECIPES = ["grad_act", "lape", "experts", "crane", "ig", "pairwise"]
COMPARE = {
    "budgets": ["2%", "10%"],
    "baselines": ["zero", "percentile(5)"],
    "contrasts": ["zscore", "none", "average_precision"],
    "neurons": 12,
    "effect_sentences": 1,
    "redrawn": 1,
    "thresholds": [0.5, 2.0],
}


def comparison_file(folder: Path, home: Path, **changes) -> Path:
    return write_study(
        folder / "comparison.yaml",
        home,
        **{
            "recipes": RECIPES,
            "interventions": {"zero": "all"},
            "controls": {"uniform": 1, "matched": 1},
            "compare": COMPARE,
            **changes,
        },
    )


@pytest.fixture(scope="module")
def comparing(tmp_path_factory) -> Comparing:
    home = tiny_folder(tmp_path_factory.getbasetemp())
    folder = tmp_path_factory.mktemp("comparison")
    comparison = load_comparison(comparison_file(folder, home))
    run = Run.begin(folder / "run", comparison)
    made = Comparing(run, comparison)
    with run.lock():
        made.score()
        made.found = made.frames()
    return made


def test_every_frame_has_its_columns_and_rows(comparing):
    assert set(comparing.found) == set(COLUMNS)
    for name, columns in COLUMNS.items():
        assert set(columns) <= set(comparing.found[name].columns), name
        assert len(comparing.found[name]), name


def test_identification_and_report_share_nothing(comparing):
    parts = comparing.run.text
    ids = [
        {(language, document.id) for language in part.languages for document in part.documents[language]}
        for part in parts.values()
    ]
    assert not ids[0] & ids[1]


def test_standings_are_those_of_a_plain_ablation(comparing):
    run = comparing.run
    sets = select(run.bank, "grad_act", "5%")
    by_hand = ablate(run.model, sets, run.text["report"])
    own = comparing.found["standings"]
    own = own[(own["recipe"] == "grad_act") & (own["kind"] == "recipe") & (own["budget"] == 0.05)]
    own = own[own["baseline"] == "zero"].set_index("language")
    expected = by_hand[by_hand["kind"] == "recipe"].set_index("language")
    np.testing.assert_allclose(own["f1_relative"], expected["f1_relative"][own.index], rtol=1e-4, atol=1e-7)


def test_recipes_whose_size_emerges_are_measured_once(comparing):
    means = comparing.found["means"]
    budgets = means[means["kind"] == "recipe"].groupby("recipe")["budget"].nunique()
    assert budgets["lape"] == 1
    assert budgets["grad_act"] == budgets["experts"] == 3
    assert not sized(load_recipe("lape"))
    assert sized(load_recipe("experts"))


def test_the_area_is_a_mean_over_log_budgets(comparing):
    means = comparing.found["means"]
    means = means[
        (means["kind"] == "recipe") & (means["recipe"] == "grad_act") & (means["baseline"] == "zero")
    ]
    means = means.sort_values("budget")
    x, y = np.log(means["budget"].to_numpy()), means["f1_relative"].to_numpy()
    by_hand = sum((x[i + 1] - x[i]) * (y[i] + y[i + 1]) / 2 for i in range(2)) / (x[2] - x[0])
    area = comparing.found["area"].set_index("recipe")["area"]
    assert area["grad_act"] == pytest.approx(by_hand)


def test_a_cell_of_score_and_contrast_is_a_recipe_of_its_own(comparing):
    crossing = recrossed(load_recipe("grad_act"), "none")
    acts = comparing.acts("x", select(comparing.run.bank, crossing, 0.05))
    means = tabulate(comparing.measured(acts), resamples=100).means
    cells = comparing.found["crossed"].set_index(["score", "contrast"])["f1_relative"]
    expected = means.loc[means["kind"] == "recipe", "f1_relative"].iloc[0]
    assert cells["grad_act (max, mean)", "none"] == pytest.approx(expected, rel=1e-5)
    assert ("relevance (sum, kurtosis) of gold_logit", "average_precision") not in cells


def test_faithfulness_is_spearmans_of_the_points_shown(comparing):
    rows = comparing.found["faithfulness"].set_index("score")
    for score, points in comparing.found["effects"].groupby("score"):
        goal = points["effect"] if rows.loc[score, "signed"] else points["effect"].abs()
        each = [spearmanr(own["value"], goal[own.index]).statistic for _, own in points.groupby("language")]
        assert rows.loc[score, "spearman"] == pytest.approx(np.mean(each), abs=1e-9)


def test_spearman_with_ties_and_without_spread():
    a, b = np.array([[1.0, 1, 2, 3], [5, 5, 5, 5]]), np.array([[4.0, 1, 1, 9], [1, 2, 3, 4]])
    assert spearman(a, b).tolist() == [pytest.approx(spearmanr(a[0], b[0]).statistic), 0.0]


def test_neurons_are_drawn_over_layers_and_ranks():
    size = np.random.default_rng(0).random((3, 50))
    neurons = sampled(size, 30, seed=1)
    assert np.bincount(neurons[:, 0]).tolist() == [10, 10, 10]
    for layer in range(3):
        ranks = size[layer].argsort().argsort()[neurons[neurons[:, 0] == layer, 1]]
        assert sorted(rank // 5 for rank in ranks) == list(range(10))


def test_a_half_of_the_bank_is_the_bank_of_half_the_documents(comparing):
    bank = comparing.run.bank
    recipe = load_recipe("grad_act")
    scores, _ = bank.samples(recipe.quantity, "en")
    first, second = _documents(bank)[:2]
    drawn = [first, first, second]
    half, _ = of_documents(bank, np.array(drawn)).samples(recipe.quantity, "en")
    documents = [
        str(name)
        for shard in bank.shards
        if recipe.quantity.variable in shard["mlp"].dataset
        for name, language in zip(
            shard["mlp"]["document"].values, shard["mlp"]["language"].values, strict=True
        )
        if language == "en"
    ]
    rows = [row for name in drawn for row, own in enumerate(documents) if own == name]
    assert len(rows) == len(half) == 6
    np.testing.assert_allclose(np.sort(half, axis=0), np.sort(scores[rows], axis=0))


def test_the_known_answer_tells_effects_from_activations(comparing):
    means = comparing.found["known_answer"].groupby("recipe")[["precision", "decoys"]].mean()
    assert means.loc["grad_act", "precision"] > 0.9
    assert means.loc["grad_act", "decoys"] == 0
    assert means.loc["experts", "decoys"] > 0.2


def test_a_finished_comparison_measures_nothing_again(comparing, monkeypatch):
    monkeypatch.setattr(Comparing, "measured", None)
    again = Comparing(Run.open(comparing.run.folder), comparing.comparison)
    frames = again.frames()
    for name, frame in comparing.found.items():
        pd.testing.assert_frame_equal(frames[name], frame, check_dtype=False, check_like=True, rtol=1e-12)


def test_a_section_that_was_cut_is_done_again(comparing):
    folder = comparing.run.folder / "comparison"
    kept = (folder / "overlap.json").read_text("utf-8")
    (folder / "overlap.json").unlink()
    again = comparing.section("overlap")
    assert set(again) == {"recipe_overlap", "language_overlap", "density"}
    assert json.loads((folder / "overlap.json").read_text("utf-8"))["key"] == json.loads(kept)["key"]


def test_quick_is_short(comparing):
    quick = load_comparison("compare-quick").quick()
    assert len(quick.recipes) >= 12
    assert (quick.text.identify_sentences, quick.text.report_sentences) == (16, 8)
    assert (quick.compare.budgets, quick.compare.baselines, quick.compare.neurons) == ([], ["zero"], 60)
    assert quick.compare.crossed_sentences == 4
    own = quick.model_copy(update={"compare": quick.compare.model_copy(update={"crossed_sentences": 8})})
    assert own.quick().compare.crossed_sentences == 8  # what a study says itself stays
    paths = {recipe.name: recipe for recipe in quick.recipes if recipe.sentences}
    assert set(paths) == {"ig", "conductance", "knowledge_neurons", "smoothgrad"}
    assert all(recipe.sentences == 4 for recipe in paths.values())
    assert paths["ig"].score.options["steps"] == paths["knowledge_neurons"].score.options["steps"] == 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"compare": {"baselines": ["zro"]}}, r"compare\.baselines: unknown intervention 'zro'.*'zero'"),
        ({"compare": {"budgets": ["0%"]}}, r"compare\.budgets: budget '0%': a budget must be above 0"),
        ({"compare": {"contrasts": ["zscor"]}}, r"compare\.contrasts: unknown contrast 'zscor'.*'zscore'"),
        ({"compare": {"neuron": 3}}, r"compare\.neuron: unknown key 'neuron'; did you mean 'neurons'\?"),
    ],
)
def test_mistakes_are_one_line(tmp_path, changes, message, tmp_path_factory):
    home = tiny_folder(tmp_path_factory.getbasetemp())
    with pytest.raises(NeuroglotError, match=message):
        load_comparison(comparison_file(tmp_path, home, **changes))
