"""Every recipe, from per-sample scores to masks, against a plain transcription of what it is meant to do.

The transcriptions loop, sort and count; nothing in them is the package's. They begin at the arrays of the
bank's shards, whose numbers `tests/attribution` checks; of the sweeps, which read few sentences, here too.
"""

import json
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from neuroglot.attribution.conductance import ConductancePath, conductance_score
from neuroglot.attribution.integrated_gradients import IntegratedGradients, integrated_gradients
from neuroglot.attribution.smoothgrad import SmoothGrad, smoothgrad
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES
from neuroglot.statistics.shard import completeness
from neuroglot.study.recipe import load_recipe, recipe_names
from neuroglot.study.steps import score, select
from neuroglot.text.corpus import Corpus
from neuroglot.text.samples import tokenize
from tiny import tiny_model

LANGUAGES = ("en", "vi", "zh")
SENTENCES = 6
LAYERS, WIDTH, HIDDEN = 3, 200, 32
NEURONS = LAYERS * WIDTH
BUDGET = 0.05
SIZE = 30
PLACES = [(layer, neuron) for layer in range(LAYERS) for neuron in range(WIDTH)]


@pytest.fixture(scope="module")
def model():
    return tiny_model("gemma3_text", max_position_embeddings=1024, intermediate_size=WIDTH)


@pytest.fixture(scope="module")
def corpus():
    return Corpus.commons(LANGUAGES).take(SENTENCES)


@pytest.fixture(scope="module")
def bank(model, corpus):
    """One bank for all of them, as a comparison has it."""
    return score(model, corpus, recipe_names())


@pytest.fixture(scope="module")
def read(bank):
    """(site, variable, how often divided by N) → an array [sample, layer, neuron] a language."""

    def scores(site, variable, power=0):
        found = {language: [] for language in LANGUAGES}
        for shard in bank.shards:
            if site not in shard.children or variable not in shard[site].data_vars:
                continue
            data = shard[site].dataset
            for row, language in enumerate(data["language"].values):
                n = int(data["tokens"].values[row])
                found[language].append(data[variable].values[row].astype(float) / n**power)
        assert [len(own) for own in found.values()] == [SENTENCES] * len(LANGUAGES)
        return [np.stack(own) for own in found.values()]

    return scores


def means(samples):
    return np.stack([sum(own) / len(own) for own in samples])


def moderated(statistic):
    """(S − μ)/(σ + σ₀), neuron by neuron; σ over languages with n − 1, σ₀ its median in the layer."""
    found = np.empty_like(statistic)
    for layer in range(statistic.shape[1]):
        spreads = []
        for neuron in range(statistic.shape[2]):
            values = statistic[:, layer, neuron]
            spreads.append(math.sqrt(sum((values - values.mean()) ** 2) / (len(values) - 1)))
        for neuron, spread in enumerate(spreads):
            values = statistic[:, layer, neuron]
            found[:, layer, neuron] = (values - values.mean()) / (spread + np.median(spreads))
    return found


def less_the_others(statistic, over):
    found = np.empty_like(statistic)
    for row in range(len(statistic)):
        found[row] = statistic[row] - over(np.delete(statistic, row, axis=0), axis=0)
    return found


def layer_z(statistic):
    found = np.empty_like(statistic)
    for row in range(len(statistic)):
        for layer in range(LAYERS):
            values = statistic[row, layer]
            found[row, layer] = (values - values.mean()) / math.sqrt(((values - values.mean()) ** 2).mean())
    return found


def first(values, size, places=PLACES):
    """The places of the ``size`` highest values; equal ones in order."""
    known = [place for place in places if not math.isnan(values[place])]
    return set(sorted(known, key=lambda place: (-values[place], place))[:size])


def top(specificity, size=SIZE):
    return [first(values, size) for values in specificity]


def z_of_mean(site, variable, power):
    def choose(read):
        return top(moderated(means(read(site, variable, power))))

    return choose


def rates(read):
    """Firing tokens over all tokens; the text is read again for their number."""
    counts, tokens = read("mlp_gate", "active.sum"), read.tokens
    return np.stack([own.sum(axis=0) / tokens[row] for row, own in enumerate(counts)])


def entropies(p):
    found = {}
    for layer, neuron in PLACES:
        share = p[:, layer, neuron] / p[:, layer, neuron].sum()
        found[layer, neuron] = -sum(one * math.log(one) for one in share if one > 0)
    return found


