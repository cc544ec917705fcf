"""Conductance against captum a layer at a time, its completeness, and its bad paths."""

import numpy as np
import pytest
import torch
from captum.attr import LayerConductance
from captum.attr._utils.approximation_methods import approximation_parameters

from neuroglot.attribution.conductance import conductance, log_spaced, uniform
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES
from neuroglot.objective.target import Target
from tiny import tiny_model

STEPS = 5
ALPHAS = {
    "gausslegendre": approximation_parameters("gausslegendre")[1](STEPS + 1),
    "riemann_right": approximation_parameters("riemann_right")[1](STEPS + 1),
}
"""Captum's own, so that the sums are the same."""


def value_of(model, batch, objective="logprob"):
    return lambda hidden: OBJECTIVES[objective](hidden, batch, model.head)


def assert_close(found, expected):
    assert (found - expected).abs().max() <= 1e-4 * expected.abs().max()


def captum_tokens(model, layer, sample, alphas, baseline, site="mlp"):
    """Captum's layer conductance of one sample alone, [position, neuron]."""
    ids = torch.tensor(sample.ids)

    def s(embeddings):
        logits = model.network(inputs_embeds=embeddings, use_cache=False).logits
        rows = logits[:, :-1].log_softmax(-1)
        return rows.gather(2, ids[1:, None].expand(len(rows), -1, -1)).sum(dim=(1, 2))

    module = model.site(site).module(layer)
    embeddings = model.network.get_input_embeddings()(ids[None]).detach()
    method = LayerConductance(s, module)
    found = method._attribute(
        (embeddings,),
        (baseline,),
        n_steps=len(alphas) - 1,
        attribute_to_layer_input=model.site(site).tap.end == "input",
        step_sizes_and_alphas=([], list(alphas)),
    )
    found = found[0] if isinstance(found, tuple) else found
    return found.detach().reshape(len(ids), -1)


@pytest.mark.parametrize("method", ALPHAS)
@pytest.mark.parametrize("family", ["gemma3_text", "gemma2", "gpt2", "bloom", "phi3", "gpt_neox"])
def test_one_sweep_equals_captum_layer_by_layer(family, method, samples, model_of):
    """In float64: BLOOM norms its embeddings, so its activations hardly differ from one α to the next."""
    model, batch = model_of(family), Batch.of(samples)
    found = conductance(
        model, batch.ids, value_of(model, batch), sites=("mlp", "mlp_gate"), alphas=ALPHAS[method]
    )
    for site in ("mlp", "mlp_gate"):
        for layer in range(model.layers):
            for row, sample in enumerate(samples):
                expected = captum_tokens(model, layer, sample, ALPHAS[method], 0.0, site)
                assert_close(found.tokens[site][layer][row, : len(sample.ids)], expected)
                assert not found.tokens[site][layer][row, len(sample.ids) :].any(), "padding does nothing"


def test_captums_front_door_takes_the_same_sum(samples):
    """What `captum_tokens` calls is what `attribute` calls."""
    model, sample = tiny_model("gpt2"), samples[0]
    batch, ids = Batch.of([sample]), torch.tensor(sample.ids)

    def s(embeddings):
        rows = model.network(inputs_embeds=embeddings, use_cache=False).logits[:, :-1].log_softmax(-1)
        return rows.gather(2, ids[1:, None].expand(len(rows), -1, -1)).sum(dim=(1, 2))

    embeddings = model.network.get_input_embeddings()(ids[None]).detach()
    expected = LayerConductance(s, model.down_projection(1)).attribute(
        embeddings, n_steps=STEPS, attribute_to_layer_input=True
    )
    expected = expected[0] if isinstance(expected, tuple) else expected
    found = conductance(model, batch.ids, value_of(model, batch), alphas=ALPHAS["gausslegendre"])
    assert_close(found.tokens["mlp"][1][0], expected.detach().reshape(len(ids), -1))


@pytest.mark.parametrize("family", ["gemma3_text", "gpt2"])
def test_another_baseline_and_layers(family, samples):
    model, batch = tiny_model(family), Batch.of(samples)
    baseline = model.network.get_input_embeddings()(torch.tensor([[0, 7]])).mean(dim=1, keepdim=True).detach()
    alphas = (0.0, 0.25, 0.5, 1.0)
    found = conductance(
        model, batch.ids, value_of(model, batch), layers=[2, 1], alphas=alphas, baseline=baseline
    )
    assert list(found.tokens["mlp"]) == [1, 2]
    for layer, row in ((1, 0), (2, 4)):
        expected = captum_tokens(model, layer, samples[row], alphas, baseline)
        assert_close(found.tokens["mlp"][layer][row, : len(samples[row].ids)], expected)


