"""Scores that need passes of their own, beside each other in one call: none of them disturbs another."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neuroglot.attribution import engine
from neuroglot.attribution.engine import score_samples
from neuroglot.attribution.integrated_gradients import IntegratedGradients, integrated_gradients
from neuroglot.attribution.scores import SCORES
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES
from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.moments import merge, summarise
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.shard import completeness, quarantined
from neuroglot.study import reading
from neuroglot.study.recipe import load_recipe
from neuroglot.study.steps import score
from neuroglot.text.corpus import Corpus, Document
from tiny import tiny_model

PLAIN = [
    Quantity("mlp", "grad_act", "max", 1, "logprob"),
    Quantity("mlp_gate", "active", "sum"),
    Quantity("resid", "fisher", "sum", 2, "logprob"),
]
OPTIONS = {
    "relevance": ("", '{"rules": "cp"}'),
    "smoothgrad": ('{"copies": 2}', '{"copies": 2, "seed": 1}'),
    "integrated_gradients": ('{"steps": 3}', '{"steps": 2, "baseline": "mean"}'),
    "conductance": ('{"steps": 4}',),
    "jacobian": ('{"probes": 2}',),
    "ablation": ('{"neurons": 3}',),
    "parallel": ("",),
    "random": ("",),
}
OWN = {
    name: [
        Quantity("mlp", name, reduction, 0, "logprob" if SCORES[name].gradient else "", options)
        for options in each
        for reduction in (("sum",) if SCORES[name].whole else ("sum", "max"))
    ]
    for name, each in OPTIONS.items()
}
"""Every score with lanes of its own: its options, hence its lanes, under two reductions."""
ALL = [quantity for own in OWN.values() for quantity in own]
MIXED = [quantity for pair in zip(ALL, PLAIN * len(ALL), strict=False) for quantity in pair][: len(ALL) * 2]
SHUFFLED = list(dict.fromkeys(MIXED))


def array_of(tree, quantity):
    return tree[quantity.site][quantity.variable].values


def test_every_score_is_plain_or_has_its_lane_here():
    apart = {name for name, one in SCORES.items() if one.sweep or one.around}
    assert apart == set(OPTIONS)
    assert {quantity.score for quantity in PLAIN}.isdisjoint(apart)
    assert set(SHUFFLED) == {*ALL, *PLAIN}


@pytest.fixture(scope="module")
def model():
    return tiny_model("gemma3_text")


@pytest.fixture(scope="module")
def together(model, samples):
    return score_samples(model, samples, SHUFFLED)


def test_plain_scores_do_not_notice_the_others(model, samples, together):
    alone = score_samples(model, samples, PLAIN)
    for quantity in PLAIN:
        np.testing.assert_array_equal(array_of(together, quantity), array_of(alone, quantity))


@pytest.mark.parametrize("name", OPTIONS)
def test_a_lane_gives_the_numbers_of_a_call_of_its_own(name, model, samples, together):
    for quantity in OWN[name]:
        alone = array_of(score_samples(model, samples, [quantity]), quantity)
        found = array_of(together, quantity)
        np.testing.assert_array_equal(found, alone)
        assert np.nanstd(found) > 0


@pytest.mark.parametrize("name", ["relevance", "smoothgrad", "integrated_gradients"])
def test_options_make_a_difference(name, together):
    """Else one lane's numbers could stand for the other's."""
    one, _, other, _ = (array_of(together, quantity) for quantity in OWN[name])
    assert np.abs(one - other).max() > 0.01 * np.abs(one).max()


def test_the_model_is_left_as_it_was(model, samples, together):
    again = tiny_model("gemma3_text")
    ids = torch.tensor([samples[0].ids])
    with torch.no_grad():
        assert torch.equal(model.network(ids).logits, again.network(ids).logits)


@pytest.mark.parametrize("name", OPTIONS)
def test_batches_do_not_matter(name, model, samples, together):
    alone = score_samples(model, samples, OWN[name], token_budget=1)
    packed = score_samples(model, samples, OWN[name], token_budget=10_000)
    backwards = score_samples(model, samples[::-1], OWN[name], token_budget=17)
    for quantity in OWN[name]:
        expected = array_of(alone, quantity)
        scale = np.nanmax(np.abs(expected), axis=(0, 2), keepdims=True)
        for found in (array_of(packed, quantity), array_of(backwards, quantity)[::-1]):
            np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
            assert np.nanmax(np.abs(found - expected) / scale) <= 1e-4


def test_layers_and_positions_reach_the_lanes(model, samples, together):
    some = score_samples(model, samples, ALL, layers=[2, 0])
    last = score_samples(model, samples, ALL, positions="last")
    for quantity in ALL:
        assert some["mlp"]["layer"].values.tolist() == [0, 2]
        expected = array_of(together, quantity)
        scale = np.nanmax(np.abs(expected))
        assert np.nanmax(np.abs(array_of(some, quantity) - expected[:, [0, 2]])) <= 1e-4 * scale, quantity
        if SCORES[quantity.score].whole:
            np.testing.assert_array_equal(array_of(last, quantity), expected)
        elif quantity.reduction == "sum":
            assert np.abs(array_of(last, quantity) - expected).max() > 0.01 * scale
    for name in set(OPTIONS) - {"ablation", "random"}:  # one position: every reduction is the score itself
        total, highest = (array_of(last, quantity) for quantity in OWN[name][:2])
        np.testing.assert_allclose(total, highest, rtol=1e-6)


@pytest.mark.parametrize("budget", [1, 10_000])
def test_what_a_sample_stands_against_is_subtracted(budget, model, samples):
    """Lane by lane, only where there is something, and wherever the two runs are batched."""
    pairs = [replace(sample, against=samples[(row + 1) % 5]) for row, sample in enumerate(samples)]
    pairs[2] = samples[2]
    found = score_samples(model, pairs, SHUFFLED, token_budget=budget)
    apart = score_samples(model, samples, SHUFFLED)
    assert found["mlp"]["sentence"].values.tolist() == [sample.sentence for sample in samples]
    for quantity in SHUFFLED:
        own = array_of(apart, quantity)
        expected = np.stack([own[row] - (own[(row + 1) % 5] if row != 2 else 0) for row in range(5)])
        scale = np.nanmax(np.abs(own))
        assert np.nanmax(np.abs(array_of(found, quantity) - expected)) <= 1e-4 * scale, quantity


def test_progress_is_told_in_tokens_of_the_samples(model, samples):
    """What they stand against is not counted: whoever shows a bar knows the samples only."""
    told = []
    pairs = [replace(sample, against=samples[0]) for sample in samples]
    score_samples(model, pairs, [*PLAIN, *OWN["relevance"]], token_budget=10, advance=told.append)
    assert sum(told) == sum(sample.tokens for sample in samples)
    assert len(told) > 2


def test_a_sample_is_left_out_if_what_it_stands_against_is_not_finite(samples):
    """Once, by its own name, and nobody else with it."""
    model = tiny_model("llama")  # whose head has weights of its own
    with torch.no_grad():
        model.network.get_input_embeddings().weight[255] = torch.inf
    bad = replace(samples[4], ids=(2, 70, 255, 80))
    assert all(255 not in sample.ids for sample in samples)
    pairs = [replace(samples[0], against=bad), replace(samples[1], against=samples[0]), bad, samples[3]]
    tree = score_samples(model, pairs, [*PLAIN, IG])
    assert tree["mlp"]["sentence"].values.tolist() == [1, 3]
    assert [one["sentence"] for one in quarantined(tree)] == [0, 4]
    for quantity in (*PLAIN, IG):
        assert np.isfinite(array_of(tree, quantity)).all()
    expected = score_samples(model, [pairs[1], pairs[3]], [*PLAIN, IG])
    for quantity in (*PLAIN, IG):
        scale = np.abs(array_of(expected, quantity)).max()
        np.testing.assert_allclose(
            array_of(tree, quantity), array_of(expected, quantity), rtol=1e-4, atol=1e-5 * scale
        )


IG = Quantity("mlp", "integrated_gradients", "max", 1, "logprob", '{"steps": 2}')
NAME = "mlp/integrated_gradients.logprob.steps=2"


def lacks(model, samples):
    """Layer → Σ |missing| and Σ |change| over samples, each swept alone."""
    found = {layer: [0.0, 0.0] for layer in range(model.layers)}
    for sample in samples:
        batch = Batch.of([sample])
        swept = integrated_gradients(
            model,
            batch,
            lambda hidden, batch=batch: OBJECTIVES["logprob"](hidden, batch, model.head),
            ["mlp"],
            range(model.layers),
            IntegratedGradients(steps=2),
        )
        for layer, sums in found.items():
            sums[0] += abs(swept.missing["mlp", layer].item())
            sums[1] += abs(swept.change["mlp", layer].item())
    return found


def test_completeness_is_added_up_over_batches_shards_and_summaries(model, samples):
    expected = lacks(model, samples)
    assert all(change > 0.1 for _, change in expected.values())
    whole = score_samples(model, samples, [IG, *PLAIN], token_budget=17)
    halves = [score_samples(model, part, [IG, *PLAIN]) for part in (samples[:2], samples[2:])]
    streamed = merge(*(summarise(half, "tokens", histograms=False) for half in halves))
    for told in (completeness(whole), completeness(*halves), completeness(streamed)):
        assert [(name, layer) for name, layer, _, _ in told] == [(NAME, layer) for layer in expected]
        for _, layer, *sums in told:
            assert sums == pytest.approx(expected[layer], rel=1e-3)
    for name, layer, share in ScoreBank(tuple(halves)).completeness:
        assert name == NAME
        assert share == pytest.approx(expected[layer][0] / expected[layer][1], rel=1e-3)


def test_scores_without_a_path_say_nothing_of_completeness(model, samples):
    assert "completeness" not in score_samples(model, samples[:1], PLAIN).attrs


def test_a_batch_that_is_done_again_counts_once(model, samples, monkeypatch):
    """Memory runs out in the second lane, after the first has told of its paths."""
    expected = completeness(score_samples(model, samples, [IG], token_budget=10_000))
    real, failed = engine.BatchPass.run, []

    def run(self):
        if self.quantities[0].score == "relevance" and not failed:
            failed.append(self)
            raise torch.OutOfMemoryError
        return real(self)

    monkeypatch.setattr(engine.BatchPass, "run", run)
    tree = score_samples(model, samples, [IG, OWN["relevance"][0]], token_budget=10_000)
    assert len(failed) == 1
    for (_, _, *sums), (_, _, *own) in zip(completeness(tree), expected, strict=True):
        assert sums == pytest.approx(own, rel=1e-3)


@pytest.fixture
def corpus():
    texts = {"en": "rain on the roof|bread and salt|a lamp", "fr": "pluie sur le toit|pain et sel|une lampe"}
    texts["vi"] = "mưa trên mái|bánh mì và muối|một ngọn đèn"
    return Corpus(
        "c",
        {
            name: [Document(f"d{n}", (text,)) for n, text in enumerate(own.split("|"))]
            for name, own in texts.items()
        },
        parallel=True,
    )


def few_steps(**changes):
    return load_recipe("ig", score={"name": "integrated_gradients", "options": {"steps": 2}}, **changes)


def test_what_a_folder_holds_is_not_read_again(model, corpus, monkeypatch, tmp_path):
    """Sweeps, tasks of their own, and limits of sentences: only what is new takes a pass."""
    passes = []
    real = reading.score_samples

    def counted(model, samples, quantities, **others):
        passes.append((sorted({one.score for one in quantities}), len(samples)))
        return real(model, samples, quantities, **others)

    monkeypatch.setattr(reading, "score_samples", counted)

    def read(*recipes):
        passes.clear()
        return score(model, corpus, recipes, folder=tmp_path / "bank")

    lid = load_recipe("grad_act", objective="language_id")
    target = load_recipe("grad_act", objective="target")
    first = read("grad_act", few_steps(sentences=2), "crane")
    assert sorted(passes) == [(["grad_act"], 9), (["integrated_gradients"], 6), (["relevance"], 9)]
    again = read("grad_act", few_steps(sentences=2), "crane", "grad_act")
    assert passes == []
    for recipe in (load_recipe("grad_act"), few_steps(sentences=2), load_recipe("crane")):
        np.testing.assert_array_equal(recipe.statistic(first), recipe.statistic(again))
    read("grad_act", few_steps(sentences=1), "crane")
    assert passes == [(["integrated_gradients"], 3)], "another limit is another text"
    read(few_steps(sentences=2), target)
    assert passes == [(["grad_act"], 9)], "another objective with text of its own"
    read(lid, target, "grad_act", "activation")
    assert sorted(passes) == [(["activation_abs"], 9), (["grad_act"], 3)]
    read(lid, target, "grad_act", "activation", few_steps(sentences=1), few_steps(sentences=2))
    assert passes == []


def test_forward_scores_ride_on_a_pass_over_the_same_text_only(model, corpus, monkeypatch):
    """Not on that of an objective with prompts, nor on that over a few sentences."""
    asked = []
    real = reading.score_samples

    def counted(model, samples, quantities, **others):
        asked.append({(one.score, one.sentences) for one in quantities})
        return real(model, samples, quantities, **others)

    monkeypatch.setattr(reading, "score_samples", counted)
    target = load_recipe("grad", objective="target")
    bank = score(model, corpus, ["grad_act", target, "activation", load_recipe("activation", sentences=2)])
    assert len(asked) == 3
    assert {("grad_act", 0), ("activation_abs", 0)} in asked
    assert {("activation_abs", 2)} in asked
    plain = score(model, corpus, ["activation"])
    np.testing.assert_allclose(
        load_recipe("activation").statistic(bank), load_recipe("activation").statistic(plain), rtol=1e-6
    )