def rank_value(p, rate):
    return sorted(p.ravel())[round(rate * p.size) - 1]


def lape(read):
    p = rates(read)
    entropy, bar = entropies(p), rank_value(p, 0.95)
    passing = [place for place in PLACES if any(one[place] > bar for one in p)]
    chosen = sorted(passing, key=lambda place: (entropy[place], place))[: round(0.01 * NEURONS)]
    return [{place for place in chosen if one[place] > bar} for one in p]


def lape_budget(read):
    p = rates(read)
    entropy, bar = entropies(p), rank_value(p, 0.95)
    found = []
    for one in p:
        own = [place for place in PLACES if one[place] == max(other[place] for other in p) > bar]
        found.append(set(sorted(own, key=lambda place: (entropy[place], place))[:SIZE]))
    return found


def plnd(read, consistency=1.0):
    leads = []
    for samples in read("mlp", "parallel.l2"):
        counts = dict.fromkeys(PLACES, 0)
        for sample in samples:
            for layer in range(LAYERS):
                row = [(layer, neuron) for neuron in range(WIDTH)]
                for place in first(sample, round(0.05 * WIDTH), row):
                    counts[place] += 1
        leads.append({place for place, count in counts.items() if count >= consistency * len(samples)})
    return [own - set.intersection(*leads) for own in leads]


def kurtosis_z(read):
    statistic = np.empty((len(LANGUAGES), LAYERS, WIDTH))
    for row, samples in enumerate(read("mlp", "relevance.sum.gold_logit", 1)):
        for layer, neuron in PLACES:
            x = samples[:, layer, neuron]
            d = x - x.mean()
            statistic[row, layer, neuron] = (d**4).mean() / (d**2).mean() ** 2
    return layer_z(statistic)


def prefilter(read):
    cheap = moderated(means(read("mlp", "activation_abs.mean")))
    fine = moderated(means(read("mlp", "grad_act.max.logprob", 1)))
    kept = top(cheap, round(0.1 * NEURONS))
    return [first(values, SIZE, sorted(own)) for values, own in zip(fine, kept, strict=True)]


def drilldown(read):
    strength = means(read("resid", "fisher.sum.logprob", 2)).sum(axis=2)
    fine = moderated(means(read("mlp", "grad_act.max.logprob", 1)))
    found = []
    for values, layers in zip(fine, strength, strict=True):
        kept = sorted(range(LAYERS), key=lambda layer: -layers[layer])[:2]
        found.append(first(values, SIZE, [place for place in PLACES if place[0] in kept]))
    return found


def pairwise(read):
    statistic = means(read("mlp", "grad_act.max.logprob", 1))
    return [set(), *top(statistic[1:] - statistic[0])]


def culnig(read, share=0.003, control_share=0.01):
    task, options, copy = (
        means(read("mlp_gate_pre", f"grad_act.max.answer{control}"))
        for control in ("", "(control=options)", "(control=copy)")
    )
    gain = task - options
    found = []
    for row in range(len(LANGUAGES)):
        own = first(gain[row], round(share * NEURONS)) - first(copy[row], round(control_share * NEURONS))
        z = {}
        for layer, neuron in own:
            values = gain[:, layer, neuron]
            z[layer, neuron] = (values[row] - values.mean()) / values.std()
        found.append({place for place in own if z[place] >= 0.5})
    return found


ORACLES = {
    "activation": z_of_mean("mlp", "activation_abs.mean", 0),
    "conductance": z_of_mean("mlp", "conductance.max.logprob.steps=16@16", 1),
    "crane": lambda read: top(kurtosis_z(read)),
    "crane_margin": lambda read: top(less_the_others(kurtosis_z(read), np.max)),
    "culnig": culnig,
    "drilldown": drilldown,
    "fisher": z_of_mean("mlp", "fisher_act.sum.logprob", 2),
    "gates": z_of_mean("mlp", "grad_act.max.logprob", 1),
    "grad": z_of_mean("mlp", "grad.max.logprob", 1),
    "grad_act": z_of_mean("mlp", "grad_act.max.logprob", 1),
    "ig": z_of_mean("mlp", "integrated_gradients.max.logprob.steps=16@16", 1),
    "lape": lape,
    "lape_budget": lape_budget,
    "neurgrad": z_of_mean("mlp", "neurgrad.max.logprob", 1),
    "pairwise": pairwise,
    "plnd": plnd,
    "prefilter": prefilter,
    "random": lambda read: top(means(read("mlp", "random.sum"))),
    "relevance": z_of_mean("mlp", "relevance.max.gold_logit", 1),
    "smoothgrad": z_of_mean("mlp", "smoothgrad.max.logprob.copies=8@16", 1),
}
"""Recipe → the places chosen for each language."""


