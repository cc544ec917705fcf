"""Scores and s of masked language models, against the whole table of logits of every copy, one at a time."""

import json
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch

from neuroglot.attribution.engine import score_samples
from neuroglot.attribution.exact import ablate_everywhere
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.intervention.hooks import prove
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.batch import Batch
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from neuroglot.objective import OBJECTIVES
from neuroglot.objective.objective import as_read
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.shard import COMPLETENESS
from neuroglot.text.masked import in_copies
from neuroglot.text.samples import Sample
from tiny import tiny_model

TEXTS = [(40, 41, 42, 43, 44), (50, 51), (60, 61, 62, 60)]


@pytest.fixture(scope="module", params=["bert", "roberta"])
def model(request) -> LanguageModel:
    """In float64, so that only a wrong formula can differ."""
    model = tiny_model(request.param)
    model.network.double()
    return model


@pytest.fixture(scope="module")
def samples(model) -> list[Sample]:
    plain = [Sample("en", f"d{n}", n, (0, *text), len(text), len(text)) for n, text in enumerate(TEXTS)]
    return [as_read(sample, model) for sample in plain]


def by_hand(model: LanguageModel, text: tuple[int, ...], hidden: int) -> tuple[torch.Tensor, list, list]:
    """log p of a hidden token, activation and gradient of each layer's neurons at the text's tokens.

    The network alone, one copy of the text, all logits, autograd from the embeddings up.
    """
    tokenizer, network, kept = model.tokenizer, model.network, []
    ids = [tokenizer.cls_token_id, *text, tokenizer.sep_token_id]
    ids[hidden + 1] = tokenizer.mask_token_id

    def keep(_module, args):
        args[0].retain_grad()
        kept.append(args[0])

    handles = [
        network.get_input_embeddings().register_forward_hook(lambda _m, _a, out: out.requires_grad_()),
        *(layer.output.dense.register_forward_pre_hook(keep) for layer in network.base_model.encoder.layer),
    ]
    try:
        logits = network(input_ids=torch.tensor([ids])).logits[0]
    finally:
        for handle in handles:
            handle.remove()
    log_prob = logits[hidden + 1].log_softmax(-1)[text[hidden]]
    log_prob.backward()
    return log_prob.detach(), [a.detach()[0, 1:-1] for a in kept], [a.grad[0, 1:-1] for a in kept]


@pytest.fixture(scope="module")
def read(model) -> Callable[[int], tuple[float, np.ndarray, np.ndarray]]:
    """Number of the text → s, activations and gradients [layer, copy, token, neuron]."""

    @cache
    def whole(number: int) -> tuple[float, np.ndarray, np.ndarray]:
        text = TEXTS[number]
        found = [by_hand(model, text, place) for place in range(len(text))]
        s = float(sum(log_prob for log_prob, _, _ in found))
        a, g = (
            np.stack([np.stack([copy.numpy() for copy in layer]) for layer in zip(*each, strict=True)])
            for each in ([a for _, a, _ in found], [g for _, _, g in found])
        )
        return s, a, g

    return whole


def test_a_sample_holds_a_copy_a_hidden_token(model, samples):
    marks = model.encoder.marks
    two = samples[1]
    assert two.ids == (marks.begin, marks.gap, 51, marks.end, marks.begin, 50, marks.gap, marks.end)
    assert two.gaps == ((1, 50), (6, 51))
    assert (two.tokens, two.copies, two.prompt) == (2, 2, 0)
    batch = Batch.of([two, in_copies(Sample("en", "d", 0, (0, 7, 8, 9), 3, 3), marks, [1])])
    assert batch.real.int().tolist() == [[0, 1, 1, 0, 0, 1, 1, 0], [0, 1, 1, 1, 0, 0, 0, 0]]
    assert [each.tolist() for each in batch.scored] == [[0, 0, 1], [1, 6, 2], [50, 51, 8]]


def test_s_is_the_pseudo_log_likelihood(model, samples, read):
    batch = Batch.of(samples)
    values, _ = OBJECTIVES["logprob"](model.body(batch.ids), batch, model.head)
    assert values.tolist() == pytest.approx([read(number)[0] for number in range(3)], rel=1e-6)


REDUCED = {
    "sum": lambda scores: scores.sum(axis=1),
    "max": lambda scores: scores.max(axis=1),
    "mean": lambda scores: scores.mean(axis=1),
    "l2": lambda scores: np.sqrt((scores**2).sum(axis=1)),
}