@pytest.mark.parametrize(
    ("family", "schedule"),
    [
        ("gemma3_text", log_spaced),
        ("gemma2", log_spaced),
        ("gpt2", log_spaced),
        ("bloom", log_spaced),
        ("opt", log_spaced),
        ("gpt2", uniform),
        ("opt", uniform),
    ],
)
def test_completeness_at_the_residual_stream_grows_with_the_steps(family, schedule, samples):
    """Σ → s(x) − s(x'): at every layer, the error of a left sum falls as 1/steps."""
    model, batch = tiny_model(family), Batch.of(samples)
    value, errors = value_of(model, batch), []
    for steps in (16, 64, 256):
        found = conductance(model, batch.ids, value, sites=("resid", "resid_pre"), alphas=schedule(steps))
        change = found.end - found.start
        lack = [found.missing(site, layer) for site in found.tokens for layer in range(model.layers)]
        errors.append((torch.stack(lack).abs().max(dim=1).values / change.abs().max()).max().item())
    assert errors[1] < 0.4 * errors[0]
    assert errors[2] < 0.4 * errors[1]
    assert errors[2] < 0.12
    with torch.no_grad():
        torch.testing.assert_close(found.end, value(model.body(batch.ids))[0])
        handle = model.network.get_input_embeddings().register_forward_hook(lambda _m, _a, e: 1e-5 * e)
        torch.testing.assert_close(found.start, value(model.body(batch.ids))[0])
        handle.remove()


def test_one_step_is_the_gradient_at_its_start(samples, gemma):
    """With two values of α: g(α_0)·(a(α_1) − a(α_0)), by plain autograd, for s at the last position."""
    sample, alphas = samples[2], (0.3, 0.9)
    target, ids = Target(sample.ids, (33,), "probability"), torch.tensor([sample.ids])

    def value(hidden):
        s, slope = target.value(hidden[:, -1:], gemma.head, gradient=True)
        whole = torch.zeros_like(hidden)
        whole[:, -1:] = slope
        return s, whole

    found = conductance(gemma, ids, value, alphas=alphas)
    kept = []
    for alpha in alphas:
        seen = []

        def keep(activation, seen=seen):
            activation.retain_grad()
            seen.append(activation)

        embeddings = (alpha * gemma.network.get_input_embeddings()(ids)).detach().requires_grad_()
        with gemma.site("mlp").visit(dict.fromkeys(range(gemma.layers), keep)):
            gemma.network(inputs_embeds=embeddings).logits[0, -1].softmax(-1)[33].backward()
        kept.append(seen)
    for layer, (low, high) in enumerate(zip(*kept, strict=True)):
        assert_close(found.tokens["mlp"][layer], (low.grad * (high - low)).detach())


def test_reduced_over_the_texts_own_tokens(samples, gemma):
    batch = Batch.of(samples)
    found = conductance(gemma, batch.ids, value_of(gemma, batch), alphas=log_spaced(4))
    reduced = found.reduce("mlp", "max", [slice(1, len(sample.ids)) for sample in samples]).numpy()
    expected = [
        [found.tokens["mlp"][layer][row, 1 : len(sample.ids)].numpy().max(axis=0) for layer in range(3)]
        for row, sample in enumerate(samples)
    ]
    np.testing.assert_array_equal(reduced, expected)


def test_leaves_the_model_as_it_was(samples, gemma):
    batch = Batch.of(samples)
    before = gemma.body(batch.ids)
    with pytest.raises(RuntimeError, match="stumbled"):

        def stumble(hidden):
            raise RuntimeError("stumbled")

        conductance(gemma, batch.ids, stumble)
    assert torch.equal(gemma.body(batch.ids), before)


def test_bad_paths_are_named(samples):
    model, batch = tiny_model("gemma3_text"), Batch.of(samples)
    value = value_of(model, batch)
    for alphas in ((), (1.0,), (0.0, 0.0, 1.0), (1.0, 0.5)):
        with pytest.raises(NeuroglotError, match="at least two rising values"):
            conductance(model, batch.ids, value, alphas=alphas)
    with pytest.raises(NeuroglotError, match="at least 1 step, not 0"):
        log_spaced(0)
    with pytest.raises(NeuroglotError, match="at least 1 step, not -1"):
        uniform(-1)
    with pytest.raises(NeuroglotError, match=r"layers \[3\] do not exist"):
        conductance(model, batch.ids, value, layers=[3])
    with pytest.raises(NeuroglotError, match="unknown site"):
        conductance(model, batch.ids, value, sites=["mpl"])
    with pytest.raises(NeuroglotError, match=r"s is not finite at α = 1 of the path"):
        conductance(model, batch.ids, lambda hidden: (hidden.sum(dim=(1, 2)) * torch.inf, hidden))
    with pytest.raises(NeuroglotError, match=r"gradient at 'mlp' of layer 2 is not finite at α = 0.5"):
        conductance(model, batch.ids, lambda h: (h.sum((1, 2)), h * torch.nan), alphas=(0.5, 1.0))


def test_the_schedules():
    assert uniform(4) == (pytest.approx(1e-5), 0.25, 0.5, 0.75, 1.0)
    alphas = log_spaced(16)
    assert len(alphas) == 17
    assert (alphas[0], alphas[-1]) == (pytest.approx(1e-5), 1.0)
    factors = np.diff(np.log(alphas))
    np.testing.assert_allclose(factors, factors[0])