def average_precisions(read):
    samples = read("mlp", "activation.mean")
    responses = np.concatenate(samples)
    found = np.empty((len(LANGUAGES), LAYERS, WIDTH))
    for row in range(len(LANGUAGES)):
        own = np.repeat(np.arange(len(LANGUAGES)) == row, SENTENCES)
        for layer, neuron in PLACES:
            found[row, layer, neuron] = average_precision_score(own, responses[:, layer, neuron])
    return found


def apart(read, count=20):
    """1 − Σ_b min(P_b, Q_b) over bins in exact fractions; the language furthest apart keeps the neuron."""
    samples = read("mlp_gate", "activation.mean")
    found = np.full((len(LANGUAGES), LAYERS, WIDTH), np.nan)
    for layer, neuron in PLACES:
        responses = [own[:, layer, neuron] for own in samples]
        low = min(map(min, responses))
        width = max(map(max, responses)) - low
        bins = [[min(int((x - low) / width * count), count - 1) for x in own] for own in responses]
        shares = [[Fraction(own.count(b), len(own)) for b in range(count)] for own in bins]
        alone = []
        for row, own in enumerate(shares):
            others = [other for number, other in enumerate(shares) if number != row]
            mean = [sum(column) / len(others) for column in zip(*others, strict=True)]
            alone.append(1 - sum(map(min, own, mean)))
        for row, value in enumerate(alone):
            if value == max(alone):
                found[row, layer, neuron] = float(value)
    return found


def prompt_shares(read):
    variable = "integrated_gradients.last.target(measure=probability).steps=20@16"
    statistic = np.zeros((len(LANGUAGES), LAYERS, WIDTH))
    for row, samples in enumerate(read("mlp", variable)):
        for sample in samples:
            statistic[row] += (sample > 0.3 * sample.max()) / len(samples)
    return less_the_others(statistic, np.mean)


BY_VALUE = {"experts": average_precisions, "dln": apart, "knowledge_neurons": prompt_shares}
"""Specificities of few distinct values: which of equal neurons are chosen is a matter of rounding."""


@pytest.fixture(scope="module")
def reader(read, model, corpus):
    read.tokens = [
        sum(len(sample.ids) - 1 for sample in tokenize(corpus.restrict([language]), model.tokenizer))
        for language in LANGUAGES
    ]
    return read


def chosen_by(bank, recipe, size=BUDGET):
    masks = recipe.choose(recipe.statistic(bank), size, bank)
    return [set(map(tuple, np.argwhere(mask).tolist())) for mask in masks]


def test_every_recipe_has_an_oracle():
    assert {*ORACLES, *BY_VALUE} == set(recipe_names())


@pytest.mark.parametrize("name", ORACLES)
def test_masks_equal_the_transcriptions(name, bank, reader):
    recipe, expected = load_recipe(name), ORACLES[name](reader)
    assert chosen_by(bank, recipe) == expected
    assert any(expected)
    if not recipe.searched:
        sets = select(bank, name, BUDGET)
        assert [set(map(tuple, np.argwhere(one.mask).tolist())) for one in sets.values()] == expected
        assert tuple(sets) == LANGUAGES


@pytest.mark.parametrize("name", BY_VALUE)
def test_the_chosen_have_the_transcriptions_highest_values(name, bank, reader):
    ends = SIZE // 2 if name == "experts" else 0
    compare_values(BY_VALUE[name](reader), chosen_by(bank, load_recipe(name)), ends)