@pytest.mark.parametrize("reduction", REDUCED)
@pytest.mark.parametrize("score", ["grad_act", "fisher", "neurgrad", "activation"])
def test_scores_of_one_pass(model, samples, read, score, reduction):
    power = {"grad_act": 1, "fisher": 2, "neurgrad": 1, "activation": 0}[score]
    quantity = Quantity("mlp", score, reduction, power, "logprob" if power else "")
    found = score_samples(model, samples, [quantity], token_budget=64)["mlp"][quantity.variable].values
    for number in range(3):
        _, a, g = read(number)
        each = {"grad_act": a * g, "fisher": g**2, "neurgrad": g * np.sign(a), "activation": a}[score]
        of_tokens = each.sum(axis=1) if power else each.mean(axis=1)  # over the copies
        np.testing.assert_allclose(found[number], REDUCED[reduction](of_tokens), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("positions", ["all", "last"])
def test_the_last_position_is_the_gap_of_each_copy(model, samples, read, positions):
    reduction = "last" if positions == "all" else "sum"
    quantity = Quantity("mlp", "grad_act", reduction, 1, "logprob")
    tree = score_samples(model, samples, [quantity], positions=positions)
    found = tree["mlp"][quantity.variable].values
    for number, text in enumerate(TEXTS):
        _, a, g = read(number)
        own = np.arange(len(text))
        np.testing.assert_allclose(found[number], (a * g)[:, own, own].sum(axis=1), rtol=1e-4, atol=1e-6)


def test_integrated_gradients_are_complete(model, samples):
    options = '{"steps": 32, "schedule": "uniform"}'
    quantity = Quantity("mlp", "integrated_gradients", "sum", 1, "logprob", options)
    tree = score_samples(model, samples, [quantity])
    nobody = np.zeros((model.layers, 48), dtype=bool)
    base = likelihood(model, samples, {"none": Intervention(NeuronSet("mlp", nobody))})["log_prob"].values
    for _, layer, missing, change in json.loads(tree.attrs[COMPLETENESS]):
        off = nobody.copy()
        off[layer] = True
        data = likelihood(model, samples, {"off": Intervention(NeuronSet("mlp", off))})
        assert change == pytest.approx(np.abs(base - data["log_prob"].values).sum(), rel=1e-4)
        assert missing < 0.01 * change


@pytest.mark.parametrize(
    "score", ["conductance", "smoothgrad", "relevance", "jacobian", "parallel", "random"]
)
def test_the_other_scores_do_not_depend_on_how_samples_are_batched(model, samples, score):
    quantity = Quantity("mlp", score, "sum")
    alone, together = (
        score_samples(model, samples, [quantity], token_budget=budget)["mlp"][quantity.variable].values
        for budget in (1, 1000)
    )
    assert np.abs(alone).max() > 0
    np.testing.assert_allclose(alone, together, rtol=1e-4, atol=1e-6)


def test_one_neuron_off_against_a_loop_of_forward_passes(model, samples, read):
    text, neurons = TEXTS[0], np.array([[0, 3], [1, 40], [2, 7]])
    found = ablate_everywhere(model, samples[0], neurons).tolist()
    for (layer, index), lost in zip(neurons.tolist(), found, strict=True):
        column = model.network.base_model.encoder.layer[layer].output.dense.weight[:, index]
        kept = column.clone()
        column.zero_()
        off = sum(by_hand(model, text, place)[0] for place in range(len(text)))
        column.copy_(kept)
        assert lost == pytest.approx(read(0)[0] - float(off), rel=1e-4, abs=1e-5)
    quantity = Quantity("mlp", "ablation", "sum", 1, "logprob")
    exact = score_samples(model, samples[:1], [quantity])["mlp"][quantity.variable].values[0]
    assert exact[neurons[:, 0], neurons[:, 1]].tolist() == pytest.approx(found, rel=1e-4, abs=1e-5)


def test_masks_are_proven_and_rows_keep_their_own(model, samples, read):
    dice = np.random.default_rng(0)
    sets = [NeuronSet("mlp", dice.random((model.layers, 48)) < 0.3) for _ in range(2)]
    acts = [Intervention(own) for own in sets]
    assert all(proof.moved > 0 for proof in prove(model, acts))
    data = likelihood(model, samples, {"a": acts[0], "b": acts[1]}, token_budget=200)
    for act, found in zip(acts, data["log_prob"].values, strict=True):
        for number, text in enumerate(TEXTS):
            layers = model.network.base_model.encoder.layer
            kept = [layer.output.dense.weight.clone() for layer in layers]
            for layer, mask in zip(layers, act.neurons.mask, strict=True):
                layer.output.dense.weight[:, np.flatnonzero(mask)] = 0
            off = sum(by_hand(model, text, place)[0] for place in range(len(text)))
            for layer, weight in zip(layers, kept, strict=True):
                layer.output.dense.weight.copy_(weight)
            assert found[number] == pytest.approx(float(off), rel=1e-6)