def compare_values(expected, masks, lowest=0):
    for values, chosen in zip(expected, masks, strict=True):
        known = np.sort(values[~np.isnan(values)])
        best = np.concatenate([known[:lowest], known[lowest - SIZE :]])
        assert len(best) == SIZE
        np.testing.assert_allclose(sorted(values[place] for place in chosen), best, atol=1e-12)
        assert known[-1] > known[len(known) // 2] > known[0], "else any neurons would do"


def test_variations_that_choose_more(bank, reader):
    """The defaults choose few neurons of so small a model."""
    plain = load_recipe("plnd", select={"rule": "consistent", "consistency": 0.5})
    assert chosen_by(bank, plain) == plnd(reader, 0.5)
    select_more = load_recipe("culnig").select.model_copy(update={"share": 0.2, "control_share": 0.1})
    expected = culnig(reader, 0.2, 0.1)
    assert chosen_by(bank, load_recipe("culnig").model_copy(update={"select": select_more})) == expected
    assert all(5 < len(own) < 0.2 * NEURONS for own in expected)
    coarse = load_recipe("dln", contrast={"name": "overlap", "options": {"bins": 4}})
    compare_values(apart(reader, 4), chosen_by(bank, coarse))


def test_languages_do_not_get_the_same_neurons(bank):
    """Else a permutation of languages would pass unseen."""
    for name in recipe_names():
        en, vi, zh = chosen_by(bank, load_recipe(name))
        assert en != vi or vi != zh, name


SWEEPS = {
    "ig": (integrated_gradients, IntegratedGradients(steps=16)),
    "conductance": (conductance_score, ConductancePath(steps=16)),
    "smoothgrad": (smoothgrad, SmoothGrad(copies=8)),
}


@pytest.mark.parametrize("name", SWEEPS)
def test_a_banks_numbers_are_those_of_the_sweep(name, bank, model, corpus, read):
    """Sentence by sentence, without padding."""
    run, options = SWEEPS[name]
    quantity = load_recipe(name).quantity
    samples = tokenize(corpus, model.tokenizer)
    stored = {}
    for shard in bank.shards:
        if "mlp" not in shard.children or quantity.variable not in shard["mlp"].data_vars:
            continue
        labels = (shard["mlp"][key].values.tolist() for key in ("language", "document", "sentence"))
        scores = shard["mlp"][quantity.variable].values
        stored |= dict(zip(zip(*labels, strict=True), scores, strict=True))
    assert len(stored) == len(samples)
    for sample in (samples[0], samples[7], samples[17]):
        batch = Batch.of([sample])
        swept = run(
            model,
            batch,
            lambda hidden, batch=batch: OBJECTIVES["logprob"](hidden, batch, model.head),
            ["mlp"],
            range(LAYERS),
            options,
        )
        expected = torch.stack([swept.tokens["mlp"][layer][0, 1:].amax(0) for layer in range(LAYERS)]).numpy()
        found = stored[sample.language, sample.document, sample.sentence]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_completeness_is_kept_with_path_scores(bank):
    told = [(name, layer) for name, layer, _, _ in completeness(*bank.shards)]
    names = (
        "mlp/integrated_gradients.logprob.steps=16@16",
        "mlp/integrated_gradients.target(measure=probability).steps=20@16",
        "resid/conductance.logprob.steps=16@16",
    )
    assert told == [(name, layer) for name in names for layer in range(LAYERS)]


def test_a_limit_of_sentences_reads_so_many_and_no_others(model, corpus):
    limited = load_recipe("ig", sentences=2, score={"name": "integrated_gradients", "options": {"steps": 2}})
    bank = score(model, corpus, [limited, "grad_act"])
    some, all_of_them = corpus.take(2), corpus
    for quantity, text in ((limited.quantity, some), (load_recipe("grad_act").quantity, all_of_them)):
        expected = {(one.language, one.document, one.sentence) for one in tokenize(text, model.tokenizer)}
        read = set()
        for shard in bank.shards:
            data = shard["mlp"].dataset
            if quantity.variable in data:
                labels = (data[key].values.tolist() for key in ("language", "document", "sentence"))
                read |= set(zip(*labels, strict=True))
        assert read == expected
    assert limited.quantity.variable.endswith(".steps=2@2")


def test_a_task_says_what_it_was(model, corpus):
    """Accuracy of the probe in the shard, where a report finds it."""
    recipe = load_recipe("grad_act", name="lid", objective="language_id")
    (shard,) = score(model, corpus, [recipe]).shards
    about = json.loads(shard.attrs["task"])
    assert set(about) == {"held-out accuracy", "chance"}
    assert about["held-out accuracy"] > 2 * about["chance"]
    read = set(shard["mlp"]["document"].values.tolist())
    assert read < {document.id for document in corpus.documents["en"]}


def test_a_model_too_small_for_a_share_is_refused_before_any_pass(corpus, monkeypatch):
    small = tiny_model("gemma3_text", max_position_embeddings=1024)
    monkeypatch.setattr("neuroglot.study.reading.score_samples", lambda *_, **__: pytest.fail("a pass"))
    with pytest.raises(NeuroglotError, match=r"recipe 'culnig': culnig: share: .* less than one of 144"):
        score(small, corpus, ["culnig"])
